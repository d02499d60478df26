#include "dataplane/net/neighbour_discovery.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {
namespace {

wire::Ipv6Header header_of(const base::Ipv6Address& source, const base::Ipv6Address& destination) {
  return {.source = source,
          .destination = destination,
          .next_header = wire::IpProtocol::kIcmpv6,
          .hop_limit = wire::kDiscoveryHopLimit};
}

bool is_possible(const base::MacAddress& mac) {
  return !mac.is_multicast() && mac != base::MacAddress{};
}

}  // namespace

NeighbourDiscovery::NeighbourDiscovery(const Surroundings& surroundings)
    : around_(surroundings),
      next_deadline_(std::as_const(around_.prefixes).addresses().empty() ? base::Instant::never()
                                                                         : base::Instant{}) {}

void NeighbourDiscovery::receive(base::Instant now, const wire::Ipv6Header& ip,
                                 const std::optional<wire::Ipv6Fragment>& fragment,
                                 base::Bytes message) {
  const auto parsed = wire::parse_discovery(ip, fragment, message);
  if (!parsed) {
    around_.counters.add(parsed.error() == wire::DiscoveryError::kUnsupported
                             ? NetCounter::kNdUnsupported
                             : NetCounter::kNdMalformed);
  } else if (const auto* solicitation = std::get_if<wire::NeighbourSolicitation>(&*parsed)) {
    on_solicitation(now, ip, *solicitation);
  } else if (const auto* advertisement = std::get_if<wire::NeighbourAdvertisement>(&*parsed)) {
    on_advertisement(now, *advertisement);
  } else {
    around_.counters.add(NetCounter::kNdRouterMessages);
  }
}

void NeighbourDiscovery::advance(base::Instant now) {
  if (now < next_deadline_) return;
  if (!probed_) {
    probed_ = true;
    next_deadline_ = now + kProbeTime;
    for (const auto& prefix : around_.prefixes.addresses()) probe(prefix.address);
    return;
  }
  next_deadline_ = base::Instant::never();
  for (Ipv6Prefixes::Prefix& prefix : around_.prefixes.addresses()) {
    if (prefix.state != AddressState::kTentative) continue;
    prefix.state = AddressState::kAssigned;
    announce(prefix.address);
  }
}

// RFC 4861 7.2.2.
void NeighbourDiscovery::ask(const base::IpAddress& neighbour,
                             const std::optional<base::MacAddress>& known_at) {
  const base::Ipv6Address target = neighbour.ipv6();
  const auto source = around_.prefixes.source_towards(target);
  if (!source) return;
  const base::Ipv6Address to = known_at ? target : wire::solicited_node_multicast(target);
  transmit(header_of(*source, to),
           wire::NeighbourSolicitation{.target = target, .source_mac = around_.link.mac()},
           known_at.value_or(wire::multicast_mac(to)), NetCounter::kNdSolicitationsOut);
}

// RFC 4861 7.2.3, 7.2.4 and RFC 4862 5.4.3.
void NeighbourDiscovery::on_solicitation(base::Instant now, const wire::Ipv6Header& ip,
                                         const wire::NeighbourSolicitation& solicitation) {
  const bool probing = wire::is_unspecified(ip.source);
  const auto addresses = around_.prefixes.addresses();
  const auto ours =
      std::ranges::find(addresses, solicitation.target, &Ipv6Prefixes::Prefix::address);
  // RFC 7527 4.2: our own probe has come back; the network loops, but nobody has the address.
  if (ours != addresses.end() && probing && solicitation.nonce == nonce_of(solicitation.target)) {
    around_.counters.add(NetCounter::kNdLoopedBack);
    return;
  }
  if (ours != addresses.end() && ours->state == AddressState::kTentative && probing) {
    return on_claim(*ours, std::nullopt);
  }
  if (ours == addresses.end() || ours->state != AddressState::kAssigned) {
    around_.counters.add(NetCounter::kNdUnsolicited);
    return;
  }
  if (around_.prefixes.owns(ip.source)) {
    around_.counters.add(NetCounter::kNdConflict);
    return;
  }
  if (solicitation.source_mac && !is_possible(*solicitation.source_mac)) {
    around_.counters.add(NetCounter::kNdMalformed);
    return;
  }
  around_.counters.add(NetCounter::kNdSolicitationsIn);
  if (solicitation.source_mac && around_.prefixes.is_possible_neighbour(ip.source)) {
    around_.counters.add(NetCounter::kNdLearned);
    around_.neighbours.learn(now, ip.source, *solicitation.source_mac, Neighbours::Belief::kHeard);
  }
  if (around_.answers) answer(now, ip, solicitation);
}

// RFC 4861 7.2.5. Who is not known is not learned, so that what a neighbour sends to everybody does
// not fill the table.
void NeighbourDiscovery::on_advertisement(base::Instant now,
                                          const wire::NeighbourAdvertisement& advertisement) {
  const auto addresses = around_.prefixes.addresses();
  const auto ours =
      std::ranges::find(addresses, advertisement.target, &Ipv6Prefixes::Prefix::address);
  if (ours != addresses.end()) return on_claim(*ours, advertisement.target_mac);
  if (advertisement.target_mac && !is_possible(*advertisement.target_mac)) {
    around_.counters.add(NetCounter::kNdMalformed);
    return;
  }
  const auto known = around_.neighbours.known(advertisement.target);
  const auto mac = known && known->mac ? known->mac : advertisement.target_mac;
  if (!known || !mac) {
    around_.counters.add(NetCounter::kNdUnsolicited);
    return;
  }
  learn(now, advertisement, *mac);
}

