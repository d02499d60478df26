#include "dataplane/net/arp.hpp"

#include <utility>

namespace sluice::net {

// RFC 826, "Packet Reception": who is known already is updated, and who asks for us is learned.
// Nobody else is, so that what a neighbour broadcasts does not fill the table.
void Arp::receive(base::Instant now, const wire::ArpPacket& packet) {
  const Ipv4Subnets& subnets = around_.subnets;
  if (subnets.owns(packet.sender)) {
    around_.counters.add(packet.sender_mac == around_.link.mac() ? NetCounter::kArpUnsolicited
                                                                 : NetCounter::kArpConflict);
    return;
  }
  const bool asks_for_us =
      packet.operation == wire::ArpOperation::kRequest && subnets.owns(packet.target);
  if (packet.sender_mac.is_multicast() || packet.sender_mac == base::MacAddress{}) {
    around_.counters.add(NetCounter::kArpMalformed);
    return;
  }
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

void Arp::announce() {
  if (!around_.answers) return;
  for (const Ipv4Subnets::Subnet& subnet : around_.subnets.addresses()) {
    transmit({.operation = wire::ArpOperation::kRequest,
              .sender_mac = around_.link.mac(),
              .sender = subnet.address,
              .target_mac = {},
              .target = subnet.address},
             base::MacAddress::broadcast(), NetCounter::kArpRequestsOut);
  }
}

void Arp::ask(const base::IpAddress& neighbour, const std::optional<base::MacAddress>& known_at) {
  transmit({.operation = wire::ArpOperation::kRequest,
            .sender_mac = around_.link.mac(),
            .sender = around_.subnets.source_towards(neighbour.ipv4()),
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
