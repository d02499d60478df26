// DpdkDevice on a device that is nothing but a ring of mbufs: what drivers deliver is put in by
// hand, and what they are given is looked at. EAL is that of dpdk_test.cpp.
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/nic/dpdk_device.hpp"
#include "dataplane/nic/dpdk_packet_pool.hpp"
#include "dataplane/nic/dpdk_port.hpp"
#include "tests/support/frames.hpp"

namespace sluice::run {
namespace {

using test::ByteVector;

constexpr std::size_t kPackets = 2048;
constexpr base::Instant kNow;
constexpr std::uint64_t kGood = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;

class RingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pool = nic::DpdkPacketPool::create({.name = "ring", .packets = kPackets});
    ASSERT_TRUE(pool) << pool.error();
    pool_ = *std::move(pool);
    pointer_ = pool_.get();
    nic::DpdkPortSettings settings;
    settings.device = "net_ring0";
    settings.max_queues = 1;
    settings.device_knows_mtu = false;
    auto port = nic::DpdkPort::open(settings, {&pointer_, 1});
    ASSERT_TRUE(port) << port.error();
    port_ = *std::move(port);
    // What is sent comes back.
    ring_ = rte_ring_lookup("ETH_RXTX0_net_ring0");
    ASSERT_NE(ring_, nullptr);
    nic::DpdkDevice::Options options;
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_ring0", &options.port), 0);
    options.info.verifies_checksums = options.info.computes_checksums = true;
    options.info.train_packets = kTrainPackets;
    options.ipv4_checksums = true;
    options.hashes = true;
    device_ = std::make_unique<nic::DpdkDevice>(options, *pool_, counters_);
  }
  void TearDown() override {
    device_.reset();
    port_.reset();
    EXPECT_EQ(pool_->available(), kPackets);
  }

  // As a driver delivers it, over buffers that take so much each.
  void deliver(base::Bytes frame, std::size_t each, std::uint64_t flags) {
    rte_mbuf* first = nullptr;
    for (std::size_t at = 0; at < frame.size(); at += each) {
      const base::Bytes piece = frame.subspan(at, std::min(each, frame.size() - at));
      rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_->mempool());
      ASSERT_NE(mbuf, nullptr);
      char* bytes = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(piece.size()));
      base::copy({reinterpret_cast<std::byte*>(bytes), piece.size()}, piece);
      if (first == nullptr) {
        first = mbuf;
      } else {
        ASSERT_EQ(rte_pktmbuf_chain(first, mbuf), 0);
      }
    }
    first->ol_flags = flags | RTE_MBUF_F_RX_RSS_HASH;
    first->hash.rss = kHash;
    ASSERT_EQ(rte_ring_enqueue(ring_, first), 0);
  }
  // What one call gives, `most` frames of it.
  std::vector<base::PacketPtr> received(std::size_t most = 64) {
    std::vector<base::Packet*> burst(most);
    burst.resize(device_->receive(kNow, burst));
    std::vector<base::PacketPtr> packets;
    for (base::Packet* packet : burst) packets.emplace_back(packet);
    return packets;
  }

  // Takes over the reference. False when the device dropped it.
  [[nodiscard]] bool transmit(base::PacketPtr frame) {
    base::Packet* const raw = frame.release();
    EXPECT_EQ(device_->transmit(kNow, {&raw, 1}), 1U);
    return rte_ring_count(ring_) == 1;
  }
  // What the driver has been given; null when nothing.
  rte_mbuf* given() {
    void* mbuf = nullptr;
    return rte_ring_dequeue(ring_, &mbuf) == 0 ? static_cast<rte_mbuf*>(mbuf) : nullptr;
  }
  base::PacketPtr packet(base::Bytes bytes) {
    base::PacketPtr made(pool_->allocate());
    base::copy(made->append(bytes.size()), bytes);
    return made;
  }
  // So many packets of text behind the headers of a frame.
  base::PacketPtr train(base::Bytes headers, std::size_t packets, std::uint16_t segment_size) {
    base::PacketPtr made = packet(headers);
    made->checksum = {.l4_wanted = true, .l2_size = 14, .l3_size = l3_size(headers)};
    for (std::size_t i = 0; i < packets; ++i) {
      made->extend_train(*packet(ByteVector(segment_size, std::byte{0x5a})).release(),
                         segment_size);
    }
    return made;
  }
  static std::uint8_t l3_size(base::Bytes headers) {
    return headers[14] >> 4 == std::byte{6} ? 40 : 20;
  }

  static constexpr std::uint16_t kTrainPackets = 40;
  static constexpr std::uint32_t kHash = 0x1234567;
  std::unique_ptr<nic::DpdkPacketPool> pool_;
  nic::DpdkPacketPool* pointer_ = nullptr;
  std::unique_ptr<nic::DpdkPort> port_;
  rte_ring* ring_ = nullptr;
  base::Counters<nic::NicCounter> counters_;
  std::unique_ptr<nic::DpdkDevice> device_;
};

