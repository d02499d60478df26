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

// Each turn consumes at least a byte.
Ipv4Options check_ipv4_options(base::Bytes options) {
  constexpr auto kEnd = std::byte{0};
  constexpr auto kNoOperation = std::byte{1};
  constexpr auto kLooseSourceRoute = std::byte{131};
  constexpr auto kStrictSourceRoute = std::byte{137};
  while (!options.empty() && options.front() != kEnd) {
    const std::byte type = options.front();
    std::size_t size = 1;
    if (type != kNoOperation) {
      size = options.size() < 2 ? 0 : std::to_integer<std::size_t>(options[1]);
      if (size < 2 || size > options.size()) return Ipv4Options::kMalformed;
    }
    if (type == kLooseSourceRoute || type == kStrictSourceRoute) return Ipv4Options::kSourceRoute;
    options = options.subspan(size);
  }
  return Ipv4Options::kHarmless;
}

void serialize_ipv4(const Ipv4Header& header, std::size_t total_size, base::MutableBytes to) {
  const auto version_and_class = static_cast<std::uint16_t>(0x4500 | header.traffic_class);
  const auto total = static_cast<std::uint16_t>(total_size);
  const auto fragment = static_cast<std::uint16_t>((header.dont_fragment ? kDontFragment : 0) |
                                                   (header.more_fragments ? kMoreFragments : 0) |
                                                   (header.fragment_offset / 8));
  const auto ttl_and_protocol =
      static_cast<std::uint16_t>((header.ttl << 8) | static_cast<std::uint8_t>(header.protocol));
  const std::uint32_t source = header.source.value;
  const std::uint32_t destination = header.destination.value;
  std::uint32_t sum = std::uint32_t{version_and_class} + total + header.identification + fragment +
                      ttl_and_protocol + (source >> 16) + (source & 0xffff) + (destination >> 16) +
                      (destination & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum += sum >> 16;
  std::byte* at = to.data();
  base::store_be(at, version_and_class);
  base::store_be(at + 2, total);
  base::store_be(at + 4, header.identification);
  base::store_be(at + 6, fragment);
  base::store_be(at + 8, ttl_and_protocol);
  base::store_be(at + kIpv4ChecksumOffset, static_cast<std::uint16_t>(~sum));
  base::store_be(at + 12, source);
  base::store_be(at + 16, destination);
}

void serialize_ipv4(const AtomicIpv4Header& header, const InternetSum& addresses,
                    std::size_t total_size, base::MutableBytes to) {
  const auto version_and_class = static_cast<std::uint16_t>(0x4500 | header.traffic_class);
  const auto total = static_cast<std::uint16_t>(total_size);
  const auto ttl_and_protocol =
      static_cast<std::uint16_t>((header.ttl << 8) | static_cast<std::uint8_t>(header.protocol));
  InternetSum sum = addresses;
  sum.add_word(version_and_class);
  sum.add_word(total);
  sum.add_word(kDontFragment);
  sum.add_word(ttl_and_protocol);
  std::byte* at = to.data();
  base::store_be(at, (std::uint32_t{version_and_class} << 16) | total);
  base::store_be(at + 4, std::uint32_t{kDontFragment});
  base::store_be(at + 8, (std::uint32_t{ttl_and_protocol} << 16) | sum.checksum());
  base::store_be(at + 12, header.source.value);
  base::store_be(at + 16, header.destination.value);
}

}  // namespace sluice::wire
