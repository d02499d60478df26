// The frame that nearly every frame is, read in one go: untagged Ethernet, IPv4 without options or
// IPv6 without extension headers, and a TCP segment with ACK, perhaps PSH, and no option but
// timestamps (RFC 791, 8200, 9293, 7323 appendix A). What is anything else, right or wrong, is the
// parsers' business; both must read a plain segment alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "dataplane/wire/seq_number.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::wire {

inline constexpr std::size_t kPlainTimestampsSize = 12;  // with two NOPs in front

struct PlainSegment {
  base::FourTuple flow;  // as its receiver sees it
  SeqNumber sequence;
  SeqNumber acknowledgement;
  TcpTimestamps timestamps;
  std::uint16_t window;
  std::uint16_t segment_offset;  // of the TCP header in the frame, bytes
  std::uint16_t text_offset;
  std::uint16_t text_size;
  std::uint8_t traffic_class;  // DSCP and ECN
  bool has_timestamps;
  bool push;
};

// False when the frame is not plain; `segment` is indeterminate then. Checksums are not looked at.
[[nodiscard]] bool read_plain_segment(base::Bytes frame, const base::MacAddress& to,
                                      PlainSegment& segment);

// Whether the checksums of a frame that read_plain_segment() has taken are right: that of the IPv4
// header, if there is one, and TCP's.
[[nodiscard]] bool verify_plain_checksums(base::Bytes frame, const PlainSegment& segment);

// The TCP header of a plain segment, to be sent.
struct PlainTcpHeader {
  std::uint16_t source_port;
  std::uint16_t destination_port;
  SeqNumber sequence;
  SeqNumber acknowledgement;
  std::uint8_t flags;  // as TcpFlags::octet()
  std::uint16_t window;
  bool has_timestamps;
  TcpTimestamps timestamps;

  [[nodiscard]] std::size_t size() const {
    return TcpHeader::kMinSize + (has_timestamps ? kPlainTimestampsSize : 0);
  }
};

// As serialize_tcp(). Precondition: to.size() == header.size().
void write_plain_tcp(const PlainTcpHeader& header, base::MutableBytes to);

}  // namespace sluice::wire
