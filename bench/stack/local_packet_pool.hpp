// A packet pool for one thread: no lock, the packet freed last is handed out first, storage on huge
// pages where the kernel grants them. It costs what a worker's cache of a DPDK pool costs, where
// base::MemoryPacketPool would add its mutex to every figure.
#pragma once

#include <cstddef>
#include <vector>

#include "base/packet.hpp"
#include "base/pool.hpp"

namespace sluice::bench {

class LocalPacketPool final : public base::PacketPool {
 public:
  explicit LocalPacketPool(std::size_t packets, std::size_t data_room = 2048);

  [[nodiscard]] base::Packet* allocate() override;
  void release(base::Packet* packet) override;
  [[nodiscard]] std::size_t capacity() const override { return capacity_; }
  [[nodiscard]] std::size_t available() const override { return free_.size(); }

  // For the benchmarks' own frames: running out of packets would falsify the figures, so it ends
  // the program.
  [[nodiscard]] base::PacketPtr take();

 private:
  const std::size_t capacity_;
  const std::size_t buffer_;  // headroom and data, bytes
  const std::size_t stride_;
  base::ReservedMemory storage_;
  std::vector<base::Packet*> free_;
};

}  // namespace sluice::bench
