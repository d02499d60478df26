// Which offloads devices are asked for: on descriptions of devices, without any.
#include "dataplane/nic/dpdk_offloads.hpp"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <array>

#include "dataplane/nic/dpdk_rss.hpp"

namespace sluice::nic {
namespace {

constexpr std::uint16_t kQueues = 4;
constexpr std::array<std::uint8_t, 40> kKey{};

// A network card that does all that there is.
rte_eth_dev_info capable() {
  rte_eth_dev_info device{};
  device.rx_offload_capa =
      RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER;
  device.max_lro_pkt_size = 65280;
  device.tx_desc_lim.nb_seg_max = 40;
  device.tx_offload_capa = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                           RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
                           RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  device.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
  device.hash_key_size = kKey.size();
  device.reta_size = RTE_ETH_RSS_RETA_SIZE_128;
  return device;
}

DpdkPortSettings trusting() {
  DpdkPortSettings settings;
  settings.offloads = true;
  settings.rss_key = kKey;
  return settings;
}

TEST(Offloads, CapableDeviceIsAskedForAllThatItHas) {
  const rte_eth_dev_info device = capable();
  const Offloads offloads = choose_offloads(device, trusting(), kQueues);
  for (const Offload each :
       {Offload::kReceiveIpv4Checksum, Offload::kReceiveTcpChecksum, Offload::kTransmitTcpChecksum,
        Offload::kSegmentation, Offload::kCoalescing, Offload::kScaling}) {
    EXPECT_TRUE(offloads[each].by_device) << name_of(each);
    EXPECT_EQ(offloads[each].why_not, "");
  }
  rte_eth_rxmode receive{};
  rte_eth_txmode transmit{};
  request_offloads(offloads, device, receive, transmit);
  EXPECT_EQ(receive.offloads, RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                                  RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER);
  EXPECT_EQ(receive.max_lro_pkt_size, device.max_lro_pkt_size);
  EXPECT_EQ(transmit.offloads, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                                   RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
  EXPECT_EQ(train_packets(device), 39U);
}

TEST(Offloads, WhatADeviceHasNotIsNotAskedFor) {
  const rte_eth_dev_info device{};
  const Offloads offloads = choose_offloads(device, trusting(), kQueues);
  for (std::size_t i = 0; i < kOffloads; ++i) {
    const auto each = static_cast<Offload>(i);
    EXPECT_FALSE(offloads[each].by_device) << name_of(each);
    EXPECT_NE(offloads[each].why_not, "") << name_of(each);
  }
  EXPECT_EQ(offloads[Offload::kScaling].why_not, "the device has none");
  rte_eth_rxmode receive{};
  rte_eth_txmode transmit{};
  request_offloads(offloads, device, receive, transmit);
  EXPECT_EQ(receive.offloads, 0U);
  EXPECT_EQ(transmit.offloads, 0U);
}

TEST(Offloads, OneOfTheReceiveChecksumsIsTakenWithoutTheOther) {
  rte_eth_dev_info device = capable();
  device.rx_offload_capa = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
  const Offloads offloads = choose_offloads(device, trusting(), kQueues);
  EXPECT_TRUE(offloads[Offload::kReceiveTcpChecksum].by_device);
  EXPECT_FALSE(offloads[Offload::kReceiveIpv4Checksum].by_device);
}

TEST(Offloads, CoalescingNeedsTheDevicesChecksums) {
  rte_eth_dev_info device = capable();
  device.rx_offload_capa = RTE_ETH_RX_OFFLOAD_TCP_LRO;
  const Offloads offloads = choose_offloads(device, trusting(), kQueues);
  EXPECT_FALSE(offloads[Offload::kCoalescing].by_device);
  EXPECT_EQ(offloads[Offload::kCoalescing].why_not, "the device verifies no TCP checksums");
}

TEST(Offloads, DriverThatWorksOnTheProcessorIsNotAsked) {
  const Offloads offloads = choose_offloads(capable(), {}, kQueues);
  EXPECT_FALSE(offloads[Offload::kTransmitTcpChecksum].by_device);
  EXPECT_EQ(offloads[Offload::kTransmitTcpChecksum].why_not,
            "its driver would do it on the processor, too");
}

TEST(Offloads, PortWithFaultsLeavesOnlyScalingToTheDevice) {
  DpdkPortSettings settings = trusting();
  settings.faulty = true;
  const Offloads offloads = choose_offloads(capable(), settings, kQueues);
  for (std::size_t i = 0; i < kOffloads; ++i) {
    const auto each = static_cast<Offload>(i);
    EXPECT_EQ(offloads[each].by_device, each == Offload::kScaling) << name_of(each);
  }
  EXPECT_EQ(offloads[Offload::kReceiveTcpChecksum].why_not, "the port damages traffic on purpose");
}

TEST(Offloads, SegmentationNeedsChecksumsAndSeveralBuffers) {
  rte_eth_dev_info device = capable();
  device.tx_offload_capa = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
  EXPECT_FALSE(choose_offloads(device, trusting(), kQueues)[Offload::kSegmentation].by_device);
  device.tx_offload_capa = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  EXPECT_FALSE(choose_offloads(device, trusting(), kQueues)[Offload::kSegmentation].by_device);
  device = capable();
  device.tx_desc_lim.nb_seg_max = 2;  // headers and one packet: no train
  EXPECT_FALSE(choose_offloads(device, trusting(), kQueues)[Offload::kSegmentation].by_device);
}

TEST(Offloads, ConfigurationHasTheLastWord) {
  DpdkPortSettings settings = trusting();
  settings.no_segmentation = settings.no_coalescing = "not today";
  const Offloads refused = choose_offloads(capable(), settings, kQueues);
  EXPECT_EQ(refused[Offload::kSegmentation].why_not, "not today");
  EXPECT_EQ(refused[Offload::kCoalescing].why_not, "not today");
  settings = {};
  settings.segments_anyhow = true;
  const Offloads forced = choose_offloads(capable(), settings, kQueues);
  EXPECT_TRUE(forced[Offload::kSegmentation].by_device);
  EXPECT_FALSE(forced[Offload::kTransmitTcpChecksum].by_device);
}

TEST(Offloads, OneQueueNeedsNoScaling) {
  const Offloads offloads = choose_offloads(capable(), trusting(), 1);
  EXPECT_FALSE(offloads[Offload::kScaling].by_device);
  EXPECT_EQ(offloads[Offload::kScaling].why_not, "there is one queue");
}

TEST(Offloads, ScalingNeedsAKeyAndATableThatFit) {
  rte_eth_dev_info device = capable();
  EXPECT_TRUE(can_scale(device, trusting()));
  device.hash_key_size = 32;
  EXPECT_FALSE(can_scale(device, trusting()));
  device = capable();
  device.reta_size = 100;
  EXPECT_FALSE(can_scale(device, trusting()));
}

}  // namespace
}  // namespace sluice::nic
