// The frame that nearly every frame of TCP is, down to TCP's ports, read in one go: untagged
// Ethernet and IPv4 without options or IPv6 without extension headers (RFC 791, 8200, 9293). What
// is anything else, right or wrong, is the parsers' business; both must read a plain packet alike.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace sluice::wire {

struct PlainPacket {
  base::FourTuple flow;          // as its receiver sees it
  std::uint16_t segment_offset;  // of the TCP header in the frame, bytes
  std::uint16_t segment_size;    // of header and text, which lie in the frame; at least a header's
  std::uint8_t traffic_class;    // DSCP and ECN
};

// False when the frame is not plain; `packet` is indeterminate then. Checksums are not looked at,
// nor are addresses, but that none of IPv6 is one of IPv4's in disguise.
[[nodiscard]] bool read_plain_packet(base::Bytes frame, const base::MacAddress& to,
                                     PlainPacket& packet);

// Of a frame that read_plain_packet() has taken: somebody asks for a connection.
[[nodiscard]] inline bool is_plain_syn(base::Bytes frame, const PlainPacket& packet) {
  constexpr std::size_t kFlagsOffset = 13;
  constexpr auto kSyn = std::byte{0x02};
  constexpr auto kAck = std::byte{0x10};
  return (frame[packet.segment_offset + kFlagsOffset] & (kSyn | kAck)) == kSyn;
}

// Whether the checksums of a frame that read_plain_packet() has taken are right: that of the IPv4
// header, if there is one, and TCP's.
[[nodiscard]] bool verify_plain_checksums(base::Bytes frame, const PlainPacket& packet);

}  // namespace sluice::wire
