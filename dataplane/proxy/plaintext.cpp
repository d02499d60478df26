#include "dataplane/proxy/plaintext.hpp"

#include <algorithm>
#include <utility>

namespace sluice::proxy {
namespace {

using base::Bytes;
using base::PacketPtr;
using base::PacketQueue;

void copy_piece(Bytes piece, CopyRoom room, PacketQueue& output) {
  if (!output.empty()) {
    const base::Packet& last = *output.back();
    const std::size_t fits =
        last.size() >= room.segment_size
            ? 0
            : std::min({piece.size(), last.tailroom(), room.segment_size - last.size()});
    output.append_to_back(piece.first(fits));
    piece = piece.subspan(fits);
  }
  if (piece.empty()) return;
  base::copy(room.spare->append(piece.size()), piece);
  output.push_back(std::move(room.spare));
}

}  // namespace

bool take_plaintext(PacketQueue& input, const RecordExtent& record, CopyRoom room,
                    PacketQueue& output) {
  input.trim_front(record.plaintext_offset);
  std::size_t left = record.plaintext_size;
  std::size_t tail = record.size - record.plaintext_offset - record.plaintext_size;
  bool copied = false;
  while (left > 0) {
    const std::size_t in_packet = input.front()->size();
    if (in_packet <= left + tail) {  // nothing but this record lies in it
      PacketPtr packet = input.pop_front();
      const std::size_t dead = in_packet > left ? in_packet - left : 0;
      packet->trim_back(dead);
      tail -= dead;
      left -= in_packet - dead;
      output.push_back(std::move(packet));
    } else {
      copy_piece(input.front()->bytes().first(left), room, output);
      input.trim_front(left);
      left = 0;
      copied = true;
    }
  }
  input.trim_front(tail);
  return copied;
}

}  // namespace sluice::proxy
