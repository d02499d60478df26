#include "dataplane/run/steering.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/wire/flow.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/support/frames.hpp"

namespace sluice::run {
namespace {

constexpr unsigned kWorkers = 4;
constexpr std::size_t kPackets = 2 * Exchange::kDepth;
constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);
const auto kOursOfIpv6 = *base::Ipv6Address::parse("2001:db8::2");
const auto kTheirsOfIpv6 = *base::Ipv6Address::parse("2001:db8::1");
const auto kTheirLinkLocal = *base::Ipv6Address::parse("fe80::1");
constexpr wire::TcpFlags kSyn{.syn = true};
constexpr wire::TcpFlags kSynAck{.syn = true, .ack = true};

wire::FlowKey flow_from(std::uint16_t remote_port) {
  return {.local = kOurs, .remote = kTheirs, .local_port = 443, .remote_port = remote_port};
}

// A remote port whose flow the worker owns.
std::uint16_t port_owned_by(unsigned worker) {
  for (std::uint16_t port = 40000;; ++port) {
    if (wire::flow_owner(flow_from(port), kWorkers) == worker) return port;
  }
}

test::ByteVector frame(wire::EtherType type, base::Bytes payload) {
  return test::ethernet_frame({.destination{}, .source{}, .type = type, .vlan{}}, payload);
}

test::ByteVector segment_from(std::uint16_t remote_port, wire::TcpFlags flags) {
  const auto segment = test::tcp_segment(kTheirs, kOurs,
                                         {.source_port = remote_port,
                                          .destination_port = 443,
                                          .sequence{},
                                          .acknowledgement{},
                                          .flags = flags});
  return frame(
      wire::EtherType::kIpv4,
      test::ipv4_packet(
          {.source = kTheirs, .destination = kOurs, .protocol = wire::IpProtocol::kTcp}, segment));
}

test::ByteVector arp(wire::ArpOperation operation, base::Ipv4Address sender) {
  return frame(wire::EtherType::kArp, test::arp_payload({.operation = operation,
                                                         .sender_mac{},
                                                         .sender = sender,
                                                         .target_mac{},
                                                         .target = kOurs}));
}

test::ByteVector discovery(const base::Ipv6Address& source, const base::Ipv6Address& destination,
                           const wire::DiscoveryMessage& message) {
  const wire::Ipv6Header ip{.source = source,
                            .destination = destination,
                            .next_header = wire::IpProtocol::kIcmpv6,
                            .hop_limit = wire::kDiscoveryHopLimit};
  return frame(wire::EtherType::kIpv6, test::ipv6_packet(ip, test::discovery_message(ip, message)));
}

class SteeringTest : public testing::Test {
 protected:
  SteeringTest() : SteeringTest(false) {}
  explicit SteeringTest(bool hashes) { steering_.add_port(hashes); }

  base::Packet* received(base::Bytes bytes, std::uint32_t hash = 0) {
    base::Packet* packet = pool_.allocate();
    base::copy(packet->append(bytes.size()), bytes);
    packet->flow_hash = hash;
    return packet;
  }
  // Steers one frame that arrived at worker 0; true when it stays (and releases it then).
  bool stays(base::Packet* packet) {
    std::array frames{packet};
    if (steering_.steer(0, frames) == 0) return false;
    frames[0]->release();
    return true;
  }
  // The parcels on their way to a worker, released.
  std::vector<test::ByteVector> taken_by(unsigned worker) {
    std::vector<test::ByteVector> frames;
    while (const auto parcel = exchange_.take(0, worker)) {
      EXPECT_EQ(parcel->kind, Parcel::Kind::kReceived);
      const auto bytes = parcel->packet->bytes();
      frames.emplace_back(bytes.begin(), bytes.end());
      parcel->packet->release();
    }
    return frames;
  }

