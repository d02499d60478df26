#include "dataplane/net/arp.hpp"

#include <utility>

namespace sluice::net {

// RFC 826, "Packet Reception": who is known already is updated, and who asks for us is learned.
// Nobody else is, so that what a neighbour broadcasts does not fill the table.
void Arp::receive(base::Instant now, const wire::ArpPacket& packet) {
  const Ipv4Subnets& subnets = around_.subnets;
  if (packet.sender_mac == around_.link.mac()) {  // our own, come back
    around_.counters.add(NetCounter::kArpUnsolicited);
    return;
  }
  if (subnets.owns(packet.sender)) return on_conflict(now, packet.sender);
  if (packet.sender_mac.is_multicast() || packet.sender_mac == base::MacAddress{}) {
    around_.counters.add(NetCounter::kArpMalformed);
    return;
  }
  const bool is_request = packet.operation == wire::ArpOperation::kRequest;
  // RFC 5227 2.1.1: somebody else is about to take it, too.
  if (is_request && packet.sender.is_unspecified() && subnets.owns(packet.target) &&
      claims_.is_probing(packet.target)) {
    return on_conflict(now, packet.target);
  }
  const bool asks_for_us = is_request && subnets.is_assigned(packet.target);
  if (subnets.is_possible_neighbour(packet.sender)) {
    if (asks_for_us || around_.neighbours.known(packet.sender)) {
      around_.counters.add(NetCounter::kArpLearned);
      around_.neighbours.learn(now, packet.sender, packet.sender_mac,
                               Neighbours::Belief::kConfirmed);
    } else {
      around_.counters.add(NetCounter::kArpUnsolicited);
    }
  }
  if (asks_for_us) answer(packet);
}

void Arp::on_conflict(base::Instant now, base::Ipv4Address ours) {
  switch (claims_.on_conflict(now, ours)) {
    case Ipv4Claims::Answer::kGiveUp:
      return around_.counters.add(NetCounter::kArpDuplicateAddress);
    case Ipv4Claims::Answer::kDefend:
      around_.counters.add(NetCounter::kArpConflict);
      if (around_.answers) around_.counters.add(NetCounter::kArpDefences);
      return announce(ours);
    case Ipv4Claims::Answer::kEndure:
      return around_.counters.add(NetCounter::kArpConflict);
  }
}

void Arp::announce() {
  if (around_.probes) return;
  for (const auto& subnet : std::as_const(around_.subnets).addresses()) announce(subnet.address);
}

void Arp::advance(base::Instant now) {
  claims_.advance(now, [this](Ipv4Claims::Step step, base::Ipv4Address ours) {
    step == Ipv4Claims::Step::kProbe ? probe(ours) : announce(ours);
  });
}

// RFC 5227 2.3.
void Arp::announce(base::Ipv4Address ours) {
  if (!around_.answers) return;
  transmit({.operation = wire::ArpOperation::kRequest,
            .sender_mac = around_.link.mac(),
            .sender = ours,
            .target_mac = {},
            .target = ours},
           base::MacAddress::broadcast(), NetCounter::kArpRequestsOut);
}

// RFC 5227 2.1.1: from no address, so that nobody learns from it.
void Arp::probe(base::Ipv4Address ours) {
  if (!around_.answers) return;
  transmit({.operation = wire::ArpOperation::kRequest,
            .sender_mac = around_.link.mac(),
            .sender = {},
            .target_mac = {},
            .target = ours},
           base::MacAddress::broadcast(), NetCounter::kArpRequestsOut);
}

void Arp::ask(const base::IpAddress& neighbour, const std::optional<base::MacAddress>& known_at) {
  const auto source = around_.subnets.source_towards(neighbour.ipv4());
  if (!source) return;
  transmit({.operation = wire::ArpOperation::kRequest,
            .sender_mac = around_.link.mac(),
            .sender = *source,
            .target_mac = known_at.value_or(base::MacAddress{}),
            .target = neighbour.ipv4()},
           known_at.value_or(base::MacAddress::broadcast()), NetCounter::kArpRequestsOut);
}

void Arp::answer(const wire::ArpPacket& request) {
  around_.counters.add(NetCounter::kArpRequestsIn);
  if (!around_.answers) return;
  transmit({.operation = wire::ArpOperation::kReply,
            .sender_mac = around_.link.mac(),
            .sender = request.target,
            .target_mac = request.sender_mac,
            .target = request.sender},
           request.sender_mac, NetCounter::kArpRepliesOut);
}

void Arp::transmit(const wire::ArpPacket& packet, const base::MacAddress& destination,
                   NetCounter counter) {
  base::PacketPtr frame(around_.pool.allocate());
  if (!frame) {
    around_.counters.add(NetCounter::kArpNoPacket);
    return;
  }
  wire::serialize_arp(packet, frame->append(wire::ArpPacket::kSize));
  around_.counters.add(counter);
  around_.link.send(destination, wire::EtherType::kArp, std::move(frame));
}

}  // namespace sluice::net
