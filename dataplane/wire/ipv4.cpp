#include "dataplane/wire/ipv4.hpp"

#include "base/cursor.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kFragmentOffset = 0x1fff;  // in units of 8 bytes

}  // namespace

base::Result<ParsedIpv4Header, WireError> parse_quoted_ipv4(base::Bytes quotation) {
  if (quotation.size() < Ipv4Header::kMinSize) return base::Unexpected{WireError::kTruncated};
  const std::byte* at = quotation.data();
  const unsigned version_and_size = std::to_integer<unsigned>(at[0]);
  if (version_and_size >> 4 != 4) return base::Unexpected{WireError::kBadVersion};
  const std::size_t size = (version_and_size & 0xf) * std::size_t{4};
  const std::size_t total_size = base::load_be<std::uint16_t>(at + 2);
  if (size < Ipv4Header::kMinSize || total_size < size) {
    return base::Unexpected{WireError::kBadLength};
  }
  if (size > quotation.size()) return base::Unexpected{WireError::kTruncated};

  const auto fragment = base::load_be<std::uint16_t>(at + 6);
  return ParsedIpv4Header{
      .header = {.source = {base::load_be<std::uint32_t>(at + 12)},
                 .destination = {base::load_be<std::uint32_t>(at + 16)},
                 .protocol = IpProtocol{std::to_integer<std::uint8_t>(at[9])},
                 .ttl = std::to_integer<std::uint8_t>(at[8]),
                 .traffic_class = std::to_integer<std::uint8_t>(at[1]),
                 .identification = base::load_be<std::uint16_t>(at + 4),
                 .dont_fragment = (fragment & kDontFragment) != 0,
                 .more_fragments = (fragment & kMoreFragments) != 0,
                 .fragment_offset = static_cast<std::uint16_t>((fragment & kFragmentOffset) * 8)},
      .size = size,
      .total_size = total_size};
}

base::Result<ParsedIpv4Header, WireError> parse_ipv4(base::Bytes packet, HeaderChecksum checksum) {
  TRY_ASSIGN(ParsedIpv4Header parsed, parse_quoted_ipv4(packet));
  if (parsed.total_size > packet.size()) return base::Unexpected{WireError::kTruncated};
  // RFC 1122 3.2.1.2: a host MUST verify the header checksum and silently discard a bad packet.
  if (checksum == HeaderChecksum::kVerify && internet_checksum(packet.first(parsed.size)) != 0) {
    return base::Unexpected{WireError::kBadChecksum};
  }
  return parsed;
}

void serialize_ipv4(const Ipv4Header& header, std::size_t total_size, base::MutableBytes to) {
  base::Writer writer(to);
  writer.u8(0x45);
  writer.u8(header.traffic_class);
  writer.u16(static_cast<std::uint16_t>(total_size));
  writer.u16(header.identification);
  writer.u16(static_cast<std::uint16_t>((header.dont_fragment ? kDontFragment : 0) |
                                        (header.more_fragments ? kMoreFragments : 0) |
                                        (header.fragment_offset / 8)));
  writer.u8(header.ttl);
  writer.u8(static_cast<std::uint8_t>(header.protocol));
  writer.u16(0);  // checksum
  writer.u32(header.source.value);
  writer.u32(header.destination.value);
  base::store_be(to.data() + kIpv4ChecksumOffset, internet_checksum(to));
}

}  // namespace sluice::wire
