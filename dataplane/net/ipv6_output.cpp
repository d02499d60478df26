#include "dataplane/net/ipv6_output.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/net/tcp_checksum.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {
namespace {

template <typename Predicate>
bool any_prefixes(const Interfaces& interfaces, Predicate predicate) {
  return std::ranges::any_of(interfaces, [&](const auto& i) { return predicate(i->prefixes()); });
}

}  // namespace

void Ipv6Output::send_tcp(WayOut& name, base::Instant now, const base::IpAddress& source,
                          const base::IpAddress& destination, base::PacketPtr segment) {
  if (const Way* way = way_named(name, source, now, *segment)) {
    write_headers(source.ipv6(), destination.ipv6(), *way->interface, *segment);
    return way->send(std::move(segment));
  }
  if (source.is_ipv4() || destination.is_ipv4()) {
    counters_.add(NetCounter::kIpv6NoRoute);
    return;
  }
  const auto route = route_for(source.ipv6(), destination.ipv6(), *segment);
  if (!route) return;
  write_headers(source.ipv6(), destination.ipv6(), *route->interface, *segment);
  const Way* way =
      ways_.find_or_add(*route->interface, route->next_hop, wire::EtherType::kIpv6, now, name);
  if (way != nullptr) return way->send(std::move(segment));
  route->interface->neighbours().send(now, route->next_hop, std::move(segment));
}

const Way* Ipv6Output::way_named(WayOut name, const base::IpAddress& source, base::Instant now,
                                 const base::Packet& payload) {
  const Way* way = ways_.find(name, now);
  const bool passable = way != nullptr && way->interface->prefixes().is_assigned(source.ipv6()) &&
                        way->takes(payload, wire::Ipv6Header::kSize);
  return passable ? way : nullptr;
}

// TCP's checksum and IP's header.
void Ipv6Output::write_headers(const base::Ipv6Address& source,
                               const base::Ipv6Address& destination, const Interface& interface,
                               base::Packet& segment) const {
  fill_in_tcp_checksum({.addresses = wire::address_sum(source, destination),
                        .link_header_size = interface.link().header_size(),
                        .ip_header_size = wire::Ipv6Header::kSize,
                        .by_device = interface.computes_checksums()},
                       segment);
  const wire::Ipv6Header header{
      .source = source,
      .destination = destination,
      .next_header = wire::IpProtocol::kTcp,
      .hop_limit = settings_.hop_limit,
      .traffic_class = wire::with_ecn(settings_.traffic_class(), segment.traffic_class)};
  const base::MutableBytes space = segment.prepend(wire::Ipv6Header::kSize);
  wire::serialize_ipv6(header, segment.frame_size(), space);
}

void Ipv6Output::send_icmp(base::Instant now, const base::Ipv6Address& source,
                           const base::Ipv6Address& destination, base::PacketPtr message) {
  const auto route = route_for(source, destination, *message);
  if (!route) return;
  message->checksum = {};
  const base::MutableBytes space = message->prepend(wire::Ipv6Header::kSize);
  wire::serialize_ipv6(
      {.source = source, .destination = destination, .next_header = wire::IpProtocol::kIcmpv6},
      message->size(), space);
  route->interface->neighbours().send(now, route->next_hop, std::move(message));
}

// The smallest of the interfaces that lead there: which of them is taken depends on the source.
// RFC 9293 3.9.1.1 (MUST-46): none leads to a group, so that an open is refused.
std::optional<std::size_t> Ipv6Output::path_mtu(const base::IpAddress& destination) const {
  std::optional<std::size_t> mtu;
  if (destination.is_ipv4() || is_illegal(destination.ipv6())) return mtu;
  for (const auto& interface : interfaces_) {
    const Ipv6Prefixes& prefixes = interface->prefixes();
    if (prefixes.addresses().empty() || !prefixes.next_hop(destination.ipv6())) continue;
    mtu = std::min(mtu.value_or(interface->mtu()), interface->mtu());
  }
  return mtu;
}

bool Ipv6Output::is_local(const base::IpAddress& address) const {
  return !address.is_ipv4() && any_prefixes(interfaces_, [&](const Ipv6Prefixes& prefixes) {
    return prefixes.owns(address.ipv6());
  });
}

// The interface that has the source address, if it leads to the destination, else the one that
// knows it best; not so where an address means something on its own link only (RFC 4007 9).
std::optional<Ipv6Output::Route> Ipv6Output::route(const base::Ipv6Address& source,
                                                   const base::Ipv6Address& destination) const {
  const bool link_local = wire::is_link_local(source) || wire::is_link_local(destination);
  std::optional<Route> other;
  std::uint8_t length = 0;
  for (const auto& interface : interfaces_) {
    const Ipv6Prefixes& prefixes = interface->prefixes();
    const auto hop = prefixes.hop_towards(destination);
    if (!hop || prefixes.addresses().empty()) continue;
    if (link_local && !prefixes.on_link(destination)) continue;
    const Route candidate{interface.get(), hop->next};
    if (prefixes.owns(source)) return candidate;
    if (link_local || (other && hop->length <= length)) continue;
    other = candidate;
    length = hop->length;
  }
  return other;
}

// What is sent to ourselves would come back through the switch, or never.
bool Ipv6Output::is_illegal(const base::Ipv6Address& destination) const {
  const auto owns = [&](const Ipv6Prefixes& prefixes) { return prefixes.owns(destination); };
  return wire::is_unspecified(destination) || wire::is_loopback(destination) ||
         wire::is_multicast(destination) || wire::is_ipv4_mapped(destination) ||
         any_prefixes(interfaces_, owns);
}

std::optional<Ipv6Output::Route> Ipv6Output::route_for(const base::Ipv6Address& source,
                                                       const base::Ipv6Address& destination,
                                                       const base::Packet& payload) {
  if (is_illegal(destination)) {
    counters_.add(NetCounter::kIpv6IllegalDestination);
    return std::nullopt;
  }
  // RFC 4862 5.4: nothing is sent from an address that somebody else may have.
  const auto assigned = [&](const Ipv6Prefixes& prefixes) { return prefixes.is_assigned(source); };
  if (!any_prefixes(interfaces_, assigned)) {
    counters_.add(NetCounter::kIpv6SourceUnassigned);
    return std::nullopt;
  }
  const auto found = route(source, destination);
  if (!found) {
    counters_.add(NetCounter::kIpv6NoRoute);
    return std::nullopt;
  }
  if (!found->interface->takes(payload, wire::Ipv6Header::kSize)) {
    counters_.add(NetCounter::kIpv6TooBig);
    return std::nullopt;
  }
  if (payload.headroom() < wire::Ipv6Header::kSize + found->interface->link().header_size()) {
    counters_.add(NetCounter::kIpv6NoHeadroom);
    return std::nullopt;
  }
  return found;
}

}  // namespace sluice::net
