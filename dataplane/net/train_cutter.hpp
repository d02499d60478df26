// Makes the segments of a train where the device does not (TSO in software): in front of each piece
// of text goes a copy of the train's headers, in which only lengths, sequence number, flags and
// checksums are its own. The text stays where it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/packet.hpp"
#include "dataplane/wire/checksum.hpp"

namespace sluice::net {

class TrainCutter {
 public:
  // `train` is a whole frame, whose TCP checksum field has the sum of the pseudo-header without a
  // length and whose notes for the device say where its headers lie; it outlives the cutter.
  TrainCutter(const base::Packet& train, bool device_computes_checksums);

  // Makes the next piece of the train's text, in its order, the frame of a segment.
  // Precondition: nobody else reads what lies in front of the text, and there is room for headers.
  void make_frame(base::Packet& text);

 private:
  void write_ip_lengths(std::byte* ip, std::size_t segment_size) const;
  void fill_in_checksum(base::Packet& frame, std::byte* tcp, std::size_t segment_size) const;

  base::Bytes headers_;
  base::Packet::Checksum offsets_;
  bool by_device_;
  bool ipv4_;
  std::uint32_t text_left_;
  std::uint32_t sequence_;
  std::uint16_t size_and_flags_;     // the 16 bits from TCP's data offset on
  wire::InternetSum ip_sum_;         // of IPv4's header without length and checksum
  wire::InternetSum pseudo_header_;  // without length
  wire::InternetSum tcp_sum_;        // of that and the header, without what is a segment's own
};

}  // namespace sluice::net
