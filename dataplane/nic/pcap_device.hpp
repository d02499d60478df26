// Wraps a device and writes every frame that passes, in both directions, to a capture file.
#pragma once

#include <memory>
#include <span>

#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/device.hpp"
#include "dataplane/nic/pcap.hpp"

namespace sluice::nic {

class PcapDevice final : public Device {
 public:
  // The counters outlive the device.
  PcapDevice(std::unique_ptr<Device> inner, std::unique_ptr<PcapWriter> file,
             base::Counters<NicCounter>& counters);
  ~PcapDevice() override;

  [[nodiscard]] const DeviceInfo& info() const override { return inner_->info(); }
  [[nodiscard]] std::size_t receive(base::Instant now, std::span<base::Packet*> out) override;
  [[nodiscard]] std::size_t transmit(base::Instant now,
                                     std::span<base::Packet* const> frames) override;
  [[nodiscard]] base::Instant next_deadline() const override { return inner_->next_deadline(); }
  [[nodiscard]] int wake_fd() const override { return inner_->wake_fd(); }

 private:
  void capture(base::Instant now, base::Bytes frame);

  std::unique_ptr<Device> inner_;
  std::unique_ptr<PcapWriter> file_;
  base::Counters<NicCounter>& counters_;
};

}  // namespace sluice::nic
