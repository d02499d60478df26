// Every parser of dataplane/wire on the same bytes. What a parser accepts, it must accept again in
// the form that the serialiser gives it.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/flow.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ipv4.hpp"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::Bytes input = std::as_bytes(std::span(data, size));
  ethernet(input);
  arp(input);
  ipv4(input);
  icmp(input);
  tcp(input);
  (void)wire::classify_frame(input);
  return 0;
}
