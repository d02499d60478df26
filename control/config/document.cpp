#include "control/config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace sluice::control {
namespace {

Location location_of(const YAML::Mark& mark) {
  return mark.is_null() ? Location{} : Location{mark.line + 1, mark.column + 1};
}

// Builds the tree from the parser's events. yaml-cpp's own Node would do, but it loses the place of
// keys without a value and expands aliases.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    attach({.kind = Node::Kind::kNull, .where = location_of(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.add(location_of(mark), "aliases are not supported; expected the value itself");
    attach({.kind = Node::Kind::kNull, .where = location_of(mark)});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    attach({.kind = Node::Kind::kScalar, .where = location_of(mark), .text = value});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    open_.push_back({.kind = Node::Kind::kSequence, .where = location_of(mark)});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    open_.push_back({.kind = Node::Kind::kMap, .where = location_of(mark)});
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] Node take() { return std::exchange(root_, Node{}); }

 private:
  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      problems_.add(location_of(mark), "anchors are not supported; expected the value itself");
    }
    // yaml-cpp names untagged nodes "", "?" and, when quoted, "!".
    if (tag.size() > 1) {
      problems_.add(location_of(mark), "tags are not supported; expected a plain value");
    }
  }

  void close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    if (node.is_map()) drop_bad_keys(node);
    attach(std::move(node));
  }

  void attach(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Node& parent = open_.back();
    const bool is_key = parent.is_map() && parent.keys.size() == parent.items.size();
    (is_key ? parent.keys : parent.items).push_back(std::move(node));
  }

  void drop_bad_keys(Node& map) {
    Node kept{.kind = Node::Kind::kMap, .where = map.where};
    for (std::size_t i = 0; i < map.items.size(); ++i) {
      Node& key = map.keys[i];
      const auto first = std::ranges::find(kept.keys, key.text, &Node::text);
      if (!key.is_scalar()) {
        problems_.add(key.where, "a key is not plain text; expected NAME: VALUE");
      } else if (first != kept.keys.end()) {
        problems_.add(
            key.where,
            fmt::format(
                "\"{}\" stands here a second time; it is already on line {}; expected it once",
                key.text, first->where.line));
      } else {
        kept.keys.push_back(std::move(key));
        kept.items.push_back(std::move(map.items[i]));
      }
    }
    map = std::move(kept);
  }

  Problems& problems_;
  std::vector<Node> open_;
  Node root_;
};

}  // namespace

std::string_view describe(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a single value";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "";
}

std::optional<Node> parse_document(std::string_view text, Problems& problems) {
  if (text.size() > kMaxDocumentSize) {
    problems.add({}, fmt::format("the file has {} bytes; expected at most {}", text.size(),
                                 kMaxDocumentSize));
    return std::nullopt;
  }
  // yaml-cpp speaks in exceptions; none of them leaves this function.
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(problems);
    if (!parser.HandleNextDocument(builder)) {
      problems.add({}, "the file is empty; expected a configuration");
      return std::nullopt;
    }
    Node root = builder.take();
    if (parser.HandleNextDocument(builder)) {
      problems.add({}, "the file holds more than one document; expected one");
    }
    return root;
  } catch (const YAML::Exception& error) {
    problems.add(location_of(error.mark), fmt::format("not valid YAML: {}", error.msg));
    return std::nullopt;
  }
}

}  // namespace sluice::control
