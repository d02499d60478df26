#include "dataplane/wire/tcp.hpp"

#include <cassert>

#include "base/cursor.hpp"

namespace sluice::wire {
namespace {

enum class OptionKind : std::uint8_t {
  kEnd = 0,
  kNoOperation = 1,
  kMss = 2,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
};

// Kind and length included.
constexpr std::uint8_t kMssSize = 4;
constexpr std::uint8_t kWindowScaleSize = 3;
constexpr std::uint8_t kSackPermittedSize = 2;
constexpr std::uint8_t kTimestampsSize = 10;
constexpr std::uint8_t kSackBlockSize = 8;
constexpr std::size_t kMaxOptionsSize = TcpHeader::kMaxSize - TcpHeader::kMinSize;

// Options as nearly everybody lays them out and we do: in words of four bytes, NOPs in front where
// they are needed for that. What varies is zero, or stands in the words behind.
constexpr std::uint32_t kMssWord = 0x02040000;
constexpr std::uint32_t kWindowScaleWord = 0x01030300;
constexpr std::uint32_t kSackPermittedWord = 0x01010402;
constexpr std::uint32_t kTimestampsWord = 0x0101080a;
constexpr std::uint32_t kSackPermittedTimestampsWord = 0x0402080a;
constexpr std::uint32_t kSackWord = 0x01010500;

void parse_sack(base::Reader content, SackBlocks& blocks) {
  if (content.remaining() % kSackBlockSize != 0) return;
  while (!content.empty()) {
    const SeqNumber left{content.u32()};
    const SeqNumber right{content.u32()};
    blocks.push_back({left, right});
  }
}

void parse_option(OptionKind kind, base::Bytes bytes, bool syn, TcpOptions& options) {
  base::Reader content(bytes);
  const std::size_t size = bytes.size() + 2;
  switch (kind) {
    case OptionKind::kMss:
      // RFC 9293 3.7.1: only in segments with SYN.
      if (syn && size == kMssSize) options.mss = content.u16();
      return;
    case OptionKind::kWindowScale:
      // RFC 7323 2.2: ignored without SYN; 2.3: more than 14 counts as 14.
      if (syn && size == kWindowScaleSize) {
        options.window_scale = std::min(content.u8(), TcpOptions::kMaxWindowScale);
      }
      return;
    case OptionKind::kSackPermitted:
      // RFC 2018 2: must not be sent on non-SYN segments.
      if (syn && size == kSackPermittedSize) options.sack_permitted = true;
      return;
    case OptionKind::kTimestamps:
      if (size == kTimestampsSize) {
        const std::uint32_t value = content.u32();
        options.timestamps = TcpTimestamps{.value = value, .echo = content.u32()};
      }
      return;
    case OptionKind::kSack:
      if (options.sack.empty()) parse_sack(content, options.sack);
      return;
    case OptionKind::kEnd:
    case OptionKind::kNoOperation:
      return;
  }
  // RFC 9293 3.2 MUST-6: an option that is not implemented is ignored.
}

// Takes the options that are laid out in words, up to the first that is not; returns their size.
std::size_t parse_words(base::Bytes bytes, bool syn, TcpOptions& options) {
  const std::byte* const begin = bytes.data();
  const std::byte* const end = begin + bytes.size();
  const std::byte* at = begin;
  while (end - at >= 4) {
    const auto word = base::load_be<std::uint32_t>(at);
    if (word == kTimestampsWord || word == kSackPermittedTimestampsWord) {
      if (end - at < 12) break;
      if (syn && word == kSackPermittedTimestampsWord) options.sack_permitted = true;
      options.timestamps = TcpTimestamps{.value = base::load_be<std::uint32_t>(at + 4),
                                         .echo = base::load_be<std::uint32_t>(at + 8)};
      at += 12;
      continue;
    }
    if ((word & 0xffff0000) == kMssWord) {
      if (syn) options.mss = static_cast<std::uint16_t>(word);
    } else if ((word & 0xffffff00) == kWindowScaleWord) {
      const auto scale = static_cast<std::uint8_t>(word);
      if (syn) options.window_scale = std::min(scale, TcpOptions::kMaxWindowScale);
    } else if (word == kSackPermittedWord) {
      if (syn) options.sack_permitted = true;
    } else {
      break;
    }
    at += 4;
  }
  return static_cast<std::size_t>(at - begin);
}

// False when the list contradicts itself.
bool parse_options(base::Bytes bytes, bool syn, TcpOptions& options) {
  base::Reader reader(bytes.subspan(parse_words(bytes, syn, options)));
  while (!reader.empty()) {
    const OptionKind kind{reader.u8()};
    if (kind == OptionKind::kEnd) return true;
    if (kind == OptionKind::kNoOperation) continue;
    const std::uint8_t size = reader.u8();
    // RFC 9293 3.2 MUST-7: an illegal length, such as zero, is survived.
    if (!reader.ok() || size < 2 || std::size_t{size} - 2 > reader.remaining()) return false;
    parse_option(kind, reader.bytes(std::size_t{size} - 2), syn, options);
  }
  return true;
}

std::size_t options_size_without_sack(const TcpOptions& options) {
  std::size_t size = 0;
  if (options.mss) size += kMssSize;
  if (options.window_scale) size += kWindowScaleSize + 1;
  if (options.timestamps) {
    size += kTimestampsSize + 2;
  } else if (options.sack_permitted) {
    size += kSackPermittedSize + 2;
  }
  return size;
}

std::size_t sack_blocks_that_fit(const TcpOptions& options) {
  if (options.sack.empty()) return 0;
  const std::size_t room = kMaxOptionsSize - options_size_without_sack(options);
  return room < 4 ? 0 : std::min(options.sack.size(), (room - 4) / kSackBlockSize);
}

std::byte* put(std::byte* at, std::uint32_t word) {
  base::store_be(at, word);
  return at + sizeof word;
}

// In the order that Linux writes them.
void write_options(const TcpOptions& options, std::byte* at) {
  if (options.mss) at = put(at, kMssWord | *options.mss);
  if (options.timestamps) {
    at = put(at, options.sack_permitted ? kSackPermittedTimestampsWord : kTimestampsWord);
    at = put(at, options.timestamps->value);
    at = put(at, options.timestamps->echo);
  } else if (options.sack_permitted) {
    at = put(at, kSackPermittedWord);
  }
  if (options.window_scale) at = put(at, kWindowScaleWord | *options.window_scale);
  const std::size_t blocks = sack_blocks_that_fit(options);
  if (blocks == 0) return;
  at = put(at, kSackWord | static_cast<std::uint32_t>(2 + blocks * kSackBlockSize));
  for (const SackBlock& block : options.sack.view().first(blocks)) {
    at = put(at, block.left.value());
    at = put(at, block.right.value());
  }
}

}  // namespace

base::Result<ParsedTcpHeader, WireError> parse_tcp(base::Bytes segment) {
  if (segment.size() < TcpHeader::kMinSize) return base::Unexpected{WireError::kTruncated};
  const std::byte* at = segment.data();
  const std::size_t size = std::to_integer<std::size_t>(at[12] >> 4) * 4;
  if (size < TcpHeader::kMinSize) return base::Unexpected{WireError::kBadLength};
  if (size > segment.size()) return base::Unexpected{WireError::kTruncated};

  ParsedTcpHeader parsed{
      .header = {.source_port = base::load_be<std::uint16_t>(at),
                 .destination_port = base::load_be<std::uint16_t>(at + 2),
                 .sequence = SeqNumber(base::load_be<std::uint32_t>(at + 4)),
                 .acknowledgement = SeqNumber(base::load_be<std::uint32_t>(at + 8)),
                 .flags = TcpFlags::from_octet(std::to_integer<std::uint8_t>(at[13])),
                 .window = base::load_be<std::uint16_t>(at + 14),
                 .urgent_pointer = base::load_be<std::uint16_t>(at + 18),
                 .options = {}},
      .size = size,
      .malformed_options = false};
  TcpHeader& header = parsed.header;
  const base::Bytes options = segment.subspan(TcpHeader::kMinSize, size - TcpHeader::kMinSize);
  if (!options.empty()) {
    parsed.malformed_options = !parse_options(options, header.flags.syn, header.options);
  }
  return parsed;
}

std::size_t tcp_header_size(const TcpHeader& header) {
  std::size_t size = TcpHeader::kMinSize + options_size_without_sack(header.options);
  if (const std::size_t blocks = sack_blocks_that_fit(header.options); blocks > 0) {
    size += 4 + blocks * kSackBlockSize;
  }
  return size;
}

void serialize_tcp(const TcpHeader& header, base::MutableBytes to) {
  assert(to.size() == tcp_header_size(header));
  std::byte* at = to.data();
  base::store_be(at, header.source_port);
  base::store_be(at + 2, header.destination_port);
  base::store_be(at + 4, header.sequence.value());
  base::store_be(at + 8, header.acknowledgement.value());
  at[12] = static_cast<std::byte>((to.size() / 4) << 4);
  at[13] = static_cast<std::byte>(header.flags.octet());
  base::store_be(at + 14, header.window);
  base::store_be(at + kTcpChecksumOffset, std::uint16_t{0});
  base::store_be(at + 18, header.urgent_pointer);
  write_options(header.options, at + TcpHeader::kMinSize);
}

}  // namespace sluice::wire
