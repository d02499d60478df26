#include "dataplane/wire/quoted_segment.hpp"

#include "base/cursor.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"

namespace sluice::wire {
namespace {

// RFC 792: the first 64 bits of the packet's data are there: both ports and the sequence number.
base::Result<QuotedSegment, WireError> parse_tcp_beginning(const base::IpAddress& source,
                                                           const base::IpAddress& destination,
                                                           std::size_t packet_size,
                                                           base::Bytes segment) {
  base::Reader reader(segment);
  QuotedSegment quoted{.source = source,
                       .destination = destination,
                       .source_port = reader.u16(),
                       .destination_port = reader.u16(),
                       .sequence = SeqNumber(reader.u32()),
                       .packet_size = packet_size};
  if (!reader.ok()) return base::Unexpected{WireError::kTruncated};
  return quoted;
}

}  // namespace

base::Result<QuotedSegment, WireError> parse_quoted_segment(base::Bytes quoted) {
  TRY_ASSIGN(const ParsedIpv4Header ip, parse_quoted_ipv4(quoted));
  if (ip.header.protocol != IpProtocol::kTcp || ip.header.fragment_offset != 0) {
    return base::Unexpected{WireError::kUnsupported};
  }
  return parse_tcp_beginning(ip.header.source, ip.header.destination, ip.total_size,
                             quoted.subspan(ip.size));
}

base::Result<QuotedSegment, WireError> parse_quoted_ipv6_segment(base::Bytes quoted) {
  TRY_ASSIGN(const ParsedIpv6Header ip, parse_quoted_ipv6(quoted));
  const auto upper = find_upper_layer(quoted, ip);
  if (!upper) {
    return base::Unexpected{upper.error().reason == ChainError::kTruncated
                                ? WireError::kTruncated
                                : WireError::kUnsupported};
  }
  if (upper->protocol != IpProtocol::kTcp || (upper->fragment && upper->fragment->offset != 0)) {
    return base::Unexpected{WireError::kUnsupported};
  }
  // An IPv4 flow's addresses in disguise: nothing of the kind was ever sent.
  if (is_ipv4_mapped(ip.header.source) || is_ipv4_mapped(ip.header.destination)) {
    return base::Unexpected{WireError::kUnsupported};
  }
  return parse_tcp_beginning(ip.header.source, ip.header.destination, ip.total_size,
                             quoted.subspan(upper->offset));
}

}  // namespace sluice::wire
