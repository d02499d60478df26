// Wraps a device and makes its network a bad one: see fault_line.hpp for what happens to frames.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/device.hpp"
#include "dataplane/nic/fault_line.hpp"

namespace sluice::nic {

class FaultDevice final : public Device {
 public:
  struct Options {
    FaultRates receive;
    FaultRates transmit;
    std::uint64_t seed = 1;
  };
  // `pool` is for copies; it and the counters outlive the device.
  FaultDevice(std::unique_ptr<Device> inner, const Options& options, base::PacketPool& pool,
              base::Counters<NicCounter>& counters);
  ~FaultDevice() override;

  // The inner device's, without checksum offload: a device that computes the checksum of what was
  // corrupted before would make the corruption invisible.
  [[nodiscard]] const DeviceInfo& info() const override { return info_; }
  [[nodiscard]] std::size_t receive(base::Instant now, std::span<base::Packet*> out) override;
  [[nodiscard]] std::size_t transmit(base::Instant now,
                                     std::span<base::Packet* const> frames) override;
  [[nodiscard]] base::Instant next_deadline() const override;
  [[nodiscard]] int wake_fd() const override { return inner_->wake_fd(); }

 private:
  void pass_on(base::Instant now);

  std::unique_ptr<Device> inner_;
  DeviceInfo info_;
  FaultLine receive_line_;
  FaultLine transmit_line_;
};

}  // namespace sluice::nic
