#include "dataplane/net/stack.hpp"

#include <algorithm>
#include <cassert>

#include "base/limits.hpp"
#include "dataplane/net/dual_output.hpp"
#include "dataplane/net/icmp.hpp"
#include "dataplane/net/icmp_errors.hpp"
#include "dataplane/net/icmpv6.hpp"
#include "dataplane/net/interface.hpp"
#include "dataplane/net/ipv4.hpp"
#include "dataplane/net/ipv4_output.hpp"
#include "dataplane/net/ipv6.hpp"
#include "dataplane/net/ipv6_output.hpp"
#include "dataplane/net/plain_input.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {

struct Stack::Parts {
  Parts(const StackSettings& settings, base::PacketPool& packets, base::Instant start)
      : hash_key(settings.hash_key),
        pool(packets),
        ipv4_output(interfaces, counters, settings.ip),
        ipv6_output(interfaces, counters, settings.ip),
        output(ipv4_output, ipv6_output),
        engine(settings.tcp, settings.hash_key, settings.owns_flow, output, packets, counters,
               start),
        plain(engine),
        icmp(ipv4_output, engine, packets, counters),
        icmpv6(ipv6_output, engine, packets, counters),
        errors(ipv4_output, ipv6_output, packets, counters) {}

  void receive_burst(base::Instant now, Interface& interface,
                     std::span<base::Packet* const> frames);
  void receive_frame(base::Instant now, Interface& interface, base::PacketPtr frame);
  void receive_arp(base::Instant now, Interface& interface, base::Bytes payload);
  void receive_ipv4(base::Instant now, Interface& interface, base::PacketPtr packet);
  void receive_ipv6(base::Instant now, Interface& interface, const base::MacAddress& to,
                    base::PacketPtr packet);
  void refuse_ipv6(base::Instant now, const Interface& interface, const base::MacAddress& to,
                   const Ipv6Refusal& refusal, base::Bytes packet);
  void receive_tcp(base::Instant now, const Interface& interface, const base::IpAddress& source,
                   const base::IpAddress& destination, base::PacketPtr segment);
  void report_undelivered(base::Instant now, base::Bytes packet);

  const tcp::SipKey hash_key;
  base::PacketPool& pool;
  base::Counters<NetCounter> counters;
  Interfaces interfaces;
  Ipv4Output ipv4_output;
  Ipv6Output ipv6_output;
  DualOutput output;
  tcp::Engine engine;
  PlainInput plain;
  Icmp icmp;
  Icmpv6 icmpv6;
  IcmpErrors errors;
};

void Stack::Parts::receive_burst(base::Instant now, Interface& interface,
                                 std::span<base::Packet* const> frames) {
  plain.look_ahead(now, interface, frames);
  for (std::size_t i = 0; i < frames.size();) {
    const std::size_t taken = plain.take(now, i, frames);
    if (taken == 0) receive_frame(now, interface, base::PacketPtr(frames[i]));
    i += std::max<std::size_t>(taken, 1);
  }
}

void Stack::Parts::receive_frame(base::Instant now, Interface& interface, base::PacketPtr frame) {
  const auto header = wire::parse_ethernet(frame->bytes());
  if (!header) {
    counters.add(NetCounter::kFrameMalformed);
    return;
  }
  if (!interface.link().accepts(header->vlan)) {
    counters.add(NetCounter::kFrameVlan);
    return;
  }
  const bool to_us = header->destination == interface.link().mac();
  frame->trim_front(header->size());
  if (header->type == wire::EtherType::kArp) {
    if (to_us || header->destination == base::MacAddress::broadcast()) {
      receive_arp(now, interface, frame->bytes());
    } else {
      counters.add(NetCounter::kFrameNotOurs);
    }
  } else if (header->type == wire::EtherType::kIpv4) {
    // RFC 1122 3.3.6: a packet that arrived as a link-layer broadcast is for nobody alone.
    if (to_us) {
      receive_ipv4(now, interface, std::move(frame));
    } else {
      counters.add(NetCounter::kFrameNotOurs);
    }
  } else if (header->type == wire::EtherType::kIpv6 && !interface.prefixes().addresses().empty()) {
    if (to_us || header->destination.is_multicast()) {
      receive_ipv6(now, interface, header->destination, std::move(frame));
    } else {
      counters.add(NetCounter::kFrameNotOurs);
    }
  } else {
    counters.add(NetCounter::kFrameUnknownType);
  }
}

void Stack::Parts::receive_arp(base::Instant now, Interface& interface, base::Bytes payload) {
  const auto packet = wire::parse_arp(payload);
  if (!packet) {
    counters.add(NetCounter::kArpMalformed);
    return;
  }
  interface.arp().receive(now, *packet);
}

