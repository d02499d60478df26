// What a device that segments (TSO) makes of a train, and such a device in front of another one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/packet.hpp"
#include "dataplane/nic/device.hpp"
#include "tests/support/frames.hpp"

namespace sluice::test {

// The frames on the wire, by what DPDK asks of a device (rte_mbuf's TCP_SEG): the headers of the
// train for each, IPv4's identification counting on, sequence numbers by the text in front, FIN and
// PSH on the last, CWR on the first; lengths and checksums of their own. Expects that the TCP
// checksum's field holds the pseudo-header's sum without a length.
[[nodiscard]] std::vector<ByteVector> cut(const base::Packet& train);

// Any other frame on the wire: TCP's checksum filled in, where the device is to do it.
[[nodiscard]] ByteVector finished(const base::Packet& frame);

// Wraps a device and takes trains for it.
class CuttingDevice final : public nic::Device {
 public:
  // `pool` is for what trains are cut into, and outlives the device.
  CuttingDevice(std::unique_ptr<nic::Device> inner, std::uint16_t train_packets,
                base::PacketPool& pool);

  [[nodiscard]] const nic::DeviceInfo& info() const override { return info_; }
  [[nodiscard]] std::size_t receive(base::Instant now, std::span<base::Packet*> out) override;
  [[nodiscard]] std::size_t transmit(base::Instant now,
                                     std::span<base::Packet* const> frames) override;
  [[nodiscard]] base::Instant next_deadline() const override;

  [[nodiscard]] std::uint64_t trains() const { return trains_; }

 private:
  void pass_on(base::Instant now);

  std::unique_ptr<nic::Device> inner_;
  nic::DeviceInfo info_;
  base::PacketPool& pool_;
  base::PacketQueue ready_;
  std::uint64_t trains_ = 0;
};

}  // namespace sluice::test
