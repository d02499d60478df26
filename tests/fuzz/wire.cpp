// Every parser of dataplane/wire on the same bytes. What a parser accepts, it must accept again in
// the form that the serialiser gives it.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/flow.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"
#include "dataplane/wire/multicast_listener.hpp"
#include "dataplane/wire/neighbour_discovery.hpp"
#include "dataplane/wire/plain_segment.hpp"
#include "dataplane/wire/tcp.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using fuzz::require;

void ethernet(base::Bytes input) {
  const auto header = wire::parse_ethernet(input);
  if (!header) return;
  std::vector<std::byte> written(header->size());
  wire::serialize_ethernet(*header, written);
  require(base::equal(written, input.first(written.size())), "Ethernet header comes back");
}

void arp(base::Bytes input) {
  const auto packet = wire::parse_arp(input);
  if (!packet) return;
  std::vector<std::byte> written(wire::ArpPacket::kSize);
  wire::serialize_arp(*packet, written);
  require(base::equal(written, input.first(written.size())), "ARP packet comes back");
}

void ipv4(base::Bytes input) {
  const auto parsed = wire::parse_ipv4(input, wire::HeaderChecksum::kTrust);
  if (!parsed) return;
  require(parsed->size >= wire::Ipv4Header::kMinSize && parsed->size <= parsed->total_size &&
              parsed->total_size <= input.size(),
          "IPv4 sizes lie within each other");
  std::vector<std::byte> written(wire::Ipv4Header::kMinSize);
  wire::serialize_ipv4(parsed->header, written.size(), written);
  const auto again = wire::parse_ipv4(written, wire::HeaderChecksum::kVerify);
  require(again && again->header == parsed->header, "IPv4 header comes back");
}

void icmp(base::Bytes input) {
  (void)wire::parse_quoted_segment(input);
  const auto message = wire::parse_icmp(input);
  if (!message) return;
  std::vector<std::byte> written(wire::icmp_size(*message));
  wire::serialize_icmp(*message, written);
  require(written.size() == input.size(), "ICMP message comes back");
}

// Whatever stands in the checksum field, so that what lies behind it is reached.
void icmpv6(const wire::Ipv6Header& ip, const std::optional<wire::Ipv6Fragment>& fragment,
            base::Bytes input) {
  (void)wire::parse_icmpv6(ip, input);
  std::vector<std::byte> message(input.begin(), input.end());
  if (message.size() < wire::kIcmpv6HeaderSize) return;
  base::store_be(message.data() + wire::kIcmpv6ChecksumOffset, std::uint16_t{0});
  base::store_be(message.data() + wire::kIcmpv6ChecksumOffset, wire::icmpv6_checksum(ip, message));
  const auto parsed = wire::parse_icmpv6(ip, message);
  if (!parsed) return;
  std::vector<std::byte> written(wire::icmpv6_size(*parsed));
  wire::serialize_icmpv6(*parsed, ip, written);
  require(written.size() == message.size() && wire::parse_icmpv6(ip, written),
          "ICMPv6 message comes back");

  (void)wire::parse_listener_query(message);
  const auto discovery = wire::parse_discovery(ip, fragment, message);
  if (!discovery) return;
  require(std::holds_alternative<wire::Icmpv6Discovery>(*parsed) &&
              ip.hop_limit == wire::kDiscoveryHopLimit && !fragment,
          "Neighbour Discovery comes from the link");
  written.resize(wire::discovery_size(*discovery));
  wire::serialize_discovery(*discovery, ip, written);
  const auto again = wire::parse_discovery(ip, fragment, written);
  require(again && *again == *discovery, "Neighbour Discovery comes back");
}

