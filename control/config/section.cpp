#include "control/config/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "control/config/suggestion.hpp"
#include "control/config/values.hpp"

namespace sluice::control {
namespace {

std::vector<std::string_view> names_of(std::span<const KnownName> known) {
  std::vector<std::string_view> names;
  for (const KnownName& name : known) {
    if (name.supported) names.push_back(name.name);
  }
  return names;
}

// "a", "a or b", "a, b or c".
std::string either(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

// A parser that also refuses what lies outside the bounds.
template <typename T, typename Parse>
auto within(Bounds<T> bounds, const Parse& parse) {
  return [bounds, &parse](std::string_view text) {
    std::optional<T> parsed = parse(text);
    if (parsed && (*parsed < bounds.minimum || *parsed > bounds.maximum)) parsed.reset();
    return parsed;
  };
}

}  // namespace

Section::Section(const Node& node, std::string_view what, std::span<const KnownName> keys,
                 Problems& problems)
    : node_(node), what_(what), problems_(problems), usable_(node.keys.size(), false) {
  if (!node.is_map()) {
    problems_.add(node.where, fmt::format("{} is {}; expected a map with {}", what,
                                          describe(node.kind), either(names_of(keys))));
    return;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node& key = node.keys[i];
    const auto known = std::ranges::find(keys, key.text, &KnownName::name);
    if (known == keys.end()) {
      const std::string suggestion = did_you_mean(key.text, names_of(keys));
      problems_.add(
          key.where,
          fmt::format("unknown key \"{}\" in {}{}", key.text, what,
                      suggestion.empty() ? "; expected " + either(names_of(keys)) : suggestion));
    } else if (!known->supported) {
      problems_.add(key.where, fmt::format("\"{}\" is not supported by this version; expected it "
                                           "to be left out",
                                           key.text));
    } else if (node.items[i].kind == Node::Kind::kNull) {
      problems_.add(key.where,
                    fmt::format("{} has no value; expected one, or no such key", key.text));
    } else {
      usable_[i] = true;
    }
  }
}

const Node* Section::find(std::string_view key) const {
  const auto found = std::ranges::find(node_.keys, key, &Node::text);
  if (found == node_.keys.end()) return nullptr;
  const auto index = static_cast<std::size_t>(std::distance(node_.keys.begin(), found));
  return usable_[index] ? &node_.items[index] : nullptr;
}

const Node* Section::require(std::string_view key, std::string_view expected) const {
  const bool present = std::ranges::find(node_.keys, key, &Node::text) != node_.keys.end();
  if (!present && node_.is_map()) {
    problems_.add(node_.where, fmt::format("{} has no {}; expected {}", what_, key, expected));
  }
  return find(key);
}

const std::string* Section::text(std::string_view key, std::string_view expected) const {
  const Node* node = find(key);
  return node == nullptr ? nullptr : item_text(*node, key, expected, problems_);
}

template <typename T, typename Parse>
void Section::scalar(std::string_view key, std::string_view expected, const Parse& parse,
                     T& target) const {
  const std::string* value = text(key, expected);
  if (value == nullptr) return;
  if (const std::optional<T> parsed = parse(*value)) {
    target = *parsed;
  } else {
    problems_.add(find(key)->where,
                  fmt::format("{}: \"{}\" is not possible; expected {}", key, *value, expected));
  }
}

void Section::count(std::string_view key, Bounds<std::uint64_t> bounds,
                    std::uint64_t& target) const {
  scalar(key, fmt::format("a whole number from {} to {}", bounds.minimum, bounds.maximum),
         within(bounds, parse_count), target);
}

void Section::size(std::string_view key, Bounds<std::uint64_t> bounds,
                   std::uint64_t& target) const {
  scalar(key,
         fmt::format("a size in bytes from {} to {}, such as 256K or 1M",
                     format_size(bounds.minimum), format_size(bounds.maximum)),
         within(bounds, parse_size), target);
}

void Section::duration(std::string_view key, Bounds<base::Duration> bounds,
                       base::Duration& target) const {
  scalar(key,
         fmt::format("a duration from {} to {}, such as 200us, 5s, 5m or 12h",
                     format_duration(bounds.minimum), format_duration(bounds.maximum)),
         within(bounds, parse_duration), target);
}

void Section::rate(std::string_view key, double& target) const {
  scalar(key, "a rate from 0 to 1, or from 0% to 100%", parse_rate, target);
}

void Section::flag(std::string_view key, bool& target) const {
  const auto parse = [](std::string_view text) -> std::optional<bool> {
    if (text == "true") return true;
    if (text == "false") return false;
    return std::nullopt;
  };
  scalar(key, "true or false", parse, target);
}

void Section::list(std::string_view key, std::size_t maximum, std::string_view expected,
                   const std::function<void(const Node&)>& read) const {
  const Node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    problems_.add(node->where, fmt::format("{} is {}; expected a list: {}", key,
                                           describe(node->kind), expected));
    return;
  }
  if (node->items.empty() || node->items.size() > maximum) {
    problems_.add(node->where, fmt::format("{} has {} items; expected 1 to {}", key,
                                           node->items.size(), maximum));
    return;
  }
  for (const Node& item : node->items) read(item);
}

const std::string* item_text(const Node& item, std::string_view key, std::string_view expected,
                             Problems& problems) {
  if (item.is_scalar() && !item.text.empty()) return &item.text;
  problems.add(item.where, fmt::format("{} is {}; expected {}", key,
                                       item.is_scalar() ? "empty" : describe(item.kind), expected));
  return nullptr;
}

std::optional<std::size_t> read_choice(const Node& node, std::string_view key,
                                       std::span<const KnownName> choices, Problems& problems) {
  const auto names = names_of(choices);
  const std::string* text = item_text(node, key, either(names), problems);
  if (text == nullptr) return std::nullopt;
  const auto known = std::ranges::find(choices, *text, &KnownName::name);
  if (known == choices.end()) {
    problems.add(node.where, fmt::format("{}: unknown value \"{}\"; expected {}{}", key, *text,
                                         either(names), did_you_mean(*text, names)));
    return std::nullopt;
  }
  if (!known->supported) {
    problems.add(node.where, fmt::format("{}: \"{}\" is not supported by this version; expected {}",
                                         key, *text, either(names)));
    return std::nullopt;
  }
  return static_cast<std::size_t>(std::distance(choices.begin(), known));
}

std::optional<base::IpAddress> read_address(const Node& node, std::string_view key,
                                            Problems& problems) {
  static constexpr std::string_view kExpected = "an address such as 198.18.0.2 or 2001:db8::2";
  const std::string* text = item_text(node, key, kExpected, problems);
  if (text == nullptr) return std::nullopt;
  const auto parsed = base::IpAddress::parse(*text);
  if (parsed) return parsed;
  problems.add(node.where,
               fmt::format("{}: \"{}\" is not an address; expected {}", key, *text, kExpected));
  return std::nullopt;
}

std::optional<base::AddressPrefix> read_prefix(const Node& node, std::string_view key,
                                               Problems& problems) {
  static constexpr std::string_view kExpected =
      "an address with its network's length, such as 198.18.0.2/24 or 2001:db8::2/64";
  const std::string* text = item_text(node, key, kExpected, problems);
  if (text == nullptr) return std::nullopt;
  const auto parsed = base::AddressPrefix::parse(*text);
  if (parsed) return parsed;
  problems.add(node.where, fmt::format("{}: \"{}\" is not an address with a length; expected {}",
                                       key, *text, kExpected));
  return std::nullopt;
}

std::optional<base::SocketAddress> read_endpoint(const Node& node, std::string_view key,
                                                 Problems& problems) {
  static constexpr std::string_view kExpected =
      "an address and a port from 1 to 65535, such as 198.18.0.2:443 or [2001:db8::2]:443";
  const std::string* text = item_text(node, key, kExpected, problems);
  if (text == nullptr) return std::nullopt;
  const auto parsed = base::SocketAddress::parse(*text);
  if (parsed && parsed->port != 0) return parsed;
  problems.add(node.where, fmt::format("{}: \"{}\" is not an address with a port; expected {}", key,
                                       *text, kExpected));
  return std::nullopt;
}

}  // namespace sluice::control
