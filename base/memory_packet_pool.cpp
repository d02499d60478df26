#include "base/memory_packet_pool.hpp"

#include <new>

namespace sluice::base {

// The packet, its reference count and its buffer, side by side as an mbuf lays them out.
struct MemoryPacketPool::Slot {
  Slot(PacketPool& pool, std::byte* start, std::uint32_t size)
      : packet(pool, {.start = start, .capacity = size, .references = &references}) {}
  std::uint16_t references = 1;
  Packet packet;
};

MemoryPacketPool::MemoryPacketPool(std::size_t packets, std::size_t data_room)
    : capacity_(packets) {
  const std::size_t buffer = Packet::kHeadroom + data_room;
  const std::size_t stride =
      (sizeof(Slot) + buffer + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot);
  storage_ = std::make_unique_for_overwrite<std::byte[]>(stride * packets);
  free_.reserve(packets);
  for (std::size_t i = packets; i-- > 0;) {
    std::byte* at = storage_.get() + i * stride;
    Slot* slot = new (at) Slot(*this, at + sizeof(Slot), static_cast<std::uint32_t>(buffer));
    free_.push_back(&slot->packet);
  }
}

MemoryPacketPool::~MemoryPacketPool() = default;

Packet* MemoryPacketPool::allocate() {
  const std::scoped_lock lock(mutex_);
  if (free_.empty()) return nullptr;
  Packet* packet = free_.back();
  free_.pop_back();
  packet->reset();
  packet->set_references(1);
  return packet;
}

void MemoryPacketPool::release(Packet* packet) {
  if (!packet->drop_reference()) return;
  const std::scoped_lock lock(mutex_);
  assert(free_.size() < capacity_);
  free_.push_back(packet);
}

std::size_t MemoryPacketPool::available() const {
  const std::scoped_lock lock(mutex_);
  return free_.size();
}

}  // namespace sluice::base
