#include "dataplane/nic/dpdk_offloads.hpp"

#include <rte_ethdev.h>

#include "dataplane/nic/dpdk_rss.hpp"

namespace sluice::nic {
namespace {

constexpr std::string_view kHasNone = "the device has none";
constexpr std::string_view kDriver = "its driver would do it on the processor, too";
constexpr std::string_view kFaulty = "the port damages traffic on purpose";
constexpr std::string_view kInTheHeader = "done as the header is written";
constexpr std::string_view kOneQueue = "there is one queue";
constexpr std::string_view kNoChecksum = "the device verifies no TCP checksums";
constexpr std::string_view kNotAsked = "not asked of devices";

OffloadUse use(const DpdkPortSettings& settings, bool offered) {
  if (!offered) return {.by_device = false, .why_not = kHasNone};
  if (!settings.offloads) return {.by_device = false, .why_not = kDriver};
  return {.by_device = true, .why_not = {}};
}

}  // namespace

Offloads choose_offloads(const rte_eth_dev_info& device, const DpdkPortSettings& settings,
                         std::uint16_t queues) {
  const auto receives = [&](std::uint64_t flag) { return (device.rx_offload_capa & flag) != 0; };
  const auto transmits = [&](std::uint64_t flag) { return (device.tx_offload_capa & flag) != 0; };
  Offloads offloads;
  offloads[Offload::kReceiveIpv4Checksum] = use(settings, receives(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM));
  offloads[Offload::kReceiveTcpChecksum] = use(settings, receives(RTE_ETH_RX_OFFLOAD_TCP_CKSUM));
  offloads[Offload::kTransmitIpv4Checksum].why_not = kInTheHeader;
  offloads[Offload::kTransmitTcpChecksum] = use(settings, transmits(RTE_ETH_TX_OFFLOAD_TCP_CKSUM));
  offloads[Offload::kSegmentation].why_not = kNotAsked;
  offloads[Offload::kCoalescing] = use(settings, receives(RTE_ETH_RX_OFFLOAD_TCP_LRO));
  // A coalesced frame's parts have no checksums of their own.
  if (!offloads[Offload::kReceiveTcpChecksum].by_device) {
    offloads.take_over(Offload::kCoalescing, kNoChecksum);
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
}

}  // namespace sluice::nic
