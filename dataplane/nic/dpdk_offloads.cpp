#include "dataplane/nic/dpdk_offloads.hpp"

#include <rte_ethdev.h>

#include <algorithm>

#include "dataplane/nic/dpdk_rss.hpp"

namespace sluice::nic {
namespace {

// 64 KB of text in the smallest segments that are worth a train, and the headers.
constexpr std::uint16_t kMaxTrainBuffers = 65;

constexpr std::string_view kHasNone = "the device has none";
constexpr std::string_view kDriver = "its driver would do it on the processor, too";
constexpr std::string_view kFaulty = "the port damages traffic on purpose";
constexpr std::string_view kInTheHeader = "done as the header is written";
constexpr std::string_view kOneQueue = "there is one queue";
constexpr std::string_view kNoChecksum = "the device verifies no TCP checksums";

OffloadUse use(const DpdkPortSettings& settings, bool offered) {
  if (!offered) return {.by_device = false, .why_not = kHasNone};
  if (!settings.offloads) return {.by_device = false, .why_not = kDriver};
  return {.by_device = true, .why_not = {}};
}

// Segments of a train lie in several buffers and get checksums of their own.
OffloadUse use_of_segmentation(const rte_eth_dev_info& device, const DpdkPortSettings& settings) {
  constexpr std::uint64_t kNeeded =
      RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  if (!settings.no_segmentation.empty()) {
    return {.by_device = false, .why_not = settings.no_segmentation};
  }
  const bool offered = (device.tx_offload_capa & kNeeded) == kNeeded && train_packets(device) > 1;
  if (offered && settings.segments_anyhow) return {.by_device = true, .why_not = {}};
  return use(settings, offered);
}

}  // namespace

// The first buffer holds the headers.
std::uint16_t train_packets(const rte_eth_dev_info& device) {
  const std::uint16_t buffers = std::min(device.tx_desc_lim.nb_seg_max, kMaxTrainBuffers);
  return buffers > 0 ? static_cast<std::uint16_t>(buffers - 1) : std::uint16_t{0};
}

Offloads choose_offloads(const rte_eth_dev_info& device, const DpdkPortSettings& settings,
                         std::uint16_t queues) {
  const auto receives = [&](std::uint64_t flag) { return (device.rx_offload_capa & flag) != 0; };
  const auto transmits = [&](std::uint64_t flag) { return (device.tx_offload_capa & flag) != 0; };
  Offloads offloads;
  offloads[Offload::kReceiveIpv4Checksum] = use(settings, receives(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM));
  offloads[Offload::kReceiveTcpChecksum] = use(settings, receives(RTE_ETH_RX_OFFLOAD_TCP_CKSUM));
  offloads[Offload::kTransmitIpv4Checksum].why_not = kInTheHeader;
  offloads[Offload::kTransmitTcpChecksum] = use(settings, transmits(RTE_ETH_TX_OFFLOAD_TCP_CKSUM));
  offloads[Offload::kSegmentation] = use_of_segmentation(device, settings);
  offloads[Offload::kCoalescing] = use(settings, receives(RTE_ETH_RX_OFFLOAD_TCP_LRO));
  // A coalesced frame's parts have no checksums of their own.
  if (!offloads[Offload::kReceiveTcpChecksum].by_device) {
    offloads.take_over(Offload::kCoalescing, kNoChecksum);
  }
  if (!settings.no_coalescing.empty()) {
    offloads.take_over(Offload::kCoalescing, settings.no_coalescing);
  }
  if (settings.faulty) {
    for (std::size_t i = 0; i < kOffloads; ++i) {
      offloads.take_over(static_cast<Offload>(i), kFaulty);
    }
  }
  offloads[Offload::kScaling] = use(settings, can_scale(device, settings));
  if (queues == 1) offloads.take_over(Offload::kScaling, kOneQueue);
  return offloads;
}

// Never RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE: it ignores reference counts and pools.
void request_offloads(const Offloads& offloads, const rte_eth_dev_info& device,
                      rte_eth_rxmode& receive, rte_eth_txmode& transmit) {
  if (offloads[Offload::kReceiveIpv4Checksum].by_device) {
    receive.offloads |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
  }
  if (offloads[Offload::kReceiveTcpChecksum].by_device) {
    receive.offloads |= RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  }
  if (offloads[Offload::kCoalescing].by_device) {
    // Drivers that spread long frames over buffers only when told so are told so.
    receive.offloads |=
        RTE_ETH_RX_OFFLOAD_TCP_LRO | (device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER);
    receive.max_lro_pkt_size = device.max_lro_pkt_size;
  }
  if (offloads[Offload::kTransmitTcpChecksum].by_device) {
    transmit.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  }
  if (offloads[Offload::kSegmentation].by_device) {
    // Where the device has no checksum for IPv4's header, cutting implies it.
    transmit.offloads |= RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
                         RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                         (device.tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM);
  }
}

}  // namespace sluice::nic
