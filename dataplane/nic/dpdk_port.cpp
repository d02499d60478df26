#include "dataplane/nic/dpdk_port.hpp"

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "dataplane/nic/dpdk_device.hpp"
#include "dataplane/nic/dpdk_interrupt_thread.hpp"
#include "dataplane/nic/dpdk_offloads.hpp"
#include "dataplane/nic/dpdk_rss.hpp"

namespace sluice::nic {
namespace {

// The tap driver asks the kernel for a signal per received frame, to any thread of the process,
// unless no real-time signal is free when a queue is opened; then it simply reads when it is
// polled, which is what a run loop does anyway.
class RealtimeSignalsTaken {
 public:
  RealtimeSignalsTaken() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      (void)::sigaction(SIGRTMIN + static_cast<int>(i), &ignore, &saved_[i]);
    }
  }
  ~RealtimeSignalsTaken() {
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      (void)::sigaction(SIGRTMIN + static_cast<int>(i), &saved_[i], nullptr);
    }
  }
  RealtimeSignalsTaken(const RealtimeSignalsTaken&) = delete;
  RealtimeSignalsTaken& operator=(const RealtimeSignalsTaken&) = delete;

 private:
  std::vector<struct sigaction> saved_ =
      std::vector<struct sigaction>(static_cast<std::size_t>(SIGRTMAX - SIGRTMIN + 1));
};

base::Unexpected<std::string> failure(const char* what, int error) {
  return {std::string(what) + ": " + std::strerror(error < 0 ? -error : error)};
}

}  // namespace

base::Result<std::unique_ptr<DpdkPort>, std::string> DpdkPort::open(
    const DpdkPortSettings& settings, std::span<DpdkPacketPool* const> pools) {
  std::unique_ptr<DpdkPort> port(new DpdkPort(settings, pools));
  const RealtimeSignalsTaken taken;
  TRY(port->attach());
  TRY(port->configure());
  TRY(port->set_up_queues());
  TRY(port->start());
  return port;
}

DpdkPort::DpdkPort(const DpdkPortSettings& settings, std::span<DpdkPacketPool* const> pools)
    : settings_(settings), pools_(pools) {}

DpdkPort::~DpdkPort() {
  if (!attached_) return;
  if (settings_.closes_on_interrupt_thread) {
    run_on_interrupt_thread([](void* port) { static_cast<DpdkPort*>(port)->stop_and_close(); },
                            this);
  } else {
    stop_and_close();
  }
  (void)rte_eal_hotplug_remove(settings_.bus.c_str(), settings_.device.c_str());
}

void DpdkPort::stop_and_close() const {
  // Interfaces of the kernel outlive the port and its wishes.
  if (promiscuous_) (void)rte_eth_promiscuous_disable(port_);
  (void)rte_eth_dev_stop(port_);
  (void)rte_eth_dev_close(port_);
}

base::Result<void, std::string> DpdkPort::attach() {
  // PCI devices that EAL was allowed to use are there from its start.
  if (rte_eth_dev_get_port_by_name(settings_.device.c_str(), &port_) == 0) {
    attached_ = true;
    return {};
  }
  const int error = rte_eal_hotplug_add(settings_.bus.c_str(), settings_.device.c_str(),
                                        settings_.arguments.c_str());
  if (error != 0) return failure("the driver does not take the device", error);
  if (rte_eth_dev_get_port_by_name(settings_.device.c_str(), &port_) != 0) {
    (void)rte_eal_hotplug_remove(settings_.bus.c_str(), settings_.device.c_str());
    return base::Unexpected{std::string("no driver serves the device")};
  }
  attached_ = true;
  return {};
}

