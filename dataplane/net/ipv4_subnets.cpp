#include "dataplane/net/ipv4_subnets.hpp"

#include <algorithm>
#include <functional>

namespace sluice::net {
namespace {

std::uint32_t mask_of(std::uint8_t length) {
  return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

}  // namespace

Ipv4Subnets::Ipv4Subnets(std::span<const base::AddressPrefix> addresses,
                         const std::optional<base::IpAddress>& gateway,
                         std::span<const base::StaticRoute> routes) {
  for (const base::AddressPrefix& prefix : addresses) {
    if (!prefix.address.is_ipv4()) continue;
    subnets_.push_back({.address = prefix.address.ipv4(), .mask = mask_of(prefix.length)});
  }
  if (gateway && gateway->is_ipv4()) gateway_ = gateway->ipv4();
  for (const base::StaticRoute& route : routes) {
    if (!route.to.address.is_ipv4()) continue;
    routes_.push_back({.to = {.address = route.to.address.ipv4(), .mask = mask_of(route.to.length)},
                       .via = route.via.ipv4()});
  }
  std::ranges::stable_sort(routes_, std::ranges::greater{},
                           [](const Route& route) { return route.to.mask; });
}

bool Ipv4Subnets::on_link(base::Ipv4Address address) const {
  return address == gateway_ ||
         std::ranges::any_of(subnets_, [&](const Subnet& s) { return s.contains(address); });
}

std::optional<base::Ipv4Address> Ipv4Subnets::next_hop(base::Ipv4Address destination) const {
  const auto hop = hop_towards(destination);
  if (!hop) return std::nullopt;
  return hop->next;
}

// A network that the interface is in comes before a route for the same one. Each packet that is
// sent asks this.
std::optional<Ipv4Subnets::Hop> Ipv4Subnets::hop_towards(base::Ipv4Address destination) const {
  bool known = gateway_.has_value();
  Hop best{.next = gateway_.value_or(base::Ipv4Address{})};
  if (known && destination == best.next) return Hop{.next = destination, .mask = mask_of(32)};
  for (const Subnet& subnet : subnets_) {
    if (!subnet.contains(destination) || (known && subnet.mask < best.mask)) continue;
    best = {.next = destination, .mask = subnet.mask};
    known = true;
  }
  for (const Route& route : routes_) {
    if (known && route.to.mask <= best.mask) break;
    if (route.to.contains(destination)) return Hop{.next = route.via, .mask = route.to.mask};
  }
  if (!known) return std::nullopt;
  return best;
}

std::optional<base::Ipv4Address> Ipv4Subnets::source_towards(base::Ipv4Address neighbour) const {
  std::optional<base::Ipv4Address> other;
  for (const Subnet& subnet : subnets_) {
    if (!subnet.assigned) continue;
    if (subnet.contains(neighbour)) return subnet.address;
    if (!other) other = subnet.address;
  }
  return other;
}

bool Ipv4Subnets::is_possible_neighbour(base::Ipv4Address address) const {
  return !address.is_unspecified() && !address.is_multicast() && !is_broadcast(address) &&
         !owns(address) && on_link(address);
}

}  // namespace sluice::net
