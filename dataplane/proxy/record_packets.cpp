#include "dataplane/proxy/record_packets.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace sluice::proxy {

RecordPackets::RecordPackets(base::PacketPool& pool) : pool_(pool) {
  spans_.reserve(base::limits::kMaxRecordSpans);
}

std::span<const base::MutableBytes> RecordPackets::allocate(std::size_t size) {
  const base::Packet* const open = packets_.back();
  const std::size_t in_open =
      open == nullptr || open->size() >= segment_size_
          ? 0
          : std::min({size, segment_size_ - open->size(), open->tailroom()});
  // All or nothing: the fresh packets are fetched before the open one is touched.
  base::PacketQueue fresh;
  for (std::size_t left = size - in_open; left > 0;) {
    base::PacketPtr packet(pool_.allocate());
    if (!packet) return {};
    const std::size_t take = std::min({left, segment_size_, packet->tailroom()});
    packet->append(take);
    fresh.push_back(std::move(packet));
    left -= take;
  }
  spans_.clear();
  if (in_open > 0) spans_.push_back(packets_.extend_back(in_open));
  for (base::Packet* p = fresh.front(); p != nullptr; p = p->next) spans_.push_back(p->bytes());
  packets_.splice_back(std::move(fresh));
  return spans_;
}

}  // namespace sluice::proxy