void Stack::Parts::receive_ipv4(base::Instant now, Interface& interface, base::PacketPtr packet) {
  const bool verified =
      interface.verifies_checksums() && packet->checksum.ip_verified && !packet->checksum.bad;
  const auto parsed = accept_ipv4(
      packet->bytes(), verified ? wire::HeaderChecksum::kTrust : wire::HeaderChecksum::kVerify,
      interface.subnets());
  if (!parsed) {
    counters.add(parsed.error());
    return;
  }
  packet->trim_back(packet->size() - parsed->total_size);
  const base::Bytes whole = packet->bytes();
  packet->trim_front(parsed->size);
  switch (parsed->header.protocol) {
    case wire::IpProtocol::kTcp:
      packet->traffic_class = parsed->header.traffic_class;
      return receive_tcp(now, interface, parsed->header.source, parsed->header.destination,
                         std::move(packet));
    case wire::IpProtocol::kIcmp:
      return icmp.receive(now, interface, parsed->header, packet->bytes());
    case wire::IpProtocol::kUdp:
    case wire::IpProtocol::kIcmpv6:
      break;
  }
  counters.add(NetCounter::kIpv4UnknownProtocol);
  errors.unreachable(now, interface, parsed->header, whole);
}

// `to` is the link-layer address that the packet came to. A group's is only for what is sent to the
// group: RFC 1122 3.3.6 for IPv6.
void Stack::Parts::receive_ipv6(base::Instant now, Interface& interface, const base::MacAddress& to,
                                base::PacketPtr packet) {
  const auto accepted = accept_ipv6(packet->bytes(), interface.prefixes());
  if (!accepted) return refuse_ipv6(now, interface, to, accepted.error(), packet->bytes());
  const wire::Ipv6Header& header = accepted->ip.header;
  if (to.is_multicast() && !wire::is_multicast(header.destination)) {
    counters.add(NetCounter::kFrameNotOurs);
    return;
  }
  packet->trim_back(packet->size() - accepted->ip.total_size);
  packet->trim_front(accepted->upper.offset);
  if (accepted->upper.protocol == wire::IpProtocol::kTcp) {
    packet->traffic_class = header.traffic_class;
    receive_tcp(now, interface, header.source, header.destination, std::move(packet));
  } else {
    icmpv6.receive(now, interface, *accepted, packet->bytes());
  }
}

// RFC 4443 2.4(e.4): what came to a group of the link, but is for one node, is not answered.
void Stack::Parts::refuse_ipv6(base::Instant now, const Interface& interface,
                               const base::MacAddress& to, const Ipv6Refusal& refusal,
                               base::Bytes packet) {
  counters.add(refusal.why);
  const auto parsed = wire::parse_ipv6(packet);
  if (!refusal.answer || !parsed) return;
  const wire::Ipv6Header& header = parsed->header;
  if (to.is_multicast() && !wire::is_multicast(header.destination)) return;
  errors.send(now, interface, header, *refusal.answer, packet.first(parsed->total_size));
}

// RFC 9293 3.1 MUST-3: the checksum is verified before anything else; where the device says that it
// found it wrong, it gets a second opinion.
void Stack::Parts::receive_tcp(base::Instant now, const Interface& interface,
                               const base::IpAddress& source, const base::IpAddress& destination,
                               base::PacketPtr segment) {
  const base::Packet::Checksum& device = segment->checksum;
  if (!interface.verifies_checksums() || !device.l4_verified || device.bad) {
    wire::InternetSum sum =
        wire::pseudo_header_sum(source, destination, wire::IpProtocol::kTcp, segment->size());
    sum.add(segment->bytes());
    if (sum.checksum() != 0) {
      counters.add(NetCounter::kTcpBadChecksum);
      return;
    }
  }
  engine.receive(now, source, destination, std::move(segment));
}

void Stack::Parts::report_undelivered(base::Instant now, base::Bytes packet) {
  constexpr std::byte kVersion6{6};
  if ((packet.front() >> 4) == kVersion6) {
    icmpv6.report_undelivered(now, packet);
  } else {
    icmp.report_undelivered(now, packet);
  }
}

Stack::Stack(const StackSettings& settings, base::PacketPool& pool, base::Instant start)
    : parts_(std::make_unique<Parts>(settings, pool, start)) {}

Stack::~Stack() = default;

InterfaceId Stack::add_interface(const InterfaceSettings& settings) {
  assert(parts_->interfaces.size() < base::limits::kMaxPorts);
  auto interface =
      std::make_unique<Interface>(settings, parts_->hash_key, parts_->pool, parts_->counters);
  parts_->output.allow_trains(interface->train_packets());
  parts_->output.note_mtu(interface->mtu());
  interface->arp().announce();
  parts_->interfaces.push_back(std::move(interface));
  return static_cast<InterfaceId>(parts_->interfaces.size() - 1);
}