  base::MemoryPacketPool pool_{kPackets};
  Exchange exchange_{kWorkers};
  base::Counters<RunCounter> counters_;
  Steering steering_{0, exchange_, pool_, counters_};
};

class HashingPort : public SteeringTest {
 protected:
  HashingPort() : SteeringTest(true) {}
};

TEST_F(SteeringTest, OwnFlowStays) {
  EXPECT_TRUE(stays(received(segment_from(port_owned_by(0), kSyn))));
  EXPECT_EQ(counters_[RunCounter::kForwardedOut], 0U);
}

TEST_F(SteeringTest, ForeignFlowIsForwardedToItsOwner) {
  const auto bytes = segment_from(port_owned_by(2), kSyn);
  EXPECT_FALSE(stays(received(bytes)));
  EXPECT_THAT(taken_by(2), testing::ElementsAre(bytes));
  EXPECT_TRUE(taken_by(1).empty());
  EXPECT_EQ(counters_[RunCounter::kForwardedOut], 1U);
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(SteeringTest, MixedBurstKeepsTheOrderOfWhatStays) {
  const std::uint16_t own = port_owned_by(0);
  std::array frames{received(segment_from(own, kSyn)),
                    received(segment_from(port_owned_by(3), kSyn)),
                    received(segment_from(own, kSynAck))};
  base::Packet* const first = frames[0];
  base::Packet* const last = frames[2];
  ASSERT_EQ(steering_.steer(0, frames), 2U);
  EXPECT_EQ(frames[0], first);
  EXPECT_EQ(frames[1], last);
  first->release();
  last->release();
  EXPECT_EQ(taken_by(3).size(), 1U);
}

TEST_F(SteeringTest, ArpReplyIsCopiedToEveryWorker) {
  const auto bytes = arp(wire::ArpOperation::kReply, kTheirs);
  EXPECT_TRUE(stays(received(bytes)));
  for (unsigned worker = 1; worker < kWorkers; ++worker) {
    EXPECT_THAT(taken_by(worker), testing::ElementsAre(bytes));
  }
  EXPECT_EQ(counters_[RunCounter::kCopiedOut], kWorkers - 1);
}

TEST_F(SteeringTest, ArpAnnouncementIsCopiedToEveryWorker) {
  EXPECT_TRUE(stays(received(arp(wire::ArpOperation::kRequest, kOurs))));
  EXPECT_EQ(taken_by(1).size(), 1U);
}

TEST_F(SteeringTest, ArpRequestIsAnsweredByOneWorkerOnly) {
  EXPECT_TRUE(stays(received(arp(wire::ArpOperation::kRequest, kTheirs))));
  EXPECT_TRUE(taken_by(1).empty());
}

// RFC 5227 2.1.1: whoever is about to take an address, or claims ours, concerns every worker.
TEST_F(SteeringTest, ArpProbesAndClaimsToOurAddressesAreCopiedToEveryWorker) {
  EXPECT_TRUE(stays(received(arp(wire::ArpOperation::kRequest, {}))));
  EXPECT_EQ(taken_by(3).size(), 1U);
  EXPECT_EQ(counters_[RunCounter::kCopiedOut], kWorkers - 1);
}

TEST_F(SteeringTest, RequestsGoToTheWorkerThatAnswersWhereverTheyArrive) {
  const std::array addresses{*base::AddressPrefix::parse("198.18.0.9/24")};
  Steering other(2, exchange_, pool_, counters_);
  other.add_port(false, addresses);
  std::array frames{received(arp(wire::ArpOperation::kRequest, kTheirs)),
                    received(discovery(kTheirsOfIpv6, kOursOfIpv6,
                                       wire::NeighbourSolicitation{.target = kOursOfIpv6}))};
  EXPECT_EQ(other.steer(0, frames), 0U);
  for (int i = 0; i < 2; ++i) {
    const auto parcel = exchange_.take(2, Steering::kAnsweringWorker);
    ASSERT_TRUE(parcel);
    parcel->packet->release();
  }
  std::array claim{
      received(arp(wire::ArpOperation::kRequest, base::Ipv4Address::of(198, 18, 0, 9)))};
  EXPECT_EQ(other.steer(0, claim), 1U);
  claim[0]->release();
  EXPECT_EQ(counters_[RunCounter::kCopiedOut], kWorkers - 1);
  for (const unsigned to : {0U, 1U, 3U}) exchange_.take(2, to)->packet->release();
}

TEST_F(SteeringTest, AdvertisementsAreCopiedToEveryWorker) {
  const wire::DiscoveryMessage kinds[] = {wire::NeighbourAdvertisement{.target = kTheirsOfIpv6},
                                          wire::RouterAdvertisement{}};
  for (const wire::DiscoveryMessage& message : kinds) {
    const auto bytes = discovery(kTheirLinkLocal, wire::kAllNodes, message);
    EXPECT_TRUE(stays(received(bytes)));
    for (unsigned worker = 1; worker < kWorkers; ++worker) {
      EXPECT_THAT(taken_by(worker), testing::ElementsAre(bytes));
    }
  }
}

TEST_F(SteeringTest, SolicitationOfANodeWithoutAnAddressIsCopiedToEveryWorker) {
  EXPECT_TRUE(stays(received(discovery({}, wire::solicited_node_multicast(kOursOfIpv6),
                                       wire::NeighbourSolicitation{.target = kOursOfIpv6}))));
  EXPECT_EQ(taken_by(1).size(), 1U);
  EXPECT_EQ(counters_[RunCounter::kCopiedOut], kWorkers - 1);
}

TEST_F(SteeringTest, SolicitationIsAnsweredByOneWorkerOnly) {
  EXPECT_TRUE(stays(received(discovery(kTheirsOfIpv6, wire::solicited_node_multicast(kOursOfIpv6),
                                       wire::NeighbourSolicitation{.target = kOursOfIpv6}))));
  EXPECT_TRUE(taken_by(1).empty());
}

TEST_F(SteeringTest, MalformedAdvertisementIsNotCopied) {
  auto bytes = discovery(kTheirLinkLocal, wire::kAllNodes,
                         wire::NeighbourAdvertisement{.target = kTheirsOfIpv6});
  bytes.back() ^= std::byte{1};
  EXPECT_TRUE(stays(received(bytes)));
  EXPECT_TRUE(taken_by(1).empty());
}

TEST_F(SteeringTest, MalformedArpIsNotCopied) {
  EXPECT_TRUE(stays(received(frame(wire::EtherType::kArp, test::hex("00 01")))));
  EXPECT_TRUE(taken_by(1).empty());
}

TEST_F(SteeringTest, NoPacketForACopyIsCountedAndTheFrameStays) {
  base::Packet* reply = received(arp(wire::ArpOperation::kReply, kTheirs));
  base::PacketQueue taken;
  while (base::Packet* packet = pool_.allocate()) taken.push_back(base::PacketPtr(packet));
  EXPECT_TRUE(stays(reply));
  EXPECT_EQ(counters_[RunCounter::kCopyDrops], kWorkers - 1);
}

TEST_F(SteeringTest, FragmentGoesToTheFirstWorker) {
  const auto fragment =
      frame(wire::EtherType::kIpv4, test::ipv4_packet({.source = kTheirs,
                                                       .destination = kOurs,
                                                       .protocol = wire::IpProtocol::kTcp,
                                                       .more_fragments = true},
                                                      test::hex("00 01 02 03 04 05 06 07")));
  EXPECT_TRUE(stays(received(fragment)));
  Steering other(1, exchange_, pool_, counters_);
  other.add_port(false);
  std::array frames{received(fragment)};
  EXPECT_EQ(other.steer(0, frames), 0U);
  const auto parcel = exchange_.take(1, 0);
  ASSERT_TRUE(parcel);
  parcel->packet->release();
}

TEST_F(SteeringTest, FullRingDropsAndCountsAndLeaksNothing) {
  const auto bytes = segment_from(port_owned_by(1), kSyn);
  for (std::size_t i = 0; i <= Exchange::kDepth; ++i) EXPECT_FALSE(stays(received(bytes)));
  EXPECT_EQ(counters_[RunCounter::kForwardDrops], 1U);
  EXPECT_EQ(taken_by(1).size(), Exchange::kDepth);
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(SteeringTest, AnswersToActiveOpensShowWhetherTheyCameHome) {
  EXPECT_TRUE(stays(received(segment_from(port_owned_by(0), kSynAck))));
  EXPECT_FALSE(stays(received(segment_from(port_owned_by(1), kSynAck))));
  EXPECT_EQ(counters_[RunCounter::kPredictedOpens], 1U);
  EXPECT_EQ(counters_[RunCounter::kMispredictedOpens], 1U);
  EXPECT_EQ(taken_by(1).size(), 1U);
}

TEST_F(SteeringTest, DestroyedExchangeReleasesWhatWasOnItsWay) {
  {
    Exchange exchange(kWorkers);
    const Parcel parcel{.packet = pool_.allocate(), .kind = Parcel::Kind::kTransmit, .port = 0};
    ASSERT_TRUE(exchange.send(1, 2, parcel));
    EXPECT_EQ(pool_.available(), kPackets - 1);
  }
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(HashingPort, HashOfTheDeviceNamesTheOwner) {
  const auto bytes = segment_from(port_owned_by(0), kSyn);
  EXPECT_FALSE(stays(received(bytes, kWorkers + 3)));
  EXPECT_EQ(taken_by(3).size(), 1U);
}

TEST_F(HashingPort, AnswerToAnActiveOpenIsSteeredByItsFlow) {
  EXPECT_TRUE(stays(received(segment_from(port_owned_by(0), kSynAck), kWorkers + 3)));
}

TEST_F(HashingPort, RepeatedlyWrongHashIsNotBelievedAnyMore) {
  const std::uint16_t own = port_owned_by(0);
  for (unsigned i = 0; i < Steering::kMaxMispredictions; ++i) {
    EXPECT_EQ(counters_[RunCounter::kSteeringSwitches], 0U);
    EXPECT_TRUE(stays(received(segment_from(own, kSynAck), kWorkers + 3)));
  }
  EXPECT_EQ(counters_[RunCounter::kSteeringSwitches], 1U);
  EXPECT_TRUE(stays(received(segment_from(own, kSyn), kWorkers + 3)));
}

TEST_F(HashingPort, RightHashForgivesEarlierWrongOnes) {
  const std::uint16_t own = port_owned_by(0);
  const std::uint32_t right = wire::flow_hash(flow_from(own));
  for (unsigned i = 0; i < 3 * Steering::kMaxMispredictions; ++i) {
    const bool wrong = i % Steering::kMaxMispredictions != 0;
    EXPECT_TRUE(stays(received(segment_from(own, kSynAck), wrong ? right + 1 : right)));
  }
  EXPECT_EQ(counters_[RunCounter::kSteeringSwitches], 0U);
}

}  // namespace
}  // namespace sluice::run
