// A DPDK port that has been configured and started: N queue pairs, each served by one worker.
// Closing it stops the port and removes the device, with whatever it made in the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/result.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/device.hpp"
#include "dataplane/nic/dpdk_packet_pool.hpp"
#include "dataplane/nic/offloads.hpp"

namespace sluice::nic {

struct DpdkPortSettings {
  std::string bus = "vdev";  // or "pci"
  std::string device;        // EAL's name for it: "net_tap0", "0000:3b:00.0"
  std::string arguments;     // the driver's, as "iface=sluice0"
  std::uint16_t mtu = 1500;
  // Tell the device about the MTU: false where it is Sluice's own, larger than ethdev's (memif,
  // af_packet).
  bool device_knows_mtu = true;
  // The kernel's end of the device has the address that the driver names, as a tap's: Sluice takes
  // one next to it, so that the two ends, and a bridge between others, can be told apart.
  bool shares_mac_with_kernel = false;
  // Trust the device with what it offers to do: real hardware.
  bool offloads = false;
  // A fault device stands in front: what it corrupts must not be repaired, or overlooked, by the
  // device, and what it loses must be a packet as on the wire.
  bool faulty = false;
  // Why the stack cuts its segments itself, or has no others put together for it, whatever the
  // device can do; empty: it need not.
  std::string_view no_segmentation;
  std::string_view no_coalescing;
  // A driver that cuts segments on the processor is let do it, too.
  bool segments_anyhow = false;
  // The driver's receive interrupt is a file descriptor that is readable while frames wait: a
  // tap's.
  bool wakes = false;
  // Deliver the frames of multicast groups, which a device may filter: Neighbour Discovery comes in
  // them.
  bool takes_groups = false;
  // The driver serves its peer on EAL's interrupt thread, with no lock against a close from another
  // thread: memif.
  bool closes_on_interrupt_thread = false;
  std::uint16_t max_queues = UINT16_MAX;
  std::uint16_t descriptors = 1024;  // per ring, where the device has rings
  // Receive-side scaling for TCP: entry i of the indirection table, whose size is a
  // multiple of this many entries, names queue i modulo the number of queues.
  std::span<const std::uint8_t> rss_key;
  std::size_t rss_entries = 128;
};

class DpdkPort {
 public:
  // Attaches the device, configures one queue pair for each of the first pools that the device and
  // `max_queues` allow, and starts it. Error: one sentence; the device has been removed again.
  // Precondition: EAL has been started.
  static base::Result<std::unique_ptr<DpdkPort>, std::string> open(
      const DpdkPortSettings& settings, std::span<DpdkPacketPool* const> pools);
  ~DpdkPort();
  DpdkPort(const DpdkPort&) = delete;
  DpdkPort& operator=(const DpdkPort&) = delete;

  [[nodiscard]] const DeviceInfo& info() const { return info_; }
  [[nodiscard]] std::uint16_t queues() const { return queues_; }
  // True when the device spreads flows over its queues by the hash that the settings gave it.
  [[nodiscard]] bool scales() const { return offloads_[Offload::kScaling].by_device; }
  // Who does what the device might do.
  [[nodiscard]] const Offloads& offloads() const { return offloads_; }

  // The queue as a Device, which must die before the port does. `counters` are its user's.
  [[nodiscard]] std::unique_ptr<Device> device(std::uint16_t queue,
                                               base::Counters<NicCounter>& counters) const;

 private:
  DpdkPort(const DpdkPortSettings& settings, std::span<DpdkPacketPool* const> pools);
  base::Result<void, std::string> attach();
  base::Result<void, std::string> configure();
  base::Result<void, std::string> set_up_queues();
  base::Result<void, std::string> start();
  base::Result<void, std::string> take_groups();
  void stop_and_close() const;

  const DpdkPortSettings settings_;
  const std::span<DpdkPacketPool* const> pools_;
  DeviceInfo info_;
  std::uint16_t port_ = 0;
  std::uint16_t queues_ = 0;
  bool attached_ = false;
  Offloads offloads_;
  bool ipv4_checksums_ = false;  // computed by the device for the segments that it makes
  bool promiscuous_ = false;
};

}  // namespace sluice::nic
