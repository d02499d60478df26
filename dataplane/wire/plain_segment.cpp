#include "dataplane/wire/plain_segment.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint32_t kAlignedTimestamps = 0x0101080a;

constexpr std::uint8_t kAck = 0x10;
constexpr std::uint8_t kPsh = 0x08;

}  // namespace

bool read_plain_tcp(base::Bytes frame, PlainSegment& segment) {
  const std::byte* tcp = frame.data() + segment.segment_offset;
  const std::size_t size = segment.segment_size;
  const std::size_t header = std::to_integer<std::size_t>(tcp[12] >> 4) * 4;
  const auto flags = std::to_integer<std::uint8_t>(tcp[13]);
  if ((flags & ~kPsh) != kAck || header > size) return false;
  segment.has_timestamps = header == TcpHeader::kMinSize + kPlainTimestampsSize;
  if (segment.has_timestamps) {
    const std::byte* options = tcp + TcpHeader::kMinSize;
    if (base::load_be<std::uint32_t>(options) != kAlignedTimestamps) return false;
    segment.timestamps = {.value = base::load_be<std::uint32_t>(options + 4),
                          .echo = base::load_be<std::uint32_t>(options + 8)};
  } else if (header != TcpHeader::kMinSize) {
    return false;
  }
  segment.sequence = SeqNumber(base::load_be<std::uint32_t>(tcp + 4));
  segment.acknowledgement = SeqNumber(base::load_be<std::uint32_t>(tcp + 8));
  segment.window = base::load_be<std::uint16_t>(tcp + 14);
  segment.push = (flags & kPsh) != 0;
  segment.text_offset = static_cast<std::uint16_t>(segment.segment_offset + header);
  segment.text_size = static_cast<std::uint16_t>(size - header);
  return true;
}

void write_plain_tcp(const PlainTcpHeader& header, base::MutableBytes to) {
  std::byte* at = to.data();
  base::store_be(at, header.source_port);
  base::store_be(at + 2, header.destination_port);
  base::store_be(at + 4, header.sequence.value());
  base::store_be(at + 8, header.acknowledgement.value());
  at[12] = static_cast<std::byte>(header.size() / 4 << 4);
  at[13] = static_cast<std::byte>(header.flags);
  base::store_be(at + 14, header.window);
  base::store_be(at + 16, std::uint32_t{0});  // checksum and urgent pointer
  if (!header.has_timestamps) return;
  base::store_be(at + 20, kAlignedTimestamps);
  base::store_be(at + 24, header.timestamps.value);
  base::store_be(at + 28, header.timestamps.echo);
}

}  // namespace sluice::wire