ByteVector tcp_frame(std::uint32_t sequence, std::size_t text) {
  const base::Ipv4Address source{0xc6120001};
  const base::Ipv4Address destination{0xc6120002};
  wire::TcpHeader header;
  header.sequence = wire::SeqNumber{sequence};
  header.flags.ack = true;
  return test::ethernet_frame(
      {.type = wire::EtherType::kIpv4},
      test::ipv4_packet(
          {.source = source, .destination = destination, .protocol = wire::IpProtocol::kTcp},
          test::tcp_segment(source, destination, header, ByteVector(text, std::byte{0x5a}))));
}

std::uint32_t sequence_of(const base::PacketPtr& frame) {
  return base::load_be<std::uint32_t>(frame->data() + 14 + 20 + 4);
}

TEST_F(RingTest, CoalescedFrameComesAsItsPartsInFrontOfWhatFollows) {
  deliver(tcp_frame(100, 30), 2048, kGood);
  deliver(tcp_frame(1000, 5000), 2048, kGood);
  deliver(tcp_frame(6000, 30), 2048, kGood);
  const auto frames = received();
  ASSERT_EQ(frames.size(), 5U);
  EXPECT_EQ(sequence_of(frames[0]), 100U);
  EXPECT_EQ(sequence_of(frames[1]), 1000U);
  EXPECT_EQ(sequence_of(frames[2]), 1000U + 2048 - 54);
  EXPECT_EQ(sequence_of(frames[3]), 1000U + 2048 - 54 + 2048);
  EXPECT_EQ(sequence_of(frames[4]), 6000U);
  for (const auto& frame : frames) {
    EXPECT_TRUE(frame->exclusive());
    EXPECT_TRUE(frame->checksum.l4_verified);
    EXPECT_EQ(frame->flow_hash, kHash);
  }
  EXPECT_EQ(counters_[nic::NicCounter::kReceivedFrames], 3U);
}

