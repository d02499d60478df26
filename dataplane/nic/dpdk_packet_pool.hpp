// Packets in DPDK's buffers. Each mbuf's private area holds the base::Packet that describes the
// same bytes, so that either finds the other by arithmetic, and the packet's reference count is the
// mbuf's own: a driver that still reads a buffer is seen as one more holder.
//
// The two descriptions are brought into line only where packets pass a device (dpdk_device.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/packet.hpp"
#include "base/result.hpp"

struct rte_mempool;

namespace sluice::nic {

class DpdkPacketPool final : public base::PacketPool {
 public:
  struct Options {
    std::string name;  // unique in the process, at most 25 characters
    std::size_t packets = 0;
    std::size_t data_room = 2048;  // bytes behind the headroom, at most 65407
  };
  // Error: one sentence. Precondition: EAL has been started.
  static base::Result<std::unique_ptr<DpdkPacketPool>, std::string> create(const Options& options);
  // Precondition: no device and no queue holds a packet of the pool.
  ~DpdkPacketPool() override;

  // Null already when only the reserve is left: it belongs to the receive rings, which could not
  // take in the acknowledgments that set packets free again if the senders used up everything.
  [[nodiscard]] base::Packet* allocate() override;
  void release(base::Packet* packet) override;
  [[nodiscard]] std::size_t capacity() const override { return capacity_; }
  [[nodiscard]] std::size_t available() const override;
  [[nodiscard]] std::size_t allocatable() const override;

  // Looks at the fill level again; for the owner, every now and then.
  void refresh();
  // True when the reserve itself is half used: what brings more bytes to keep is better dropped.
  [[nodiscard]] bool pressed() const { return pressed_; }

  [[nodiscard]] rte_mempool* mempool() const { return mempool_; }
  [[nodiscard]] std::size_t data_room() const { return data_room_; }

  // Bytes of memory that a pool like this takes.
  [[nodiscard]] static std::size_t footprint(const Options& options);

 private:
  DpdkPacketPool(rte_mempool* mempool, const Options& options);
  [[nodiscard]] std::size_t in_the_ring() const;

  rte_mempool* const mempool_;
  const std::size_t capacity_;
  const std::size_t data_room_;
  const std::size_t reserve_;
  std::size_t budget_ = 0;  // allocations until the next look at the fill level
  bool pressed_ = false;
};

}  // namespace sluice::nic
