// The chain of extension headers between the IPv6 header and the transport's (RFC 8200 4): a walk
// that is bounded in headers and bytes, skips what may be skipped, and names its reason for every
// chain that it refuses. Hop-by-Hop Options, Destination Options and Routing headers that have done
// their work are passed; a Fragment header is reported; an Authentication header is not supported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace sluice::wire {

// RFC 8504 5.3 lets a host set such limits.
inline constexpr unsigned kMaxExtensionHeaders = 8;
inline constexpr std::size_t kMaxExtensionBytes = 256;

struct Ipv6Fragment {
  std::uint16_t offset = 0;  // bytes, a multiple of 8
  bool more = false;
  std::uint32_t identification = 0;
  bool operator==(const Ipv6Fragment&) const = default;

  // RFC 6946: a whole packet that a Fragment header happens to precede.
  [[nodiscard]] bool is_whole() const { return offset == 0 && !more; }
};

// What the chain leads to. Behind the header of a real fragment it ends, whatever comes then: only
// the reassembled packet says.
struct UpperLayer {
  IpProtocol protocol{};        // of what begins at `offset`; any value may arrive
  std::size_t offset = 0;       // bytes in front of it
  std::size_t protocol_at = 0;  // where the chain names it: what to point at if it is unknown
  std::optional<Ipv6Fragment> fragment;

  [[nodiscard]] bool is_fragment() const { return fragment && !fragment->is_whole(); }
};

enum class ChainError : std::uint8_t {
  kTruncated,         // a header reaches beyond the packet
  kTooManyHeaders,    // more than kMaxExtensionHeaders
  kTooManyBytes,      // more than kMaxExtensionBytes
  kHopByHopNotFirst,  // RFC 8200 4.1: only directly behind the IPv6 header
  kBadOption,         // an option reaches beyond its header
  kUnknownOption,     // whose type asks for the packet to be discarded
  kRoutingType0,      // RFC 5095, with segments left
  kSegmentsLeft,      // of any other type: we route nothing
  kBadFragment,       // empty, a size that cannot be reassembled, or a second Fragment header
  kAuthentication,    // RFC 4302
  kNoNextHeader,      // RFC 8200 4.7: by intention there is nothing
};

// RFC 4443 3.4. Any value may arrive.
enum class ParameterProblemCode : std::uint8_t {
  kErroneousHeader = 0,
  kUnknownNextHeader = 1,
  kUnknownOption = 2,
};

// The parameter problem with which RFC 8200 wants a packet answered. Whom and how often one may
// answer at all is the sender's to know (RFC 4443 2.4(e) and (f)), except for what concerns
// multicast destinations: where those forbid it, there is no answer.
struct ChainAnswer {
  ParameterProblemCode code{};
  std::uint32_t pointer = 0;  // bytes from the beginning of the packet
  bool operator==(const ChainAnswer&) const = default;
};

struct ChainRefusal {
  ChainError reason{};
  std::optional<ChainAnswer> answer;
};

// `packet` begins at the IPv6 header that `ip` was parsed from; in a quotation it may be cut short.
[[nodiscard]] base::Result<UpperLayer, ChainRefusal> find_upper_layer(base::Bytes packet,
                                                                      const ParsedIpv6Header& ip);

}  // namespace sluice::wire
