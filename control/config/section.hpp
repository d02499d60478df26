// One map of the configuration while it is read: its keys are checked against those that may stand
// in it, and each typed reader either stores a value or says where and why it cannot. What is left
// out leaves the target as it is, so a target's initial value is the key's default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "control/config/document.hpp"
#include "control/config/problem.hpp"

namespace sluice::control {

// A name that the configuration's format knows. Names of the format that this version does nothing
// for are refused as such, so that no one trusts in what is not there.
struct KnownName {
  std::string_view name;
  bool supported = true;
};

template <typename T>
struct Bounds {
  T minimum;
  T maximum;
};

class Section {
 public:
  // `what` names the map in messages: "a port". A node that is not a map, unknown and unsupported
  // keys and keys without a value become problems.
  Section(const Node& node, std::string_view what, std::span<const KnownName> keys,
          Problems& problems);

  [[nodiscard]] Location where() const { return node_.where; }
  // The key's value; null when it is left out or has been refused.
  [[nodiscard]] const Node* find(std::string_view key) const;
  // As find(); a key that is left out is a problem.
  [[nodiscard]] const Node* require(std::string_view key, std::string_view expected) const;
  // The scalar's text; null also when the value is no scalar or is empty, which is a problem.
  [[nodiscard]] const std::string* text(std::string_view key, std::string_view expected) const;

  void count(std::string_view key, Bounds<std::uint64_t> bounds, std::uint64_t& target) const;
  void size(std::string_view key, Bounds<std::uint64_t> bounds, std::uint64_t& target) const;
  void duration(std::string_view key, Bounds<base::Duration> bounds, base::Duration& target) const;
  void rate(std::string_view key, double& target) const;
  void flag(std::string_view key, bool& target) const;

  // Calls read(item) for each of 1 to `maximum` items of the key's list. A key that is left out has
  // none.
  void list(std::string_view key, std::size_t maximum, std::string_view expected,
            const std::function<void(const Node&)>& read) const;

 private:
  template <typename T, typename Parse>
  void scalar(std::string_view key, std::string_view expected, const Parse& parse, T& target) const;

  const Node& node_;
  std::string_view what_;
  Problems& problems_;
  // Parallel to node_.keys; false where the key or its value has been refused.
  std::vector<bool> usable_;
};

// The item's text, or nothing and a problem.
[[nodiscard]] const std::string* item_text(const Node& item, std::string_view key,
                                           std::string_view expected, Problems& problems);

// Which of `choices` the node names, or nothing and a problem.
[[nodiscard]] std::optional<std::size_t> read_choice(const Node& node, std::string_view key,
                                                     std::span<const KnownName> choices,
                                                     Problems& problems);

// Addresses of either family.
[[nodiscard]] std::optional<base::IpAddress> read_address(const Node& node, std::string_view key,
                                                          Problems& problems);
[[nodiscard]] std::optional<base::AddressPrefix> read_prefix(const Node& node, std::string_view key,
                                                             Problems& problems);
[[nodiscard]] std::optional<base::SocketAddress> read_endpoint(const Node& node,
                                                               std::string_view key,
                                                               Problems& problems);

}  // namespace sluice::control