TEST_F(RingTest, PartsThatOneCallDoesNotTakeComeWithTheNext) {
  deliver(tcp_frame(0, 10'000), 1024, kGood);
  deliver(tcp_frame(10'000, 30), 2048, kGood);
  std::vector<std::uint32_t> sequences;
  for (int call = 0; call < 4; ++call) {
    const auto frames = received(4);
    EXPECT_LE(frames.size(), 4U);
    for (const auto& frame : frames) sequences.push_back(sequence_of(frame));
  }
  ASSERT_EQ(sequences.size(), 11U);
  EXPECT_TRUE(std::ranges::is_sorted(sequences));
  EXPECT_EQ(sequences.back(), 10'000U);
}

TEST_F(RingTest, SpreadFrameThatIsNotVerifiedTcpIsDroppedAndCounted) {
  deliver(tcp_frame(0, 5000), 2048, RTE_MBUF_F_RX_IP_CKSUM_GOOD);
  deliver(tcp_frame(0, 5000), 2048, RTE_MBUF_F_RX_L4_CKSUM_BAD);
  deliver(ByteVector(5000), 2048, kGood);
  deliver(tcp_frame(0, 9000), 128, kGood);  // over more buffers than there may be
  EXPECT_TRUE(received().empty());
  EXPECT_EQ(counters_[nic::NicCounter::kReceiveSegmented], 4U);
}

TEST_F(RingTest, PacketsOfTheOwnHostThatNeedNoChecksumAreVerified) {
  deliver(tcp_frame(0, 30), 2048, RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE);
  deliver(tcp_frame(0, 30), 2048, 0);
  const auto frames = received();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_TRUE(frames[0]->checksum.l4_verified && frames[0]->checksum.ip_verified);
  EXPECT_FALSE(frames[1]->checksum.l4_verified || frames[1]->checksum.ip_verified);
}

TEST_F(RingTest, TrainIsAChainThatTheDriverIsToCut) {
  const auto headers = tcp_frame(0, 0);
  ASSERT_TRUE(transmit(train(headers, 3, 1448)));
  rte_mbuf* const mbuf = given();
  ASSERT_NE(mbuf, nullptr);
  EXPECT_EQ(mbuf->nb_segs, 4);
  EXPECT_EQ(mbuf->pkt_len, headers.size() + 3 * 1448);
  EXPECT_EQ(mbuf->data_len, headers.size());
  EXPECT_EQ(mbuf->ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
                                RTE_MBUF_F_TX_TCP_SEG);
  EXPECT_EQ(mbuf->l2_len, 14);
  EXPECT_EQ(mbuf->l3_len, 20);
  EXPECT_EQ(mbuf->l4_len, 20);
  EXPECT_EQ(mbuf->tso_segsz, 1448);
  EXPECT_EQ(mbuf->next->data_len, 1448);
  EXPECT_EQ(counters_[nic::NicCounter::kSentTrains], 1U);
  EXPECT_EQ(counters_[nic::NicCounter::kSentBytes], headers.size() + 3 * 1448);
  rte_pktmbuf_free(mbuf);
}

TEST_F(RingTest, Ipv6TrainHasNoHeaderChecksum) {
  auto headers = tcp_frame(0, 0);
  headers.insert(headers.begin() + 34, 20, std::byte{});
  headers[14] = std::byte{0x60};
  ASSERT_TRUE(transmit(train(headers, 2, 1000)));
  rte_mbuf* const mbuf = given();
  ASSERT_NE(mbuf, nullptr);
  EXPECT_EQ(mbuf->ol_flags, RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG);
  EXPECT_EQ(mbuf->l3_len, 40);
  EXPECT_EQ(mbuf->l4_len, 20);
  rte_pktmbuf_free(mbuf);
}

TEST_F(RingTest, TextHeldForRetransmissionStaysWithItsHolderAndGoesAloneAfterwards) {
  base::PacketPtr kept = packet(ByteVector(1000));
  kept->retain();
  base::PacketPtr head = train(tcp_frame(0, 0), 1, 1000);
  head->extend_train(*kept, 1000);
  ASSERT_TRUE(transmit(std::move(head)));
  EXPECT_FALSE(kept->exclusive());
  rte_pktmbuf_free(given());
  ASSERT_TRUE(kept->exclusive());
  // Its mbuf has been in the middle of a chain.
  ASSERT_TRUE(transmit(std::move(kept)));
  rte_mbuf* const alone = given();
  ASSERT_NE(alone, nullptr);
  EXPECT_EQ(alone->nb_segs, 1);
  EXPECT_EQ(alone->next, nullptr);
  EXPECT_EQ(alone->pkt_len, 1000U);
  EXPECT_EQ(alone->ol_flags, 0U);
  rte_pktmbuf_free(alone);
}

TEST_F(RingTest, TrainThatTheDeviceDoesNotTakeIsDroppedWhole) {
  const auto headers = tcp_frame(0, 0);
  EXPECT_FALSE(transmit(train(headers, kTrainPackets + 1, 100)));
  EXPECT_FALSE(transmit(train(headers, 2, 1600)));  // segments longer than the MTU
  EXPECT_EQ(counters_[nic::NicCounter::kTransmitOversize], 2U);
  EXPECT_EQ(pool_->available(), kPackets);
}

}  // namespace
}  // namespace sluice::run