void Stack::receive(base::Instant now, InterfaceId interface,
                    std::span<base::Packet* const> frames) {
  parts_->counters.add(NetCounter::kFramesIn, frames.size());
  while (!frames.empty()) {
    const auto burst = frames.first(std::min(frames.size(), base::limits::kBurst));
    parts_->receive_burst(now, *parts_->interfaces[interface], burst);
    frames = frames.subspan(burst.size());
  }
}

void Stack::advance(base::Instant now) {
  for (const auto& interface : parts_->interfaces) {
    interface->arp().advance(now);
    interface->listener().advance(now);
    interface->discovery().advance(now);
    base::PacketQueue undeliverable;
    interface->neighbours().advance(now, undeliverable);
    while (const base::PacketPtr packet = undeliverable.pop_front()) {
      parts_->report_undelivered(now, packet->bytes());
    }
  }
  parts_->engine.advance(now);
}

void Stack::flush(base::Instant now) {
  parts_->engine.flush(now);
}

base::PacketQueue& Stack::outgoing(InterfaceId interface) {
  return parts_->interfaces[interface]->link().outgoing();
}

base::Instant Stack::next_deadline() const {
  base::Instant next = parts_->engine.next_deadline();
  for (const auto& interface : parts_->interfaces) {
    next = std::min({next, std::as_const(*interface).arp().next_deadline(),
                     interface->listener().next_deadline(), interface->neighbours().next_deadline(),
                     interface->discovery().next_deadline()});
  }
  return next;
}

base::Result<ListenerId, ListenError> Stack::listen(const base::SocketAddress& local) {
  return parts_->engine.listen(local);
}

void Stack::stop_listening(ListenerId listener) {
  parts_->engine.stop_listening(listener);
}

base::Result<ConnectionHandle, ConnectError> Stack::connect(base::Instant now,
                                                            const ConnectOptions& options) {
  return parts_->engine.connect(now, options);
}

std::optional<Event> Stack::next_event() {
  return parts_->engine.next_event();
}

void Stack::look_ahead(ConnectionHandle connection) const {
  parts_->engine.look_ahead(connection);
}

void Stack::set_context(ConnectionHandle connection, std::uint64_t context) {
  parts_->engine.set_context(connection, context);
}

base::PacketQueue* Stack::input(ConnectionHandle connection) {
  return parts_->engine.input(connection);
}

void Stack::consumed(base::Instant now, ConnectionHandle connection) {
  parts_->engine.consumed(now, connection);
}

bool Stack::input_finished(ConnectionHandle connection) const {
  return parts_->engine.input_finished(connection);
}

std::size_t Stack::send_room(ConnectionHandle connection) const {
  return parts_->engine.send_room(connection);
}

std::size_t Stack::segment_size(ConnectionHandle connection) const {
  return parts_->engine.segment_size(connection);
}

void Stack::send(base::Instant now, ConnectionHandle connection, base::PacketQueue&& payload) {
  parts_->engine.send(now, connection, std::move(payload));
}

std::size_t Stack::unacknowledged(ConnectionHandle connection) const {
  return parts_->engine.unacknowledged(connection);
}

void Stack::finish(base::Instant now, ConnectionHandle connection) {
  parts_->engine.finish(now, connection);
}

void Stack::close(base::Instant now, ConnectionHandle connection) {
  parts_->engine.close(now, connection);
}

void Stack::abort(base::Instant now, ConnectionHandle connection) {
  parts_->engine.abort(now, connection);
}

void Stack::abort_all(base::Instant now) {
  parts_->engine.abort_all(now);
}

std::optional<base::FourTuple> Stack::addresses(ConnectionHandle connection) const {
  return parts_->engine.addresses(connection);
}

const base::Counters<NetCounter>& Stack::counters() const {
  return parts_->counters;
}

StackUsage Stack::usage() const {
  StackUsage usage{.connections = parts_->engine.connections(),
                   .half_open = parts_->engine.half_open(),
                   .closing = parts_->engine.closing(),
                   .time_wait = parts_->engine.time_wait(),
                   .receive_memory = parts_->engine.receive_memory().used(),
                   .send_memory = parts_->engine.send_memory().used()};
  for (const auto& interface : parts_->interfaces) {
    usage.neighbours += interface->neighbours().size();
    usage.duplicate_addresses += interface->duplicate_addresses();
  }
  return usage;
}

}  // namespace sluice::net
