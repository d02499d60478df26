#include "dataplane/net/ipv4_subnets.hpp"

#include <algorithm>

namespace sluice::net {
namespace {

std::uint32_t mask_of(std::uint8_t length) {
  return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

}  // namespace

Ipv4Subnets::Ipv4Subnets(std::span<const base::AddressPrefix> addresses,
                         const std::optional<base::IpAddress>& gateway) {
  for (const base::AddressPrefix& prefix : addresses) {
    if (!prefix.address.is_ipv4()) continue;
    subnets_.push_back({.address = prefix.address.ipv4(), .mask = mask_of(prefix.length)});
  }
  if (gateway && gateway->is_ipv4()) gateway_ = gateway->ipv4();
}

bool Ipv4Subnets::on_link(base::Ipv4Address address) const {
  return address == gateway_ ||
         std::ranges::any_of(subnets_, [&](const Subnet& s) { return s.contains(address); });
}

bool Ipv4Subnets::is_broadcast(base::Ipv4Address address) const {
  if (address.is_broadcast()) return true;
  return std::ranges::any_of(subnets_, [&](const Subnet& s) {
    // RFC 3021: a network of two addresses, or of one, has no broadcast address.
    return s.mask < mask_of(31) && address.value == (s.address.value | ~s.mask);
  });
}

std::optional<base::Ipv4Address> Ipv4Subnets::next_hop(base::Ipv4Address destination) const {
  if (on_link(destination)) return destination;
  return gateway_;
}

base::Ipv4Address Ipv4Subnets::source_towards(base::Ipv4Address neighbour) const {
  const auto subnet =
      std::ranges::find_if(subnets_, [&](const Subnet& s) { return s.contains(neighbour); });
  return subnet != subnets_.end() ? subnet->address : subnets_.front().address;
}

bool Ipv4Subnets::is_possible_neighbour(base::Ipv4Address address) const {
  return !address.is_unspecified() && !address.is_multicast() && !is_broadcast(address) &&
         !owns(address) && on_link(address);
}

}  // namespace sluice::net
