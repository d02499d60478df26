#include "base/memory_packet_pool.hpp"

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace sluice::base {
namespace {

// Under AddressSanitizer a free packet may not be touched: what still uses it is reported.
void forbid([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(at, size);
#endif
}

void permit([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(at, size);
#endif
}

}  // namespace

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
  stride_ = (sizeof(Slot) + buffer + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot);
  storage_ = std::make_unique_for_overwrite<std::byte[]>(stride_ * packets);
  free_.reserve(packets);
  for (std::size_t i = packets; i-- > 0;) {
    std::byte* at = storage_.get() + i * stride_;
    Slot* slot = new (at) Slot(*this, at + sizeof(Slot), static_cast<std::uint32_t>(buffer));
    free_.push_back(slot);
    forbid(slot, stride_);
  }
}

MemoryPacketPool::~MemoryPacketPool() {
  permit(storage_.get(), stride_ * capacity_);
}

Packet* MemoryPacketPool::allocate() {
  const std::scoped_lock lock(mutex_);
  if (free_.empty()) return nullptr;
  Slot* slot = free_.back();
  free_.pop_back();
  permit(slot, stride_);
  slot->packet.reset();
  slot->packet.set_references(1);
  return &slot->packet;
}

void MemoryPacketPool::release(Packet* packet) {
  if (!packet->drop_reference()) return;
  const std::scoped_lock lock(mutex_);
  assert(free_.size() < capacity_);
  // Slots lie one behind the other: the packet's address tells which one it is.
  const auto offset =
      static_cast<std::size_t>(reinterpret_cast<std::byte*>(packet) - storage_.get());
  std::byte* start = storage_.get() + offset / stride_ * stride_;
  free_.push_back(std::launder(reinterpret_cast<Slot*>(start)));
  forbid(start, stride_);
}

std::size_t MemoryPacketPool::available() const {
  const std::scoped_lock lock(mutex_);
  return free_.size();
}

}  // namespace sluice::base
