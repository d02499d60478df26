// A YAML document as a tree in which every node knows where it stands. Only what a configuration
// needs: scalars stay text, anchors, aliases and tags are refused (an alias can make a small file
// expand without bound), a key may stand once in its map.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/problem.hpp"

namespace sluice::control {

inline constexpr std::size_t kMaxDocumentSize = std::size_t{1} << 20;  // bytes

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  Location where{};
  std::string text{};         // of a scalar
  std::vector<Node> keys{};   // of a map: scalars, each once, keys[i] names items[i]
  std::vector<Node> items{};  // of a sequence or a map

  [[nodiscard]] bool is_scalar() const { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_sequence() const { return kind == Kind::kSequence; }
  [[nodiscard]] bool is_map() const { return kind == Kind::kMap; }
};

// "a map", "a list", ...: for messages.
[[nodiscard]] std::string_view describe(Node::Kind kind);

// The file's one document; nothing when it cannot be parsed. Problems that leave a usable tree are
// added, too.
[[nodiscard]] std::optional<Node> parse_document(std::string_view text, Problems& problems);

}  // namespace sluice::control