// `known_at` is where the neighbour was, or where it now says that it is when nobody knew.
void NeighbourDiscovery::learn(base::Instant now, const wire::NeighbourAdvertisement& advertisement,
                               const base::MacAddress& known_at) {
  const base::MacAddress mac = advertisement.target_mac.value_or(known_at);
  if (mac != known_at && !advertisement.overrides) {
    around_.counters.add(NetCounter::kNdUnsolicited);
    return around_.neighbours.doubt(now, advertisement.target);
  }
  around_.counters.add(NetCounter::kNdLearned);
  around_.neighbours.learn(
      now, advertisement.target, mac,
      advertisement.solicited ? Neighbours::Belief::kConfirmed : Neighbours::Belief::kHeard);
}

// RFC 4862 5.4.5: an address that another node has or is about to have is not used. Once it is in
// use, a claim is a fault of the network, and whoever makes it must not take the address from us.
void NeighbourDiscovery::on_claim(Ipv6Prefixes::Prefix& ours,
                                  const std::optional<base::MacAddress>& claimant) {
  if (claimant == around_.link.mac()) {
    around_.counters.add(NetCounter::kNdUnsolicited);
  } else if (ours.state == AddressState::kTentative) {
    ours.state = AddressState::kDuplicate;
    around_.counters.add(NetCounter::kNdDuplicateAddress);
  } else {
    around_.counters.add(NetCounter::kNdConflict);
  }
}

// RFC 4861 7.2.4: whoever has no address yet is answered where everybody hears it.
void NeighbourDiscovery::answer(base::Instant now, const wire::Ipv6Header& ip,
                                const wire::NeighbourSolicitation& solicitation) {
  const wire::NeighbourAdvertisement advertisement{.target = solicitation.target,
                                                   .target_mac = around_.link.mac(),
                                                   .solicited = !wire::is_unspecified(ip.source),
                                                   .overrides = true};
  const wire::Ipv6Header header =
      header_of(solicitation.target, advertisement.solicited ? ip.source : wire::kAllNodes);
  if (!advertisement.solicited) {
    transmit(header, advertisement, wire::multicast_mac(wire::kAllNodes),
             NetCounter::kNdAdvertisementsOut);
  } else if (solicitation.source_mac) {
    transmit(header, advertisement, *solicitation.source_mac, NetCounter::kNdAdvertisementsOut);
  } else if (around_.prefixes.is_possible_neighbour(ip.source)) {
    base::PacketPtr packet = packet_for(header, advertisement);
    if (!packet) return;
    around_.counters.add(NetCounter::kNdAdvertisementsOut);
    around_.neighbours.send(now, ip.source, std::move(packet));
  }
}

// RFC 4862 5.4.2.
void NeighbourDiscovery::probe(const base::Ipv6Address& address) {
  if (!around_.answers) return;
  const base::Ipv6Address group = wire::solicited_node_multicast(address);
  transmit(header_of({}, group),
           wire::NeighbourSolicitation{
               .target = address, .source_mac = std::nullopt, .nonce = nonce_of(address)},
           wire::multicast_mac(group), NetCounter::kNdSolicitationsOut);
}

// As good as random (RFC 7527 4.1): the key is new at every start, and there is one probe for an
// address.
wire::DiscoveryNonce NeighbourDiscovery::nonce_of(const base::Ipv6Address& address) const {
  const std::uint64_t hash = around_.hash_key.hash<2, 4>(address.octets);
  wire::DiscoveryNonce nonce;
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::byte>(hash >> (8 * i));
  return nonce;
}

// RFC 4861 7.2.6: who knew another link-layer address learns ours at once.
void NeighbourDiscovery::announce(const base::Ipv6Address& address) {
  if (!around_.answers) return;
  transmit(header_of(address, wire::kAllNodes),
           wire::NeighbourAdvertisement{
               .target = address, .target_mac = around_.link.mac(), .overrides = true},
           wire::multicast_mac(wire::kAllNodes), NetCounter::kNdAdvertisementsOut);
}

base::PacketPtr NeighbourDiscovery::packet_for(const wire::Ipv6Header& ip,
                                               const wire::DiscoveryMessage& message) {
  base::PacketPtr packet(around_.pool.allocate());
  if (!packet) {
    around_.counters.add(NetCounter::kNdNoPacket);
    return packet;
  }
  const std::size_t size = wire::discovery_size(message);
  wire::serialize_ipv6(ip, wire::Ipv6Header::kSize + size, packet->append(wire::Ipv6Header::kSize));
  wire::serialize_discovery(message, ip, packet->append(size));
  return packet;
}

void NeighbourDiscovery::transmit(const wire::Ipv6Header& ip, const wire::DiscoveryMessage& message,
                                  const base::MacAddress& destination, NetCounter counter) {
  base::PacketPtr packet = packet_for(ip, message);
  if (!packet) return;
  around_.counters.add(counter);
  around_.link.send(destination, wire::EtherType::kIpv6, std::move(packet));
}

}  // namespace sluice::net
