// A TCP segment of ours that an ICMP error quotes: enough of it to find the connection and to tell
// a guess from the truth (RFC 5927 4). Errors of one family quote packets of that family, so each
// has a parser of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/error.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::wire {

struct QuotedSegment {
  base::IpAddress source;
  base::IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  SeqNumber sequence;
  std::size_t packet_size = 0;  // of the whole packet, bytes, as its header says

  // As its sender sees it.
  [[nodiscard]] base::FourTuple flow() const {
    return {.local = {.address = source, .port = source_port},
            .remote = {.address = destination, .port = destination_port}};
  }
};

// `quoted` begins at the IP header. kUnsupported for anything but TCP in an unfragmented packet or
// a first fragment; for IPv6 also where the chain of extension headers is refused.
[[nodiscard]] base::Result<QuotedSegment, WireError> parse_quoted_segment(base::Bytes quoted);
[[nodiscard]] base::Result<QuotedSegment, WireError> parse_quoted_ipv6_segment(base::Bytes quoted);

}  // namespace sluice::wire
