// A peer that says anything to a whole stack. The input is a list of steps: raw frames, segments of
// one flow whose numbers lie near the stack's own (so that a fuzzer gets past the handshake), time
// that passes, and what a session does. Claims: what the stack sends is well formed, and nothing is
// left when all is over.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/cursor.hpp"
#include "base/memory_packet_pool.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"
#include "dataplane/wire/tcp.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using base::Duration;

constexpr base::MacAddress kOurMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};
constexpr base::MacAddress kPeerMac{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = base::Ipv4Address::of(198, 18, 0, 1);
const base::Ipv6Address kOursOfIpv6 = *base::Ipv6Address::parse("2001:db8::2");
constexpr std::uint16_t kPort = 443;
constexpr std::uint16_t kPeerPort = 50000;
constexpr std::size_t kMaxSteps = 256;

enum class Step : std::uint8_t { kFrame, kSegment, kTime, kSession, kConnect, kCount };

class World {
 public:
  World() {
    interface_ = stack_.add_interface(
        {.mac = kOurMac,
         .addresses = {{.address = kOurs, .length = 24}, {.address = kOursOfIpv6, .length = 64}},
         .device_verifies_checksums = true});
    const auto listener = stack_.listen({.address = kOurs, .port = kPort});
    fuzz::require(listener.has_value(), "the stack listens");
    listener_ = *listener;
    const auto other = stack_.listen({.address = kOursOfIpv6, .port = kPort});
    fuzz::require(other.has_value(), "the stack listens to both families");
    other_listener_ = *other;
    introduce_peer();
    // The addresses of IPv6 are assigned.
    now_ = now_ + Duration::seconds(1);
    turn();
  }

  void run(base::Bytes input) {
    base::Reader reader(input);
    for (std::size_t i = 0; i < kMaxSteps && reader.ok() && !reader.empty(); ++i) {
      take(reader);
      turn();
    }
  }

  void finish() {
    for (const net::ConnectionHandle connection : connections_) stack_.abort(now_, connection);
    stack_.stop_listening(listener_);
    stack_.stop_listening(other_listener_);
    for (int minute = 0; minute < 10; ++minute) {
      now_ = now_ + Duration::seconds(60);
      turn();
    }
    const net::StackUsage usage = stack_.usage();
    fuzz::require(usage.connections + usage.half_open + usage.time_wait == 0, "no connection left");
    fuzz::require(pool_.available() == pool_.capacity(), "every packet is back");
  }

 private:
  void take(base::Reader& reader) {
    switch (Step{static_cast<std::uint8_t>(reader.u8() % static_cast<unsigned>(Step::kCount))}) {
      case Step::kFrame:
        return deliver(reader.vector<base::U16>());
      case Step::kSegment:
        return deliver_segment(reader);
      case Step::kTime:
        now_ = now_ + Duration::milliseconds(std::int64_t{1} << (reader.u8() % 17));
        return;
      case Step::kSession:
        return act(reader.u8());
      case Step::kConnect:
        (void)stack_.connect(now_, {.source = kOurs,
                                    .remote = {.address = kPeer, .port = kPeerPort},
                                    .timeout = Duration::seconds(5)});
        return;
      case Step::kCount:
        return;
    }
  }

  // A segment whose sequence and acknowledgment numbers are given relative to what the stack last
  // said on the flow, with options and payload as they are.
  void deliver_segment(base::Reader& reader) {
    wire::TcpHeader header{.source_port = kPeerPort, .destination_port = our_port_};
    header.flags = wire::TcpFlags::from_octet(reader.u8());
    header.sequence =
        expected_ + static_cast<std::uint32_t>(static_cast<std::int16_t>(reader.u16()));
    header.acknowledgement =
        said_ + static_cast<std::uint32_t>(static_cast<std::int16_t>(reader.u16()));
    header.window = reader.u16();
    const base::Bytes options = reader.bytes(reader.u8() % 11 * std::size_t{4});
    const base::Bytes payload = reader.bytes(reader.u16() % 1461);
    if (!reader.ok()) return;
    std::vector<std::byte> frame(14 + 20 + 20);
    const std::size_t total = 20 + 20 + options.size() + payload.size();
    wire::serialize_ethernet(
        {.destination = kOurMac, .source = kPeerMac, .type = wire::EtherType::kIpv4, .vlan = {}},
        base::MutableBytes(frame).first(14));
    wire::serialize_ipv4(
        {.source = kPeer, .destination = kOurs, .protocol = wire::IpProtocol::kTcp}, total,
        base::MutableBytes(frame).subspan(14, 20));
    wire::serialize_tcp(header, base::MutableBytes(frame).subspan(34));
    frame[34 + 12] = static_cast<std::byte>((5 + options.size() / 4) << 4);
    frame.insert(frame.end(), options.begin(), options.end());
    frame.insert(frame.end(), payload.begin(), payload.end());
    deliver(frame);
  }

  void deliver(base::Bytes frame) {
    base::PacketPtr packet(pool_.allocate());
    if (!packet || frame.size() > packet->tailroom()) return;
    base::copy(packet->append(frame.size()), frame);
    packet->checksum = {.ip_verified = true, .l4_verified = true};
    base::Packet* const burst[] = {packet.release()};
    stack_.receive(now_, interface_, burst);
  }

  void introduce_peer() {
    std::vector<std::byte> frame(14 + wire::ArpPacket::kSize);
    wire::serialize_ethernet(
        {.destination = kOurMac, .source = kPeerMac, .type = wire::EtherType::kArp, .vlan = {}},
        base::MutableBytes(frame).first(14));
    wire::serialize_arp({.operation = wire::ArpOperation::kRequest,
                         .sender_mac = kPeerMac,
                         .sender = kPeer,
                         .target_mac = {},
                         .target = kOurs},
                        base::MutableBytes(frame).subspan(14));
    deliver(frame);
    turn();
  }

  // What a session does with the newest connection.
  void act(std::uint8_t what) {
    if (connections_.empty()) return;
    const net::ConnectionHandle connection = connections_.back();
    switch (what % 6) {
      case 0:
        if (base::PacketQueue* input = stack_.input(connection)) input->clear();
        return stack_.consumed(now_, connection);
      case 1:
        return send(connection, std::size_t{what} * 40);
      case 2:
        return stack_.finish(now_, connection);
      case 3:
        return stack_.close(now_, connection);
      case 4:
        return stack_.abort(now_, connection);
      default:
        connections_.insert(connections_.begin(), connection);
        return connections_.pop_back();
    }
  }

  void send(net::ConnectionHandle connection, std::size_t size) {
    base::PacketQueue payload;
    size = std::min(size, stack_.send_room(connection));
    while (size > 0) {
      base::PacketPtr packet(pool_.allocate());
      if (!packet) break;
      const std::size_t n = std::min<std::size_t>(size, 1000);
      std::ranges::fill(packet->append(n), std::byte{0x5a});
      payload.push_back(std::move(packet));
      size -= n;
    }
    if (!payload.empty()) stack_.send(now_, connection, std::move(payload));
  }

  void turn() {
    stack_.advance(now_);
    while (const auto event = stack_.next_event()) {
      if (event->what.opened) connections_.push_back(event->connection);
      if (event->what.closed) std::erase(connections_, event->connection);
    }
    stack_.flush(now_);
    while (const base::PacketPtr frame = stack_.outgoing(interface_).pop_front())
      hear(frame->bytes());
  }

  // Remembers where the stack's side of the flow stands. What it sends is well formed.
  void hear(base::Bytes frame) {
    const auto ethernet = wire::parse_ethernet(frame);
    fuzz::require(ethernet.has_value(), "the stack sends Ethernet frames");
    if (ethernet->type == wire::EtherType::kIpv6) {
      return hear_ipv6(frame.subspan(ethernet->size()));
    }
    if (ethernet->type != wire::EtherType::kIpv4) return;
    const base::Bytes packet = frame.subspan(ethernet->size());
    const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify);
    fuzz::require(ip.has_value(), "the stack sends IPv4 packets");
    if (ip->header.protocol != wire::IpProtocol::kTcp) return;
    const auto tcp = wire::parse_tcp(packet.subspan(ip->size));
    fuzz::require(tcp.has_value() && !tcp->malformed_options, "the stack sends TCP segments");
    const wire::TcpHeader& header = tcp->header;
    our_port_ = header.source_port;
    const std::size_t payload = ip->total_size - ip->size - tcp->size;
    said_ = header.sequence + static_cast<std::uint32_t>(payload + (header.flags.syn ? 1 : 0) +
                                                         (header.flags.fin ? 1 : 0));
    if (header.flags.ack) expected_ = header.acknowledgement;
  }

  static void hear_ipv6(base::Bytes packet) {
    const auto ip = wire::parse_ipv6(packet);
    fuzz::require(ip.has_value() && ip->total_size == packet.size(),
                  "the stack sends IPv6 packets");
    const auto upper = wire::find_upper_layer(packet, *ip);
    fuzz::require(upper.has_value(), "the stack sends extension headers that it would take");
    const base::Bytes payload = packet.subspan(upper->offset);
    if (upper->protocol == wire::IpProtocol::kTcp) {
      const auto tcp = wire::parse_tcp(payload);
      fuzz::require(tcp.has_value() && !tcp->malformed_options, "the stack sends TCP segments");
    } else {
      const auto message = wire::parse_icmpv6(ip->header, payload);
      // Reports of listeners (RFC 3810 5.2) are only ever sent.
      constexpr auto kListenerReport = std::byte{143};
      const bool report = !message && message.error() == wire::WireError::kUnsupported &&
                          payload.front() == kListenerReport;
      fuzz::require(message.has_value() || report, "the stack sends ICMPv6 messages");
    }
  }

  base::Instant now_ = base::Instant::from_nanoseconds(1'000'000'000);
  base::MemoryPacketPool pool_{256};
  net::Stack stack_{{.tcp = {.max_connections = 16,
                             .max_half_open = 8,
                             .max_time_wait = 8,
                             .receive_buffer = 32 * 1024,
                             .send_buffer = 32 * 1024},
                     .hash_key = {},
                     .owns_flow = {}},
                    pool_,
                    now_};
  net::InterfaceId interface_ = 0;
  net::ListenerId listener_ = 0;
  net::ListenerId other_listener_ = 0;
  std::vector<net::ConnectionHandle> connections_;
  std::uint16_t our_port_ = kPort;
  wire::SeqNumber said_;      // one past what the stack last sent
  wire::SeqNumber expected_;  // what it acknowledged last
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  world.run(std::as_bytes(std::span(data, size)));
  world.finish();
  return 0;
}
