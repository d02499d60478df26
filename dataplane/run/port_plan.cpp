#include "dataplane/run/port_plan.hpp"

#include <net/if.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/flow.hpp"

namespace sluice::run {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDefaultDataRoom = 2048;
constexpr std::uint16_t kStandardMtu = 1500;
constexpr std::uint16_t kMinMtu = 576;  // RFC 791 3.1: what every host takes
constexpr std::uint16_t kMaxMtu = 9000;
constexpr std::uint16_t kMaxTapQueues = 16;
constexpr std::size_t kFrameHeader = wire::EthernetHeader::kSize + wire::EthernetHeader::kTagSize;

// What an AF_PACKET ring puts in front of each frame (tpacket2_hdr, sockaddr_ll, padding): the most
// that a frame's slot needs, and the least that the driver counts on.
constexpr std::size_t kPacketRingHeader = 80;
constexpr std::size_t kPacketRingMinHeader = 32;
constexpr std::size_t kPageSize = 4096;

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

// Driver arguments are lists of key=value in which nothing can be escaped.
bool fits_in_arguments(const std::string& value) {
  return !value.empty() && std::ranges::none_of(value, [](char c) {
    return c == ',' || c == '=' || c == '[' || c == ']' || c == '"' || c <= ' ';
  });
}

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

bool has_ipv6(const PortSettings& port) {
  return std::ranges::any_of(port.addresses,
                             [](const auto& prefix) { return !prefix.address.is_ipv4(); });
}

base::Result<void, std::string> check_mtu(const PortSettings& port) {
  const bool jumbo = port.kind == DeviceKind::kMemif || port.kind == DeviceKind::kAfPacket ||
                     port.kind == DeviceKind::kPci;
  const std::uint16_t most = jumbo ? kMaxMtu : kStandardMtu;
  if (port.mtu >= kMinMtu && port.mtu <= most) return {};
  return base::Unexpected{"an MTU of " + std::to_string(port.mtu) +
                          " does not go with this kind of device, which takes " +
                          std::to_string(kMinMtu) + " to " + std::to_string(most)};
}

PortPlan plan_tap(const PortSettings& port, const std::string& index) {
  PortPlan plan;
  plan.device.device = "net_tap" + index;
  plan.device.arguments = "iface=" + port.target;
  plan.device.shares_mac_with_kernel = true;
  plan.device.wakes = true;
  plan.device.max_queues = std::min(plan.device.max_queues, kMaxTapQueues);
  // The driver reads frame by frame into one buffer and would only pin the others.
  plan.device.descriptors = 1;
  return plan;
}

// A ring's slots are powers of two, so that they fill its blocks without a gap.
PortPlan plan_af_packet(const PortSettings& port, const std::string& index, std::uint16_t queues) {
  const std::size_t slot = std::bit_ceil(port.mtu + kFrameHeader + kPacketRingHeader);
  PortPlan plan;
  plan.device.device = "net_af_packet" + index;
  plan.device.arguments = "iface=" + port.target + ",qpairs=" + std::to_string(queues) +
                          ",framesz=" + std::to_string(slot) +
                          ",blocksz=" + std::to_string(std::max(slot, kPageSize));
  plan.device.device_knows_mtu = false;
  plan.data_room = slot - kPacketRingMinHeader;
  return plan;
}

PortPlan plan_af_xdp(const PortSettings& port, const std::string& index, std::uint16_t queues) {
  PortPlan plan;
  plan.device.device = "net_af_xdp" + index;
  plan.device.arguments =
      "iface=" + port.target + ",start_queue=0,queue_count=" + std::to_string(queues);
  return plan;
}

// By path: abstract names belong to a network namespace. Without zero-copy, which would show all of
// DPDK's memory to the other side.
PortPlan plan_memif(const PortSettings& port, const std::string& index) {
  PortPlan plan;
  plan.device.device = "net_memif" + index;
  plan.device.arguments = std::string("role=") + (port.memif_server ? "server" : "client") +
                          ",socket=" + port.target + ",socket-abstract=no,zero-copy=no,bsize=" +
                          std::to_string(std::bit_ceil(port.mtu + kFrameHeader));
  plan.device.device_knows_mtu = false;
  plan.device.closes_on_interrupt_thread = true;
  return plan;
}

PortPlan plan_pci(const PortSettings& port) {
  PortPlan plan;
  plan.device.bus = "pci";
  plan.device.device = port.target;
  plan.device.offloads = true;
  plan.device.rss_key = wire::kRssKey;
  plan.device.rss_entries = wire::kIndirectionEntries;
  return plan;
}

PortPlan plan_kind(const PortSettings& port, const std::string& index, std::uint16_t queues) {
  switch (port.kind) {
    case DeviceKind::kTap:
      return plan_tap(port, index);
    case DeviceKind::kAfPacket:
      return plan_af_packet(port, index, queues);
    case DeviceKind::kAfXdp:
      return plan_af_xdp(port, index, queues);
    case DeviceKind::kMemif:
      return plan_memif(port, index);
    case DeviceKind::kPci:
      break;
  }
  return plan_pci(port);
}

// The tap driver compares a segment, Ethernet's header included, with the MTU that it was told,
// which therefore stays Ethernet's; and it knows segments of IPv4 only.
base::Result<void, std::string> plan_segmentation_on_tap(const PortSettings& port, PortPlan& plan) {
  constexpr std::uint16_t kMost = kStandardMtu - wire::EthernetHeader::kSize;
  if (port.mtu > kMost || has_ipv6(port)) {
    return base::Unexpected{"a tap's driver cuts segments of IPv4 only, and for an MTU of up to " +
                            std::to_string(kMost)};
  }
  plan.device.device_knows_mtu = false;
  return {};
}

base::Result<void, std::string> plan_offloads(const PortSettings& port, PortPlan& plan) {
  constexpr std::string_view kOff = "the configuration says so";
  nic::DpdkPortSettings& device = plan.device;
  device.faulty = port.faults.has_value();
  if (port.offloads.rx_coalescing == OffloadChoice::kOff) device.no_coalescing = kOff;
  if (!port.capture.empty()) device.no_segmentation = "the capture has frames as on the wire";
  if (port.offloads.tso == OffloadChoice::kOff) device.no_segmentation = kOff;
  if (port.offloads.tso != OffloadChoice::kOn) return {};
  device.segments_anyhow = true;
  return port.kind == DeviceKind::kTap ? plan_segmentation_on_tap(port, plan)
                                       : base::Result<void, std::string>{};
}

// How many queues to ask for. memif's two sides have to agree on a number: one, unless it is said.
std::uint16_t wanted_queues(const PortSettings& port, std::size_t workers) {
  const auto each = static_cast<std::uint16_t>(workers);
  const std::uint16_t usual = port.kind == DeviceKind::kMemif ? std::uint16_t{1} : each;
  return std::min(port.queues.value_or(usual), each);
}

base::Result<void, std::string> check_kernel_interface(const PortSettings& port, const Host& host) {
  if (!interface_exists(port.target)) {
    return base::Unexpected{"there is no network interface " + quoted(port.target)};
  }
  if (!host.net_raw || (port.kind == DeviceKind::kAfXdp && !host.net_admin)) {
    return base::Unexpected{
        std::string("taking frames from a network interface needs the "
                    "capabilities CAP_NET_RAW and CAP_NET_ADMIN")};
  }
  return {};
}

base::Result<void, std::string> check_tap(const PortSettings& port, const Host& host) {
  constexpr char kTunDevice[] = "/dev/net/tun";
  if (interface_exists(port.target)) {
    return base::Unexpected{"a network interface " + quoted(port.target) + " exists already"};
  }
  if (!fs::exists(kTunDevice)) {
    return base::Unexpected{std::string("the kernel has no tap devices: there is no ") +
                            kTunDevice};
  }
  if (!host.net_admin || ::access(kTunDevice, R_OK | W_OK) != 0) {
    return base::Unexpected{std::string("making a tap device needs the capability CAP_NET_ADMIN "
                                        "and access to ") +
                            kTunDevice};
  }
  return {};
}

base::Result<void, std::string> check_memif(const PortSettings& port) {
  const fs::path directory = fs::path(port.target).parent_path();
  std::error_code ignored;
  if (!fs::is_directory(directory, ignored) || ::access(directory.c_str(), R_OK | W_OK) != 0) {
    return base::Unexpected{"the directory of the socket " + quoted(port.target) +
                            " does not exist or may not be written"};
  }
  return {};
}

// Only a device that others share filters: taps and memif deliver whatever the other side sends.
bool wants_groups(const PortSettings& port) {
  return port.kind != DeviceKind::kTap && port.kind != DeviceKind::kMemif && has_ipv6(port);
}

}  // namespace

