// An interface's IPv6 addresses, the prefixes they lie in and its routes: what is ours and may be
// used, what is on the link, and where to send what is not (RFC 4861 5.2, RFC 4862 5.4). The
// longest prefix that holds a destination decides. With an address of any scope comes a link-local
// one; without any, the interface does not speak IPv6.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/static_route.hpp"

namespace sluice::net {

// RFC 4862 5.4: nobody else may have it before it is used.
enum class AddressState : std::uint8_t { kTentative, kAssigned, kDuplicate };

class Ipv6Prefixes {
 public:
  // Addresses of other families are not looked at. All begin as kTentative.
  Ipv6Prefixes(std::span<const base::AddressPrefix> addresses, const base::MacAddress& mac,
               const std::optional<base::Ipv6Address>& gateway,
               std::span<const base::StaticRoute> routes = {});

  struct Prefix {
    base::Ipv6Address address;
    std::uint8_t length = 0;  // bits
    AddressState state = AddressState::kTentative;
    [[nodiscard]] bool contains(const base::Ipv6Address& other) const;
  };
  // The configured ones and the link-local one at the end.
  [[nodiscard]] std::span<const Prefix> addresses() const { return prefixes_; }
  [[nodiscard]] std::span<Prefix> addresses() { return prefixes_; }

  // Configured, whether it may be used or not.
  [[nodiscard]] bool owns(const base::Ipv6Address& address) const;
  [[nodiscard]] bool is_assigned(const base::Ipv6Address& address) const;
  // All nodes of the link, or those that solicitations for one of our addresses go to.
  [[nodiscard]] bool is_our_group(const base::Ipv6Address& group) const;
  // Reached without a router: in one of the prefixes, or the gateway itself.
  [[nodiscard]] bool on_link(const base::Ipv6Address& address) const;
  // Whom to hand a packet to, and how exactly it was known; nothing when there is no way.
  struct Hop {
    base::Ipv6Address next;
    std::uint8_t length = 0;  // of the prefix or the route, bits
  };
  [[nodiscard]] std::optional<Hop> hop_towards(const base::Ipv6Address& destination) const;
  [[nodiscard]] std::optional<base::Ipv6Address> next_hop(
      const base::Ipv6Address& destination) const;
  // Our address to speak from to a neighbour: the one in its prefix, else any that may be used.
  [[nodiscard]] std::optional<base::Ipv6Address> source_towards(
      const base::Ipv6Address& neighbour) const;
  // False for addresses that no other node can have on this link.
  [[nodiscard]] bool is_possible_neighbour(const base::Ipv6Address& address) const;

 private:
  [[nodiscard]] const Prefix* find(const base::Ipv6Address& address) const;

  std::vector<Prefix> prefixes_;
  std::vector<base::StaticRoute> routes_;  // the longest prefixes first
  std::optional<base::Ipv6Address> gateway_;
};

}  // namespace sluice::net
