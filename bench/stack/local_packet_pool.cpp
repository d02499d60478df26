#include "bench/stack/local_packet_pool.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <new>

namespace sluice::bench {
namespace {

struct alignas(64) Slot {
  Slot(base::PacketPool& pool, std::byte* start, std::size_t size)
      : packet(pool, {.start = start,
                      .capacity = static_cast<std::uint32_t>(size),
                      .references = &references}) {}
  base::Packet packet;
  std::uint16_t references = 1;
};

constexpr std::size_t rounded_up(std::size_t size) {
  return (size + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot);
}

}  // namespace

LocalPacketPool::LocalPacketPool(std::size_t packets, std::size_t data_room)
    : capacity_(packets),
      buffer_(base::Packet::kHeadroom + data_room),
      stride_(sizeof(Slot) + rounded_up(buffer_)),
      storage_(stride_ * packets) {
  (void)::madvise(storage_.data(), stride_ * packets, MADV_HUGEPAGE);
  free_.reserve(packets);
  for (std::size_t i = packets; i-- > 0;) {
    std::byte* at = static_cast<std::byte*>(storage_.data()) + i * stride_;
    free_.push_back(&(new (at) Slot(*this, at + sizeof(Slot), buffer_))->packet);
  }
}

base::Packet* LocalPacketPool::allocate() {
  if (free_.empty()) return nullptr;
  base::Packet* packet = free_.back();
  free_.pop_back();
  packet->reset();
  packet->set_references(1);
  return packet;
}

void LocalPacketPool::release(base::Packet* packet) {
  if (packet->drop_reference()) free_.push_back(packet);
}

base::PacketPtr LocalPacketPool::take() {
  base::PacketPtr packet(allocate());
  if (!packet) {
    std::fputs("the benchmark's packet pool is empty\n", stderr);
    std::abort();
  }
  return packet;
}

}  // namespace sluice::bench