base::Result<PortPlan, std::string> plan_port(const PortSettings& port,
                                              const PortPosition& position) {
  const bool named_by_path = port.kind == DeviceKind::kMemif;
  const std::size_t longest = named_by_path ? sizeof(sockaddr_un::sun_path) : IFNAMSIZ;
  if (!fits_in_arguments(port.target) || port.target.size() >= longest ||
      (named_by_path && port.target.front() != '/') ||
      (!named_by_path && port.target.find('/') != std::string::npos)) {
    return base::Unexpected{quoted(port.target) + " cannot name a device of this kind"};
  }
  TRY(check_mtu(port));
  if (port.queues == 0) return base::Unexpected{std::string("a port has at least one queue")};

  const std::uint16_t queues = wanted_queues(port, position.workers);
  PortPlan plan = plan_kind(port, std::to_string(position.index), queues);
  plan.device.max_queues = std::min(plan.device.max_queues, queues);
  plan.device.mtu = port.mtu;
  plan.device.takes_groups = wants_groups(port);
  TRY(plan_offloads(port, plan));
  plan.data_room =
      std::max({plan.data_room, round_up(port.mtu + kFrameHeader, 1024), kDefaultDataRoom});
  return plan;
}

base::Result<void, std::string> check_port(const PortSettings& port, const Host& host) {
  switch (port.kind) {
    case DeviceKind::kTap:
      return check_tap(port, host);
    case DeviceKind::kAfPacket:
    case DeviceKind::kAfXdp:
      return check_kernel_interface(port, host);
    case DeviceKind::kMemif:
      return check_memif(port);
    case DeviceKind::kPci:
      break;
  }
  if (!fs::exists("/sys/bus/pci/devices/" + port.target)) {
    return base::Unexpected{"there is no PCI device " + quoted(port.target)};
  }
  return {};
}

}  // namespace sluice::run
