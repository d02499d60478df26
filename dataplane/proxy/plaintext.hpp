// How an opened record's packets become the plaintext that goes on to the backend: headers and tags
// fall away, the packets move on, and only a piece whose packet the next record shares is copied.
#pragma once

#include <cstddef>

#include "base/packet.hpp"

namespace sluice::proxy {

struct RecordExtent {
  std::size_t size;              // of the whole record, bytes
  std::size_t plaintext_offset;  // of the plaintext in it
  std::size_t plaintext_size;
};

// Where copied pieces go: packets of at most `segment_size` bytes, the first of them `spare`.
struct CopyRoom {
  base::PacketPtr& spare;
  std::size_t segment_size;
};

// Takes the record at the front of `input` out of it and appends its plaintext to `output`; true
// when a piece was copied, which may have used up the spare packet.
// Precondition: record.size <= input.bytes(); input's packets are exclusive; room.spare is there
// and has segment_size bytes of tailroom.
bool take_plaintext(base::PacketQueue& input, const RecordExtent& record, CopyRoom room,
                    base::PacketQueue& output);

}  // namespace sluice::proxy