void ipv6(base::Bytes input) {
  (void)wire::parse_quoted_ipv6_segment(input);
  const auto quotation = wire::parse_quoted_ipv6(input);
  if (!quotation) return;
  std::vector<std::byte> written(wire::Ipv6Header::kSize);
  wire::serialize_ipv6(quotation->header, quotation->total_size, written);
  require(base::equal(written, input.first(written.size())), "IPv6 header comes back");
  const auto upper = wire::find_upper_layer(input, *quotation);
  if (!upper) {
    require(!upper.error().answer || upper.error().answer->pointer < quotation->total_size,
            "a parameter problem points into the packet");
    return;
  }
  require(upper->offset <= input.size() && upper->offset <= quotation->total_size &&
              upper->offset <= wire::Ipv6Header::kSize + wire::kMaxExtensionBytes,
          "the chain ends within the packet and its bound");
  require(upper->protocol_at < upper->offset &&
              input[upper->protocol_at] == static_cast<std::byte>(upper->protocol),
          "the chain names the upper layer");
  if (!wire::parse_ipv6(input)) return;
  icmpv6(quotation->header, upper->fragment,
         input.subspan(upper->offset, quotation->total_size - upper->offset));
}

void tcp(base::Bytes input) {
  const auto parsed = wire::parse_tcp(input);
  if (!parsed) return;
  require(parsed->size <= input.size(), "TCP header lies within the segment");
  std::vector<std::byte> written(wire::tcp_header_size(parsed->header));
  require(written.size() <= wire::TcpHeader::kMaxSize, "TCP header has at most 60 bytes");
  wire::serialize_tcp(parsed->header, written);
  const auto again = wire::parse_tcp(written);
  require(again && !again->malformed_options, "TCP header that was written is well formed");
  // Blocks of a list packed more tightly than it is written may have been left out.
  wire::TcpHeader expected = parsed->header;
  expected.options.sack = again->header.options.sack;
  require(again->header == expected, "TCP header comes back");
}

// Read for whomever the frame goes to: what is plain, the parsers must read just the same.
void plain(base::Bytes input) {
  const auto link = wire::parse_ethernet(input);
  if (!link) return;
  wire::PlainSegment plain;
  if (!wire::read_plain_packet(input, link->destination, plain)) return;
  require(!link->vlan, "a plain packet has no tag");
  const base::Bytes packet = input.subspan(link->size());
  base::IpAddress source;
  base::IpAddress destination;
  base::Bytes segment;
  if (link->type == wire::EtherType::kIpv4) {
    const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kTrust);
    require(ip && !ip->header.is_fragment() && ip->header.protocol == wire::IpProtocol::kTcp,
            "a plain packet of IPv4 is a whole one of TCP");
    source = ip->header.source;
    destination = ip->header.destination;
    segment = packet.first(ip->total_size).subspan(ip->size);
  } else {
    const auto ip = wire::parse_ipv6(packet);
    require(ip && ip->header.next_header == wire::IpProtocol::kTcp,
            "a plain packet of IPv6 is one of TCP");
    source = ip->header.source;
    destination = ip->header.destination;
    segment = packet.first(ip->total_size).subspan(wire::Ipv6Header::kSize);
  }
  require(plain.flow.remote.address == source && plain.flow.local.address == destination &&
              input.data() + plain.segment_offset == segment.data() &&
              plain.segment_size == segment.size(),
          "a plain packet is read as the parsers read it");
  const auto tcp = wire::parse_tcp(segment);
  if (!wire::read_plain_tcp(input, plain)) return;
  require(tcp && plain.flow.remote.port == tcp->header.source_port &&
              plain.flow.local.port == tcp->header.destination_port &&
              plain.sequence == tcp->header.sequence &&
              plain.acknowledgement == tcp->header.acknowledgement &&
              plain.window == tcp->header.window &&
              plain.has_timestamps == tcp->header.options.timestamps.has_value() &&
              input.data() + plain.text_offset == segment.data() + tcp->size &&
              plain.text_size == segment.size() - tcp->size,
          "a plain segment is read as the parser reads it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::Bytes input = std::as_bytes(std::span(data, size));
  ethernet(input);
  arp(input);
  ipv4(input);
  icmp(input);
  ipv6(input);
  tcp(input);
  plain(input);
  (void)wire::classify_frame(input);
  return 0;
}