base::Result<void, std::string> DpdkPort::configure() {
  rte_eth_dev_info device{};
  if (const int error = rte_eth_dev_info_get(port_, &device); error != 0) {
    return failure("the driver does not describe the device", error);
  }
  queues_ = std::min({settings_.max_queues, static_cast<std::uint16_t>(pools_.size()),
                      device.max_rx_queues, device.max_tx_queues});
  if (queues_ == 0) return base::Unexpected{std::string("the device has no queues")};

  rte_eth_conf conf{};
  if (settings_.device_knows_mtu) conf.rxmode.mtu = settings_.mtu;
  if (settings_.wakes) conf.intr_conf.rxq = 1;
  RssKey key{};
  offloads_ = choose_offloads(device, settings_, queues_);
  request_offloads(offloads_, device, conf.rxmode, conf.txmode);
  if (offloads_[Offload::kSegmentation].by_device) info_.train_packets = train_packets(device);
  ipv4_checksums_ = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
  if (scales()) request_scaling(device, settings_, key, conf);
  if (const int error = rte_eth_dev_configure(port_, queues_, queues_, &conf); error != 0) {
    return failure("the device does not take its configuration (MTU and queues)", error);
  }
  return {};
}

base::Result<void, std::string> DpdkPort::set_up_queues() {
  std::uint16_t rx_descriptors = settings_.descriptors;
  std::uint16_t tx_descriptors = settings_.descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(port_, &rx_descriptors, &tx_descriptors);
      error != 0) {
    return failure("the device has no descriptors", error);
  }
  const int socket = rte_eth_dev_socket_id(port_);
  const auto on = static_cast<unsigned>(socket < 0 ? SOCKET_ID_ANY : socket);
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(port_, queue, rx_descriptors, on, nullptr,
                                                 pools_[queue]->mempool());
        error != 0) {
      return failure("the device refuses a receive queue", error);
    }
    if (const int error = rte_eth_tx_queue_setup(port_, queue, tx_descriptors, on, nullptr);
        error != 0) {
      return failure("the device refuses a transmit queue", error);
    }
  }
  return {};
}

base::Result<void, std::string> DpdkPort::start() {
  if (settings_.device_knows_mtu && settings_.mtu != RTE_ETHER_MTU) {
    const int error = rte_eth_dev_set_mtu(port_, settings_.mtu);
    if (error != 0 && error != -ENOTSUP) {
      return base::Unexpected{"the device refuses an MTU of " + std::to_string(settings_.mtu) +
                              ": " + std::strerror(-error)};
    }
  }
  rte_ether_addr mac{};
  if (const int error = rte_eth_macaddr_get(port_, &mac); error != 0) {
    return failure("the device has no MAC address", error);
  }
  std::memcpy(info_.mac.octets.data(), mac.addr_bytes, info_.mac.octets.size());
  if (settings_.shares_mac_with_kernel) info_.mac.octets.back() ^= std::byte{1};
  info_.mtu = settings_.mtu;
  info_.verifies_checksums = offloads_[Offload::kReceiveIpv4Checksum].by_device ||
                             offloads_[Offload::kReceiveTcpChecksum].by_device;
  info_.computes_checksums = offloads_[Offload::kTransmitTcpChecksum].by_device;

  if (const int error = rte_eth_dev_start(port_); error != 0) {
    return failure("the device does not start", error);
  }
  if (settings_.takes_groups) TRY(take_groups());
  // Without the table, frames arrive anywhere and are steered in software.
  if (scales() && !fill_indirection(port_, queues_, settings_.rss_entries)) {
    offloads_.take_over(Offload::kScaling, "the device does not take the indirection table");
  }
  return {};
}

// Drivers of the kernel's interfaces know promiscuity only. A device that has neither has no filter
// either.
base::Result<void, std::string> DpdkPort::take_groups() {
  int error = rte_eth_allmulticast_enable(port_);
  if (error == -ENOTSUP) {
    error = rte_eth_promiscuous_enable(port_);
    promiscuous_ = error == 0;
  }
  if (error != 0 && error != -ENOTSUP) {
    return failure("the device does not deliver multicast frames, which IPv6 needs", error);
  }
  return {};
}

std::unique_ptr<Device> DpdkPort::device(std::uint16_t queue,
                                         base::Counters<NicCounter>& counters) const {
  const int wake_fd = settings_.wakes ? rte_eth_dev_rx_intr_ctl_q_get_fd(port_, queue) : -1;
  return std::make_unique<DpdkDevice>(DpdkDevice::Options{.port = port_,
                                                          .queue = queue,
                                                          .info = info_,
                                                          .ipv4_checksums = ipv4_checksums_,
                                                          .hashes = scales(),
                                                          .wake_fd = wake_fd},
                                      *pools_[queue], counters);
}

}  // namespace sluice::nic
