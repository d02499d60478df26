#include "dataplane/net/ipv4_output.hpp"

#include <algorithm>

#include "dataplane/net/tcp_checksum.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace sluice::net {

void Ipv4Output::send_tcp(WayOut& name, base::Instant now, const base::IpAddress& source,
                          const base::IpAddress& destination, base::PacketPtr segment) {
  if (const Way* way = way_named(name, source, now, *segment)) {
    write_headers(source.ipv4(), destination.ipv4(), *way->interface, *segment);
    return way->send(std::move(segment));
  }
  if (!source.is_ipv4() || !destination.is_ipv4()) {
    counters_.add(NetCounter::kIpv4NoRoute);
    return;
  }
  const auto route = route_for(source.ipv4(), destination.ipv4(), *segment);
  if (!route) return;
  write_headers(source.ipv4(), destination.ipv4(), *route->interface, *segment);
  const Way* way =
      ways_.find_or_add(*route->interface, route->next_hop, wire::EtherType::kIpv4, now, name);
  if (way != nullptr) return way->send(std::move(segment));
  route->interface->neighbours().send(now, route->next_hop, std::move(segment));
}

const Way* Ipv4Output::way_named(WayOut name, const base::IpAddress& source, base::Instant now,
                                 const base::Packet& payload) {
  const Way* way = ways_.find(name, now);
  const bool passable = way != nullptr && way->interface->subnets().is_assigned(source.ipv4()) &&
                        way->takes(payload, wire::Ipv4Header::kMinSize);
  return passable ? way : nullptr;
}

// TCP's checksum and IP's header.
void Ipv4Output::write_headers(base::Ipv4Address source, base::Ipv4Address destination,
                               const Interface& interface, base::Packet& segment) const {
  const wire::InternetSum addresses = wire::address_sum(source, destination);
  fill_in_tcp_checksum({.addresses = addresses,
                        .link_header_size = interface.link().header_size(),
                        .ip_header_size = wire::Ipv4Header::kMinSize,
                        .by_device = interface.computes_checksums()},
                       segment);
  const wire::AtomicIpv4Header header{
      .source = source,
      .destination = destination,
      .protocol = wire::IpProtocol::kTcp,
      .ttl = settings_.hop_limit,
      .traffic_class = wire::with_ecn(settings_.traffic_class(), segment.traffic_class)};
  const base::MutableBytes space = segment.prepend(wire::Ipv4Header::kMinSize);
  wire::serialize_ipv4(header, addresses, segment.frame_size(), space);
}

void Ipv4Output::send_icmp(base::Instant now, base::Ipv4Address source,
                           base::Ipv4Address destination, base::PacketPtr message) {
  const auto route = route_for(source, destination, *message);
  if (!route) return;
  message->checksum = {};
  const base::MutableBytes space = message->prepend(wire::Ipv4Header::kMinSize);
  wire::serialize_ipv4(
      {.source = source, .destination = destination, .protocol = wire::IpProtocol::kIcmp},
      wire::address_sum(source, destination), message->size(), space);
  route->interface->neighbours().send(now, route->next_hop, std::move(message));
}

// The smallest of the interfaces that lead there: which of them is taken depends on the source.
// RFC 9293 3.9.1.1 (MUST-46): none leads to a group or a broadcast, so that an open is refused.
std::optional<std::size_t> Ipv4Output::path_mtu(const base::IpAddress& destination) const {
  std::optional<std::size_t> mtu;
  if (!destination.is_ipv4()) return mtu;
  for (const auto& interface : interfaces_) {
    const Ipv4Subnets& subnets = interface->subnets();
    if (!subnets.lead_to(destination.ipv4())) continue;
    if (is_illegal(destination.ipv4(), subnets)) return std::nullopt;
    mtu = std::min(mtu.value_or(interface->mtu()), interface->mtu());
  }
  return mtu;
}

bool Ipv4Output::is_local(const base::IpAddress& address) const {
  return address.is_ipv4() && owns(address.ipv4());
}

bool Ipv4Output::owns(base::Ipv4Address address) const {
  return std::ranges::any_of(
      interfaces_, [&](const auto& interface) { return interface->subnets().owns(address); });
}

bool Ipv4Output::is_assigned(base::Ipv4Address address) const {
  return std::ranges::any_of(interfaces_, [&](const auto& interface) {
    return interface->subnets().is_assigned(address);
  });
}

// What is sent to ourselves would come back through the switch, or never.
bool Ipv4Output::is_illegal(base::Ipv4Address destination, const Ipv4Subnets& subnets) const {
  return owns(destination) || destination.is_loopback() || destination.is_unspecified() ||
         destination.is_multicast() || subnets.is_broadcast(destination);
}

// The interface that has the source address, if it leads to the destination (RFC 1122 3.3.4.2, the
// strong model), else the one that knows it best.
std::optional<Ipv4Output::Route> Ipv4Output::route(base::Ipv4Address source,
                                                   base::Ipv4Address destination) const {
  std::optional<Route> other;
  std::uint32_t mask = 0;
  for (const auto& interface : interfaces_) {
    const auto hop = interface->subnets().hop_towards(destination);
    if (!hop || interface->subnets().addresses().empty()) continue;
    const Route candidate{interface.get(), hop->next};
    if (interface->subnets().owns(source)) return candidate;
    if (other && hop->mask <= mask) continue;
    other = candidate;
    mask = hop->mask;
  }
  return other;
}

std::optional<Ipv4Output::Route> Ipv4Output::route_for(base::Ipv4Address source,
                                                       base::Ipv4Address destination,
                                                       const base::Packet& payload) {
  const auto found = route(source, destination);
  if (!found) {
    counters_.add(NetCounter::kIpv4NoRoute);
    return std::nullopt;
  }
  // RFC 5227 2.1.1: nothing is sent from an address that somebody else has.
  if (!is_assigned(source) && owns(source)) {
    counters_.add(NetCounter::kIpv4SourceUnassigned);
    return std::nullopt;
  }
  if (is_illegal(destination, found->interface->subnets())) {
    counters_.add(NetCounter::kIpv4IllegalDestination);
    return std::nullopt;
  }
  if (!found->interface->takes(payload, wire::Ipv4Header::kMinSize)) {
    counters_.add(NetCounter::kIpv4TooBig);
    return std::nullopt;
  }
  if (payload.headroom() < wire::Ipv4Header::kMinSize + found->interface->link().header_size()) {
    counters_.add(NetCounter::kIpv4NoHeadroom);
    return std::nullopt;
  }
  return found;
}

}  // namespace sluice::net
