// A packet pool in ordinary memory, for tests, simulation and benchmarks: no DPDK, no root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/packet.hpp"

namespace sluice::base {

class MemoryPacketPool final : public PacketPool {
 public:
  // `packets` packets with `data_room` bytes each behind the headroom.
  explicit MemoryPacketPool(std::size_t packets, std::size_t data_room = 2048);
  ~MemoryPacketPool() override;

  [[nodiscard]] Packet* allocate() override;
  void release(Packet* packet) override;
  [[nodiscard]] std::size_t capacity() const override { return capacity_; }
  [[nodiscard]] std::size_t available() const override;

 private:
  struct Slot;
  const std::size_t capacity_;
  std::size_t stride_ = 0;  // of a slot, bytes
  std::unique_ptr<std::byte[]> storage_;
  mutable std::mutex mutex_;  // packets may come home from another worker's thread
  std::vector<Slot*> free_;
};

}  // namespace sluice::base
