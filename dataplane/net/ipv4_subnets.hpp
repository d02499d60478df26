// An interface's IPv4 addresses, the networks they lie in and its routes: what is ours, what is on
// the link, and where to send what is not (RFC 1122 3.3.1). The longest prefix that holds a
// destination decides (RFC 1812 5.2.4.3).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/static_route.hpp"

namespace sluice::net {

class Ipv4Subnets {
 public:
  // Addresses of other families are not looked at.
  Ipv4Subnets(std::span<const base::AddressPrefix> addresses,
              const std::optional<base::IpAddress>& gateway,
              std::span<const base::StaticRoute> routes = {});

  // Configured, whether it may be used or not.
  [[nodiscard]] bool owns(base::Ipv4Address address) const {
    for (const Subnet& subnet : subnets_) {
      if (subnet.address == address) return true;
    }
    return false;
  }
  [[nodiscard]] bool is_assigned(base::Ipv4Address address) const {
    for (const Subnet& subnet : subnets_) {
      if (subnet.address == address) return subnet.assigned;
    }
    return false;
  }
  // Reached without a router: in one of the networks, or the gateway itself.
  [[nodiscard]] bool on_link(base::Ipv4Address address) const;
  // Limited, or directed at one of the networks.
  [[nodiscard]] bool is_broadcast(base::Ipv4Address address) const {
    // RFC 3021: a network of two addresses, or of one, has no broadcast address.
    constexpr std::uint32_t kTwoAddresses = 0xfffffffe;
    for (const Subnet& subnet : subnets_) {
      const bool last = address.value == (subnet.address.value | ~subnet.mask);
      if (last && subnet.mask < kTwoAddresses) return true;
    }
    return address.is_broadcast();
  }
  // Whom to hand a packet to, and how exactly it was known; nothing when there is no way.
  struct Hop {
    base::Ipv4Address next;
    std::uint32_t mask = 0;  // of the network or the route
  };
  [[nodiscard]] std::optional<Hop> hop_towards(base::Ipv4Address destination) const;
  [[nodiscard]] std::optional<base::Ipv4Address> next_hop(base::Ipv4Address destination) const;
  [[nodiscard]] bool lead_to(base::Ipv4Address destination) const {
    return gateway_.has_value() || hop_towards(destination).has_value();
  }
  // Our address to speak from to a neighbour: the one in its network, else any that may be used.
  [[nodiscard]] std::optional<base::Ipv4Address> source_towards(base::Ipv4Address neighbour) const;
  // False for addresses that no host can have on this link.
  [[nodiscard]] bool is_possible_neighbour(base::Ipv4Address address) const;

  struct Subnet {
    base::Ipv4Address address;
    std::uint32_t mask = 0;
    bool assigned = true;  // false: another node has the address
    [[nodiscard]] bool contains(base::Ipv4Address other) const {
      return ((address.value ^ other.value) & mask) == 0;
    }
  };
  [[nodiscard]] std::span<const Subnet> addresses() const { return subnets_; }
  [[nodiscard]] std::span<Subnet> addresses() { return subnets_; }

 private:
  struct Route {
    Subnet to;
    base::Ipv4Address via;
  };

  std::vector<Subnet> subnets_;
  std::vector<Route> routes_;  // the longest prefixes first
  std::optional<base::Ipv4Address> gateway_;
};

}  // namespace sluice::net
