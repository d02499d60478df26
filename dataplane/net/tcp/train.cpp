#include "dataplane/net/tcp/train.hpp"

#include "dataplane/net/ip_output.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {
namespace {

// RFC 791 3.1: IPv4's total length has 16 bits; and the headers need some of it.
constexpr std::int64_t kMostText = 65'535 - 120;

// What somebody else holds, or a part of which is another segment, cannot be described as this one.
// Headers go in front of the text where software cuts the train.
bool can_travel(const SendSegment& segment, std::uint32_t mss) {
  return segment.packet != nullptr && segment.size <= mss && segment.packet->exclusive() &&
         segment.offset >= wire::TcpHeader::kMaxSize + IpOutput::kMostHeaders;
}

}  // namespace

std::size_t train_length(const SendSegment& first, const TrainBounds& bounds) {
  const std::int64_t most = bounds.bytes < kMostText ? bounds.bytes : kMostText;
  std::size_t segments = 0;
  std::int64_t bytes = 0;
  for (const SendSegment* segment = &first; segment != nullptr && segments < bounds.packets;
       segment = segment->next) {
    bytes += segment->length();
    if (bytes > most || !can_travel(*segment, bounds.mss)) break;
    ++segments;
    if (segment->size < bounds.mss || segment->fin) break;
  }
  return segments > 1 ? segments : 1;
}

const SendSegment& couple(base::Packet& head, const SendSegment& first, std::size_t segments) {
  const auto segment_size = static_cast<std::uint16_t>(first.size);
  const SendSegment* segment = &first;
  while (true) {
    base::Packet& text = *segment->packet;
    text.place(segment->offset, segment->size);
    text.retain();
    head.extend_train(text, segment_size);
    if (--segments == 0) return *segment;
    segment = segment->next;
  }
}

}  // namespace sluice::net::tcp
