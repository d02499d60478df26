// One receive and transmit queue pair of a DPDK port as a Device. Here, and only here, a packet's
// data window is carried over between mbuf and base::Packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/counters.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/device.hpp"
#include "dataplane/nic/dpdk_packet_pool.hpp"

struct rte_mbuf;

namespace sluice::nic {

class DpdkDevice final : public Device {
 public:
  struct Options {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    DeviceInfo info;
    bool ipv4_checksums = false;  // the device computes those of the segments that it makes
    bool hashes = false;          // the device fills in the RSS hash of what it receives
    int wake_fd = -1;             // the driver's; see Device::wake_fd()
  };
  // `pool` is the one that the receive queue was set up with.
  DpdkDevice(const Options& options, DpdkPacketPool& pool, base::Counters<NicCounter>& counters);

  [[nodiscard]] const DeviceInfo& info() const override { return options_.info; }
  [[nodiscard]] std::size_t receive(base::Instant now, std::span<base::Packet*> out) override;
  [[nodiscard]] std::size_t transmit(base::Instant now,
                                     std::span<base::Packet* const> frames) override;
  [[nodiscard]] int wake_fd() const override { return options_.wake_fd; }

 private:
  [[nodiscard]] bool shed(rte_mbuf& mbuf);
  [[nodiscard]] base::Packet* adopt(rte_mbuf& mbuf) const;
  void adopt_parts(rte_mbuf& mbuf);
  // What fill() has put into a burst, and how many frames in front of it could not be sent.
  struct Load {
    std::size_t dropped = 0;
    std::uint16_t frames = 0;
  };
  Load fill(std::span<rte_mbuf*> burst, std::span<base::Packet* const> frames);
  [[nodiscard]] bool sendable(const base::Packet& frame) const;
  [[nodiscard]] bool link_is_up(base::Instant now);

  const Options options_;
  const std::size_t longest_frame_;
  DpdkPacketPool& pool_;
  base::Counters<NicCounter>& counters_;
  std::size_t received_since_refresh_ = 0;
  // Received and not handed out: the parts of coalesced frames, and what came behind them.
  base::PacketQueue parts_;
  bool link_up_ = true;
  base::Instant link_checked_;
};

}  // namespace sluice::nic
