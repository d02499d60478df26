// The frame that nearly every frame is, read in one go: a plain packet (plain_packet.hpp) with a
// TCP segment that has ACK, perhaps PSH, and no option but timestamps (RFC 9293, 7323 appendix A).
// What is anything else, right or wrong, is the parsers' business; both must read a plain segment
// alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "dataplane/wire/plain_packet.hpp"
#include "dataplane/wire/seq_number.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::wire {

inline constexpr std::size_t kPlainTimestampsSize = 12;  // with two NOPs in front

struct PlainSegment : PlainPacket {
  SeqNumber sequence;
  SeqNumber acknowledgement;
  TcpTimestamps timestamps;
  std::uint16_t window;
  std::uint16_t text_offset;  // in the frame, bytes
  std::uint16_t text_size;
  bool has_timestamps;
  bool push;
};

// Reads on where read_plain_packet() has ended. False when the segment is not plain; what is said
// of it is indeterminate then, what is said of the packet stays.
[[nodiscard]] bool read_plain_tcp(base::Bytes frame, PlainSegment& segment);
// Both.
[[nodiscard]] inline bool read_plain_segment(base::Bytes frame, const base::MacAddress& to,
                                             PlainSegment& segment) {
  return read_plain_packet(frame, to, segment) && read_plain_tcp(frame, segment);
}

// True when both are of one flow and `next` goes on where `segment` ends, with text, and says
// nothing else that is new: a receiver may take the two as one.
[[nodiscard]] inline bool continues(const PlainSegment& segment, const PlainSegment& next) {
  return next.sequence == segment.sequence + segment.text_size && segment.text_size > 0 &&
         next.text_size > 0 && next.acknowledgement == segment.acknowledgement &&
         next.window == segment.window && next.has_timestamps == segment.has_timestamps &&
         (!next.has_timestamps || next.timestamps == segment.timestamps) &&
         next.traffic_class == segment.traffic_class && next.flow == segment.flow;
}

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
