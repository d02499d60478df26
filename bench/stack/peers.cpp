#include "bench/stack/peers.hpp"

#include <algorithm>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace sluice::bench {

using base::Instant;
using base::Ipv4Address;
using base::PacketPtr;
using wire::SeqNumber;

namespace {

constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint32_t kPorts = 60'000;
constexpr Ipv4Address kFirstAddress = Ipv4Address::of(198, 19, 0, 0);
// Addresses that only spoofed SYNs come from: the upper half of 198.19.0.0/16.
constexpr Ipv4Address kFirstSpoofed = Ipv4Address::of(198, 19, 128, 0);
constexpr std::uint32_t kSpoofed = 32'768;

constexpr std::uint16_t kWindow = 0xffff;
constexpr std::uint8_t kScale = 7;
constexpr std::uint16_t kMss = 1460;

std::uint32_t milliseconds(Instant now) {
  return static_cast<std::uint32_t>(now.milliseconds());
}

Ipv4Address address_of(Peers::Number number) {
  return {kFirstAddress.value + number / kPorts};
}

wire::TcpHeader header_from(std::uint32_t port) {
  wire::TcpHeader header;
  header.source_port = static_cast<std::uint16_t>(kFirstPort + port % kPorts);
  header.destination_port = kStackPort;
  header.window = kWindow;
  return header;
}

// A train in one piece.
std::vector<std::byte> whole(const base::Packet& train) {
  std::vector<std::byte> bytes(train.bytes().begin(), train.bytes().end());
  for (const base::Packet* text : train.train_text()) {
    bytes.insert(bytes.end(), text->bytes().begin(), text->bytes().end());
  }
  return bytes;
}

void offer_options(wire::TcpHeader& header, std::uint32_t timestamp) {
  header.flags.syn = true;
  header.options.mss = kMss;
  header.options.window_scale = kScale;
  header.options.sack_permitted = true;
  header.options.timestamps = wire::TcpTimestamps{.value = timestamp, .echo = 0};
}

}  // namespace

Peers::Peers(LocalPacketPool& pool, const Options& options)
    : pool_(pool), marks_verified_(options.marks_verified), flows_(options.flows) {}

Peers::Number Peers::number_of(const base::SocketAddress& peer) {
  return (peer.address.ipv4().value - kFirstAddress.value) * kPorts + (peer.port - kFirstPort);
}

PacketPtr Peers::syn(Instant now, Number number) {
  Flow& flow = flow_of(number);
  flow = {.next = SeqNumber(number * 2'654'435'761U)};
  wire::TcpHeader header = header_from(number);
  header.sequence = flow.next;
  offer_options(header, milliseconds(now));
  flow.next += 1;
  return frame(address_of(number), header, 0);
}

PacketPtr Peers::speak(Instant now, Number number, const Speech& speech) {
  Flow& flow = flow_of(number);
  wire::TcpHeader header = header_from(number);
  header.sequence = flow.next;
  header.acknowledgement = speech.up_to.value_or(flow.expected);
  header.flags.ack = true;
  header.flags.psh = speech.text > 0;
  header.flags.fin = speech.fin;
  header.options.timestamps =
      wire::TcpTimestamps{.value = milliseconds(now), .echo = milliseconds(now) + flow.clock};
  flow.next += static_cast<std::uint32_t>(speech.text) + (speech.fin ? 1 : 0);
  return frame(address_of(number), header, speech.text);
}

PacketPtr Peers::spoofed_syn(std::uint64_t random) {
  wire::TcpHeader header = header_from(static_cast<std::uint32_t>(random >> 32));
  header.sequence = SeqNumber(static_cast<std::uint32_t>(random));
  offer_options(header, static_cast<std::uint32_t>(random >> 16));
  const Ipv4Address source{kFirstSpoofed.value + static_cast<std::uint32_t>(random) % kSpoofed};
  return frame(source, header, 0);
}

std::optional<Peers::Heard> Peers::hear(Instant now, const base::Packet& frame) {
  const std::vector<std::byte> joined =
      frame.leads_train() ? whole(frame) : std::vector<std::byte>{};
  const base::Bytes bytes = frame.leads_train() ? base::Bytes(joined) : frame.bytes();
  const auto link = wire::parse_ethernet(bytes);
  if (!link || link->type != wire::EtherType::kIpv4) return std::nullopt;
  const base::Bytes packet = bytes.subspan(link->size());
  const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kTrust);
  if (!ip || ip->header.destination.value >= kFirstSpoofed.value) return std::nullopt;
  const base::Bytes segment = packet.first(ip->total_size).subspan(ip->size);
  const auto tcp = wire::parse_tcp(segment);
  if (!tcp) return std::nullopt;

  const wire::TcpHeader& header = tcp->header;
  Heard heard{
      .number = number_of({.address = ip->header.destination, .port = header.destination_port}),
      .flags = header.flags,
      .text = segment.size() - tcp->size};
  Flow& flow = flow_of(heard.number);
  heard.end = header.sequence + static_cast<std::uint32_t>(heard.text) +
              (header.flags.syn ? 1U : 0U) + (header.flags.fin ? 1U : 0U);
  if (!flow.opened || heard.end > flow.expected) flow.expected = heard.end;
  flow.opened = true;
  if (header.options.timestamps) {
    flow.clock = header.options.timestamps->value - milliseconds(now);
  }
  return heard;
}

PacketPtr Peers::frame(Ipv4Address source, const wire::TcpHeader& header, std::size_t text) {
  PacketPtr packet = pool_.take();
  std::ranges::fill(packet->append(text), std::byte{'x'});
  const std::size_t header_size = wire::tcp_header_size(header);
  wire::serialize_tcp(header, packet->prepend(header_size));
  if (marks_verified_) {
    packet->checksum.ip_verified = packet->checksum.l4_verified = true;
  } else {
    wire::InternetSum sum =
        wire::pseudo_header_sum(source, kStackAddress, wire::IpProtocol::kTcp, packet->size());
    sum.add(packet->bytes());
    base::store_be(packet->data() + wire::kTcpChecksumOffset, sum.checksum());
  }
  const wire::Ipv4Header ip{
      .source = source, .destination = kStackAddress, .protocol = wire::IpProtocol::kTcp};
  const std::size_t total = packet->size() + wire::Ipv4Header::kMinSize;
  wire::serialize_ipv4(ip, total, packet->prepend(wire::Ipv4Header::kMinSize));
  const wire::EthernetHeader link{.destination = kStackMac,
                                  .source = kGatewayMac,
                                  .type = wire::EtherType::kIpv4,
                                  .vlan = std::nullopt};
  wire::serialize_ethernet(link, packet->prepend(link.size()));
  return packet;
}

}  // namespace sluice::bench
