// A link in memory: two devices, each of which receives what the other transmits. Frames are copied
// into a bounded ring on the way out and into a packet of the receiver's own pool on the way in, so
// the two ends may belong to two threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/device.hpp"

namespace sluice::nic {

class FrameRing;

class MemoryDevice final : public Device {
 public:
  struct End {
    base::MacAddress mac;
    base::PacketPool& pool;  // for what this end receives
    base::Counters<NicCounter>& counters;
  };
  ~MemoryDevice() override;

  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  // What finds the pool empty stays in the ring.
  [[nodiscard]] std::size_t receive(base::Instant now, std::span<base::Packet*> out) override;
  // What finds the ring full stays the caller's. Frames longer than the MTU allows are dropped.
  [[nodiscard]] std::size_t transmit(base::Instant now,
                                     std::span<base::Packet* const> frames) override;

 private:
  friend class MemoryLink;
  MemoryDevice(const End& end, std::uint16_t mtu, FrameRing& incoming, FrameRing& outgoing);

  DeviceInfo info_;
  base::PacketPool& pool_;
  base::Counters<NicCounter>& counters_;
  FrameRing& incoming_;
  FrameRing& outgoing_;
};

// Owns both ends and what lies between them.
class MemoryLink {
 public:
  struct Options {
    std::uint16_t mtu = 1500;
    std::size_t depth = 1024;  // frames in flight per direction, rounded up to a power of two
  };
  MemoryLink(const Options& options, const MemoryDevice::End& a, const MemoryDevice::End& b);
  ~MemoryLink();

  [[nodiscard]] MemoryDevice& a() { return a_; }
  [[nodiscard]] MemoryDevice& b() { return b_; }

 private:
  std::unique_ptr<FrameRing> a_to_b_;
  std::unique_ptr<FrameRing> b_to_a_;
  MemoryDevice a_;
  MemoryDevice b_;
};

}  // namespace sluice::nic
