// The TCP header and its options (RFC 9293 3.1, 3.2; RFC 7323; RFC 2018): bytes to a TcpHeader,
// which holds only what the protocol allows, and back. Allocates nothing. The checksum is not the
// parser's business: it covers the payload and needs the addresses (see checksum.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/error.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::wire {

struct TcpFlags {
  bool fin : 1 = false;
  bool syn : 1 = false;
  bool rst : 1 = false;
  bool psh : 1 = false;
  bool ack : 1 = false;
  bool urg : 1 = false;
  bool ece : 1 = false;
  bool cwr : 1 = false;
  bool operator==(const TcpFlags&) const = default;

  static constexpr TcpFlags from_octet(std::uint8_t octet) {
    return {.fin = (octet & 0x01) != 0,
            .syn = (octet & 0x02) != 0,
            .rst = (octet & 0x04) != 0,
            .psh = (octet & 0x08) != 0,
            .ack = (octet & 0x10) != 0,
            .urg = (octet & 0x20) != 0,
            .ece = (octet & 0x40) != 0,
            .cwr = (octet & 0x80) != 0};
  }
  [[nodiscard]] constexpr std::uint8_t octet() const {
    return static_cast<std::uint8_t>((fin ? 0x01 : 0) | (syn ? 0x02 : 0) | (rst ? 0x04 : 0) |
                                     (psh ? 0x08 : 0) | (ack ? 0x10 : 0) | (urg ? 0x20 : 0) |
                                     (ece ? 0x40 : 0) | (cwr ? 0x80 : 0));
  }
};

struct TcpTimestamps {
  std::uint32_t value = 0;  // TSval
  std::uint32_t echo = 0;   // TSecr
  bool operator==(const TcpTimestamps&) const = default;
};

struct SackBlock {
  SeqNumber left;   // first octet held
  SeqNumber right;  // one past the last
  bool operator==(const SackBlock&) const = default;
};

// At most as many blocks as 40 bytes of options have room for.
class SackBlocks {
 public:
  static constexpr std::size_t kMax = 4;

  // False, and nothing added, when full.
  bool push_back(SackBlock block) {
    if (size_ == kMax) return false;
    blocks_[size_++] = block;
    return true;
  }
  [[nodiscard]] std::span<const SackBlock> view() const { return std::span(blocks_).first(size_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  bool operator==(const SackBlocks& other) const {
    return std::ranges::equal(view(), other.view());
  }

 private:
  std::array<SackBlock, kMax> blocks_{};
  std::uint8_t size_ = 0;
};

struct TcpOptions {
  // RFC 7323 2.3: a larger shift count is used as 14. serialize() writes what it is given.
  static constexpr std::uint8_t kMaxWindowScale = 14;

  std::optional<std::uint16_t> mss;          // only with SYN
  std::optional<std::uint8_t> window_scale;  // only with SYN; at most kMaxWindowScale
  bool sack_permitted = false;               // only with SYN
  std::optional<TcpTimestamps> timestamps;
  SackBlocks sack;
  bool operator==(const TcpOptions&) const = default;
};

struct TcpHeader {
  static constexpr std::size_t kMinSize = 20;
  static constexpr std::size_t kMaxSize = 60;

  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  SeqNumber sequence;
  SeqNumber acknowledgement;  // meaningful with flags.ack
  TcpFlags flags;
  std::uint16_t window = 0;  // as in the header: not scaled
  std::uint16_t urgent_pointer = 0;
  TcpOptions options;
  bool operator==(const TcpHeader&) const = default;
};

struct ParsedTcpHeader {
  TcpHeader header;
  std::size_t size = 0;  // bytes in front of the payload
  // An option list that contradicts itself ends where it does so; what stood before it counts.
  bool malformed_options = false;
};

// `segment` begins at the TCP header and may end behind it. Options: RFC 9293 3.2 MUST-6 and MUST-7
// (unknown kinds are skipped, illegal lengths survived). A known option with a length that is not
// its own is skipped; MSS, window scale and SACK-permitted count only with SYN.
[[nodiscard]] base::Result<ParsedTcpHeader, WireError> parse_tcp(base::Bytes segment);

// What serialize() needs: options included and padded. SACK blocks that do not fit behind the other
// options are left out, last ones first.
[[nodiscard]] std::size_t tcp_header_size(const TcpHeader& header);

// Writes the header with a zero checksum. Precondition: to.size() == tcp_header_size(header).
void serialize_tcp(const TcpHeader& header, base::MutableBytes to);

// Where the checksum lies in the header.
inline constexpr std::size_t kTcpChecksumOffset = 16;

}  // namespace sluice::wire
