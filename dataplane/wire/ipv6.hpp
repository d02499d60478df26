// The IPv6 header (RFC 8200 3). What lies between it and the transport's header is the business of
// ipv6_extensions.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/error.hpp"

namespace sluice::wire {

// RFC 8200 5: every link carries packets of this size.
inline constexpr std::size_t kIpv6MinMtu = 1280;

struct Ipv6Header {
  static constexpr std::size_t kSize = 40;
  static constexpr std::uint8_t kDefaultHopLimit = 64;

  base::Ipv6Address source;
  base::Ipv6Address destination;
  IpProtocol next_header{};  // the payload's, or an extension header
  std::uint8_t hop_limit = kDefaultHopLimit;
  std::uint8_t traffic_class = 0;  // DSCP and ECN
  std::uint32_t flow_label = 0;    // 20 bits
  bool operator==(const Ipv6Header&) const = default;
};

struct ParsedIpv6Header {
  Ipv6Header header;
  std::size_t total_size = 0;  // header and payload; what follows is the link's padding
};

// `packet` begins at the header and holds the whole packet. Jumbograms (RFC 2675) are not known:
// their payload length of zero is taken at its word.
[[nodiscard]] base::Result<ParsedIpv6Header, WireError> parse_ipv6(base::Bytes packet);

// As above for a packet quoted in an ICMP error: only its beginning is there.
[[nodiscard]] base::Result<ParsedIpv6Header, WireError> parse_quoted_ipv6(base::Bytes quotation);

// Writes the header. Preconditions: to.size() == kSize; total_size, the header included, is at most
// 65575.
void serialize_ipv6(const Ipv6Header& header, std::size_t total_size, base::MutableBytes to);

}  // namespace sluice::wire
