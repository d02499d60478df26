// An interface's IPv4 addresses and the networks they lie in: what is ours, what is on the link,
// and where to send what is not (RFC 1122 3.3.1).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"

namespace sluice::net {

class Ipv4Subnets {
 public:
  // Addresses of other families are not looked at.
  Ipv4Subnets(std::span<const base::AddressPrefix> addresses,
              const std::optional<base::IpAddress>& gateway);

  [[nodiscard]] bool owns(base::Ipv4Address address) const {
    for (const Subnet& subnet : subnets_) {
      if (subnet.address == address) return true;
    }
    return false;
  }
  // Reached without a router: in one of the networks, or the gateway itself.
  [[nodiscard]] bool on_link(base::Ipv4Address address) const;
  // Limited, or directed at one of the networks.
  [[nodiscard]] bool is_broadcast(base::Ipv4Address address) const;
  [[nodiscard]] bool is_gateway(base::Ipv4Address address) const { return address == gateway_; }
  // Whom to hand a packet to; nothing when there is no way.
  [[nodiscard]] std::optional<base::Ipv4Address> next_hop(base::Ipv4Address destination) const;
  // Our address to speak from to a neighbour: the one in its network, else the first.
  // Precondition: addresses() is not empty.
  [[nodiscard]] base::Ipv4Address source_towards(base::Ipv4Address neighbour) const;
  // False for addresses that no host can have on this link.
  [[nodiscard]] bool is_possible_neighbour(base::Ipv4Address address) const;

  struct Subnet {
    base::Ipv4Address address;
    std::uint32_t mask;
    [[nodiscard]] bool contains(base::Ipv4Address other) const {
      return ((address.value ^ other.value) & mask) == 0;
    }
  };
  [[nodiscard]] std::span<const Subnet> addresses() const { return subnets_; }

 private:
  std::vector<Subnet> subnets_;
  std::optional<base::Ipv4Address> gateway_;
};

}  // namespace sluice::net
