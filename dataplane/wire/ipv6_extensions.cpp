#include "dataplane/wire/ipv6_extensions.hpp"

#include <algorithm>

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::wire {
namespace {

// Values of a Next Header field that continue the chain, or end it before any transport.
enum class ExtensionHeader : std::uint8_t {
  kHopByHopOptions = 0,
  kRouting = 43,
  kFragment = 44,
  kAuthentication = 51,
  kNoNextHeader = 59,
  kDestinationOptions = 60,
};

constexpr std::size_t kUnit = 8;  // every header is a multiple of it, Fragment is just one
constexpr std::size_t kNextHeaderAt = 6;
constexpr std::size_t kPayloadLengthAt = 4;
constexpr std::size_t kMaxPayload = 65535;

class Walk {
 public:
  Walk(base::Bytes packet, const ParsedIpv6Header& ip)
      : packet_(packet.first(std::min(packet.size(), ip.total_size))),
        total_size_(ip.total_size),
        to_multicast_(is_multicast(ip.header.destination)),
        upper_{.protocol = ip.header.next_header,
               .offset = Ipv6Header::kSize,
               .protocol_at = kNextHeaderAt,
               .fragment = std::nullopt} {}

  base::Result<UpperLayer, ChainRefusal> run() {
    for (unsigned passed = 0;; ++passed) {
      const ExtensionHeader type{static_cast<std::uint8_t>(upper_.protocol)};
      switch (type) {
        case ExtensionHeader::kHopByHopOptions:
          if (passed != 0) {
            return refused(ChainError::kHopByHopNotFirst, ParameterProblemCode::kUnknownNextHeader,
                           upper_.protocol_at);
          }
          break;
        case ExtensionHeader::kRouting:
        case ExtensionHeader::kFragment:
        case ExtensionHeader::kDestinationOptions:
          break;
        case ExtensionHeader::kAuthentication:
          return refused(ChainError::kAuthentication, ParameterProblemCode::kUnknownNextHeader,
                         upper_.protocol_at);
        case ExtensionHeader::kNoNextHeader:
          return refused(ChainError::kNoNextHeader);
        default:
          return upper_;
      }
      if (passed == kMaxExtensionHeaders) return refused(ChainError::kTooManyHeaders);
      TRY(pass(type));
      if (upper_.is_fragment()) return upper_;
    }
  }

 private:
  using Outcome = base::Result<void, ChainRefusal>;

  Outcome pass(ExtensionHeader type) {
    const base::Bytes rest = packet_.subspan(upper_.offset);
    if (rest.size() < kUnit) return refused(ChainError::kTruncated);
    const std::size_t size = type == ExtensionHeader::kFragment
                                 ? kUnit
                                 : (std::to_integer<std::size_t>(rest[1]) + 1) * kUnit;
    if (upper_.offset + size - Ipv6Header::kSize > kMaxExtensionBytes) {
      return refused(ChainError::kTooManyBytes);
    }
    if (size > rest.size()) return refused(ChainError::kTruncated);
    const base::Bytes header = rest.first(size);
    if (type == ExtensionHeader::kRouting) {
      TRY(check_routing(header));
    } else if (type == ExtensionHeader::kFragment) {
      TRY(read_fragment(header));
    } else {
      TRY(check_options(header));
    }
    upper_.protocol = IpProtocol{std::to_integer<std::uint8_t>(header[0])};
    upper_.protocol_at = upper_.offset;
    upper_.offset += size;
    return {};
  }

  // RFC 8200 4.4: a type that is not known is ignored without segments left, and refused with.
  // RFC 5095 3: type 0 is such a type.
  Outcome check_routing(base::Bytes header) const {
    constexpr std::size_t kTypeAt = 2;
    constexpr std::size_t kSegmentsLeftAt = 3;
    if (header[kSegmentsLeftAt] == std::byte{0}) return {};
    return refused(
        header[kTypeAt] == std::byte{0} ? ChainError::kRoutingType0 : ChainError::kSegmentsLeft,
        ParameterProblemCode::kErroneousHeader, upper_.offset + kTypeAt);
  }

  // RFC 8200 4.5.
  Outcome read_fragment(base::Bytes header) {
    if (upper_.fragment) return refused(ChainError::kBadFragment);
    constexpr std::size_t kOffsetAt = 2;
    const auto field = base::load_be<std::uint16_t>(header.data() + kOffsetAt);
    const Ipv6Fragment fragment{.offset = static_cast<std::uint16_t>(field & 0xfff8),
                                .more = (field & 1) != 0,
                                .identification = base::load_be<std::uint32_t>(header.data() + 4)};
    upper_.fragment = fragment;
    if (fragment.is_whole()) return {};

    // total_size_ counts what a quotation has left out, too.
    const std::size_t size = total_size_ - upper_.offset - header.size();
    if (size == 0) return refused(ChainError::kBadFragment);
    if (fragment.more && size % kUnit != 0) {
      return refused(ChainError::kBadFragment, ParameterProblemCode::kErroneousHeader,
                     kPayloadLengthAt);
    }
    if (upper_.offset - Ipv6Header::kSize + fragment.offset + size > kMaxPayload) {
      return refused(ChainError::kBadFragment, ParameterProblemCode::kErroneousHeader,
                     upper_.offset + kOffsetAt);
    }
    return {};
  }

  // RFC 8200 4.2. Each turn consumes at least a byte of the header.
  Outcome check_options(base::Bytes header) const {
    constexpr auto kPad1 = std::byte{0};
    for (std::size_t at = 2; at < header.size();) {
      if (header[at] == kPad1) {
        ++at;
        continue;
      }
      const std::size_t left = header.size() - at;
      const std::size_t size = left < 2 ? 2 : 2 + std::to_integer<std::size_t>(header[at + 1]);
      if (size > left) {
        return refused(ChainError::kBadOption, ParameterProblemCode::kErroneousHeader,
                       upper_.offset + at);
      }
      TRY(check_option_type(header[at], upper_.offset + at));
      at += size;
    }
    return {};
  }

  // No option but padding is known here; the two highest bits say what that means. PadN is among
  // those to be skipped.
  Outcome check_option_type(std::byte type, std::size_t at) const {
    switch (std::to_integer<unsigned>(type >> 6)) {
      case 0:
        return {};
      case 1:
        return refused(ChainError::kUnknownOption);
      case 2:  // answered even when sent to a multicast group, RFC 4443 2.4(e.3)
        return base::Unexpected{
            ChainRefusal{.reason = ChainError::kUnknownOption,
                         .answer = ChainAnswer{.code = ParameterProblemCode::kUnknownOption,
                                               .pointer = static_cast<std::uint32_t>(at)}}};
      default:
        return refused(ChainError::kUnknownOption, ParameterProblemCode::kUnknownOption, at);
    }
  }

  static base::Unexpected<ChainRefusal> refused(ChainError reason) {
    return {ChainRefusal{.reason = reason, .answer = std::nullopt}};
  }
  [[nodiscard]] base::Unexpected<ChainRefusal> refused(ChainError reason, ParameterProblemCode code,
                                                       std::size_t at) const {
    if (to_multicast_) return refused(reason);
    return {ChainRefusal{
        .reason = reason,
        .answer = ChainAnswer{.code = code, .pointer = static_cast<std::uint32_t>(at)}}};
  }

  base::Bytes packet_;
  std::size_t total_size_;
  bool to_multicast_;
  UpperLayer upper_;
};

}  // namespace

base::Result<UpperLayer, ChainRefusal> find_upper_layer(base::Bytes packet,
                                                        const ParsedIpv6Header& ip) {
  return Walk(packet, ip).run();
}

}  // namespace sluice::wire
