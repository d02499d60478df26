#include "dataplane/net/ipv6_prefixes.hpp"

#include <algorithm>
#include <functional>

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {
namespace {

constexpr std::uint8_t kLinkLocalLength = 64;

}  // namespace

Ipv6Prefixes::Ipv6Prefixes(std::span<const base::AddressPrefix> addresses,
                           const base::MacAddress& mac,
                           const std::optional<base::Ipv6Address>& gateway,
                           std::span<const base::StaticRoute> routes)
    : gateway_(gateway) {
  for (const base::AddressPrefix& prefix : addresses) {
    if (prefix.address.is_ipv4()) continue;
    prefixes_.push_back({.address = prefix.address.ipv6(), .length = prefix.length});
  }
  const base::Ipv6Address link_local = wire::link_local_address(mac);
  if (!prefixes_.empty() && !owns(link_local)) {
    prefixes_.push_back({.address = link_local, .length = kLinkLocalLength});
  }
  for (const base::StaticRoute& route : routes) {
    if (!route.to.address.is_ipv4()) routes_.push_back(route);
  }
  std::ranges::stable_sort(routes_, std::ranges::greater{},
                           [](const base::StaticRoute& route) { return route.to.length; });
}

bool Ipv6Prefixes::Prefix::contains(const base::Ipv6Address& other) const {
  return base::AddressPrefix{.address = address, .length = length}.contains(other);
}

const Ipv6Prefixes::Prefix* Ipv6Prefixes::find(const base::Ipv6Address& address) const {
  const auto found = std::ranges::find(prefixes_, address, &Prefix::address);
  return found != prefixes_.end() ? &*found : nullptr;
}

bool Ipv6Prefixes::owns(const base::Ipv6Address& address) const {
  return find(address) != nullptr;
}

bool Ipv6Prefixes::is_assigned(const base::Ipv6Address& address) const {
  const Prefix* prefix = find(address);
  return prefix != nullptr && prefix->state == AddressState::kAssigned;
}

bool Ipv6Prefixes::is_our_group(const base::Ipv6Address& group) const {
  return group == wire::kAllNodes || std::ranges::any_of(prefixes_, [&](const Prefix& p) {
           return wire::solicited_node_multicast(p.address) == group;
         });
}

bool Ipv6Prefixes::on_link(const base::Ipv6Address& address) const {
  const auto is_router = [&](const base::StaticRoute& r) { return r.via == address; };
  return address == gateway_ ||
         std::ranges::any_of(prefixes_, [&](const Prefix& p) { return p.contains(address); }) ||
         std::ranges::any_of(routes_, is_router);
}

std::optional<base::Ipv6Address> Ipv6Prefixes::next_hop(
    const base::Ipv6Address& destination) const {
  const auto hop = hop_towards(destination);
  if (!hop) return std::nullopt;
  return hop->next;
}

// A prefix that the interface is in comes before a route for the same one.
std::optional<Ipv6Prefixes::Hop> Ipv6Prefixes::hop_towards(
    const base::Ipv6Address& destination) const {
  constexpr std::uint8_t kWhole = 128;
  if (destination == gateway_) return Hop{.next = destination, .length = kWhole};
  // RFC 4291 2.5.6: no router forwards what goes to or from such an address.
  if (wire::is_link_local(destination)) {
    if (!on_link(destination)) return std::nullopt;
    return Hop{.next = destination, .length = kWhole};
  }
  std::optional<Hop> best;
  if (gateway_) best = Hop{.next = *gateway_};
  for (const Prefix& prefix : prefixes_) {
    if (prefix.contains(destination) && (!best || prefix.length >= best->length)) {
      best = Hop{.next = destination, .length = prefix.length};
    }
  }
  for (const base::StaticRoute& route : routes_) {
    if (best && route.to.length <= best->length) break;
    if (route.to.contains(destination)) {
      return Hop{.next = route.via.ipv6(), .length = route.to.length};
    }
  }
  return best;
}

std::optional<base::Ipv6Address> Ipv6Prefixes::source_towards(
    const base::Ipv6Address& neighbour) const {
  const Prefix* chosen = nullptr;
  for (const Prefix& prefix : prefixes_) {
    if (prefix.state != AddressState::kAssigned) continue;
    if (prefix.contains(neighbour)) return prefix.address;
    if (chosen == nullptr) chosen = &prefix;
  }
  if (chosen == nullptr) return std::nullopt;
  return chosen->address;
}

bool Ipv6Prefixes::is_possible_neighbour(const base::Ipv6Address& address) const {
  return !wire::is_unspecified(address) && !wire::is_loopback(address) &&
         !wire::is_multicast(address) && !owns(address) && on_link(address);
}

}  // namespace sluice::net
