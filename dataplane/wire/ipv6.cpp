#include "dataplane/wire/ipv6.hpp"

#include "base/cursor.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint32_t kFlowLabel = 0xfffff;

base::Ipv6Address load_address(const std::byte* from) {
  base::Ipv6Address address;
  std::memcpy(address.octets.data(), from, address.octets.size());
  return address;
}

}  // namespace

base::Result<ParsedIpv6Header, WireError> parse_quoted_ipv6(base::Bytes quotation) {
  if (quotation.size() < Ipv6Header::kSize) return base::Unexpected{WireError::kTruncated};
  const std::byte* at = quotation.data();
  const auto first = base::load_be<std::uint32_t>(at);
  if (first >> 28 != 6) return base::Unexpected{WireError::kBadVersion};
  return ParsedIpv6Header{
      .header = {.source = load_address(at + 8),
                 .destination = load_address(at + 24),
                 .next_header = IpProtocol{std::to_integer<std::uint8_t>(at[6])},
                 .hop_limit = std::to_integer<std::uint8_t>(at[7]),
                 .traffic_class = static_cast<std::uint8_t>(first >> 20),
                 .flow_label = first & kFlowLabel},
      .total_size = Ipv6Header::kSize + base::load_be<std::uint16_t>(at + 4)};
}

base::Result<ParsedIpv6Header, WireError> parse_ipv6(base::Bytes packet) {
  TRY_ASSIGN(const ParsedIpv6Header parsed, parse_quoted_ipv6(packet));
  if (parsed.total_size > packet.size()) return base::Unexpected{WireError::kTruncated};
  return parsed;
}

void serialize_ipv6(const Ipv6Header& header, std::size_t total_size, base::MutableBytes to) {
  base::Writer writer(to);
  writer.u32((6U << 28) | (std::uint32_t{header.traffic_class} << 20) |
             (header.flow_label & kFlowLabel));
  writer.u16(static_cast<std::uint16_t>(total_size - Ipv6Header::kSize));
  writer.u8(static_cast<std::uint8_t>(header.next_header));
  writer.u8(header.hop_limit);
  writer.bytes(header.source.octets);
  writer.bytes(header.destination.octets);
}

}  // namespace sluice::wire
