// Our IPv4 addresses are ours alone: RFC 5227, probing, announcing and defending.
#include <gtest/gtest.h>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/arp.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Instant;
using base::Ipv4Address;

constexpr auto kOurs = Ipv4Address::of(198, 18, 0, 2);
constexpr auto kAlso = Ipv4Address::of(198, 18, 0, 3);
constexpr auto kPeer = Ipv4Address::of(198, 18, 0, 7);

class ArpConflictTest : public ::testing::Test {
 protected:
  explicit ArpConflictTest(bool answers = true) : answers_(answers) {}

  void receive(wire::ArpOperation operation, Ipv4Address sender, Ipv4Address target,
               const base::MacAddress& from = kPeerMac) {
    arp_.receive(now_, {.operation = operation,
                        .sender_mac = from,
                        .sender = sender,
                        .target_mac = {},
                        .target = target});
  }
  void claims(Ipv4Address address) { receive(wire::ArpOperation::kReply, address, kPeer); }
  // What is sent in this time.
  std::vector<wire::ArpPacket> pass(Duration time) {
    const Instant end = now_ + time;
    while (arp_.next_deadline() <= end) {
      now_ = std::max(now_, arp_.next_deadline());
      arp_.advance(now_);
    }
    now_ = end;
    return sent();
  }
  std::vector<wire::ArpPacket> sent() {
    std::vector<wire::ArpPacket> packets;
    while (const base::PacketPtr frame = link_.outgoing().pop_front()) {
      EXPECT_EQ(wire::parse_ethernet(frame->bytes())->destination, base::MacAddress::broadcast());
      packets.push_back(*wire::parse_arp(frame->bytes().subspan(14)));
    }
    return packets;
  }
  static bool is_probe(const wire::ArpPacket& packet) { return packet.sender.is_unspecified(); }
  std::uint64_t count(NetCounter counter) const { return counters_[counter]; }

  bool answers_;
  Instant now_ = Instant::from_nanoseconds(1);
  base::MemoryPacketPool pool_{256};
  base::Counters<NetCounter> counters_;
  Ipv4Subnets subnets_{std::array{*base::AddressPrefix::parse("198.18.0.2/24"),
                                  *base::AddressPrefix::parse("198.18.0.3/24")},
                       std::nullopt};
  tcp::SipKey hash_key_{std::array<std::byte, 16>{std::byte{1}}};
  Link link_{kOurMac, counters_};
  Arp arp_{{.link = link_,
            .subnets = subnets_,
            .neighbours = neighbours_,
            .pool = pool_,
            .counters = counters_,
            .answers = answers_,
            .probes = true}};
  Neighbours neighbours_{{.link = link_,
                          .ipv4 = arp_,
                          .ipv6 = arp_,
                          .gateways = {},
                          .hash_key = hash_key_,
                          .counters = counters_}};
};

class SilentArpConflictTest : public ArpConflictTest {
 protected:
  SilentArpConflictTest() : ArpConflictTest(false) {}
};

// RFC 5227 2.1, 2.3.
TEST_F(ArpConflictTest, AddressIsProbedForThreeTimesAndAnnouncedTwice) {
  arp_.announce();  // not yet
  const auto packets = pass(Duration::seconds(20));
  ASSERT_EQ(packets.size(), 10U);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].operation, wire::ArpOperation::kRequest);
    EXPECT_EQ(packets[i].target, i % 2 == 0 ? kOurs : kAlso);
    EXPECT_EQ(is_probe(packets[i]), i < 6);
    if (i >= 6) {
      EXPECT_EQ(packets[i].sender, packets[i].target);
    }
  }
  EXPECT_EQ(arp_.next_deadline(), Instant::never());
}

TEST_F(ArpConflictTest, ProbesAndAnnouncementsKeepTheirDistance) {
  EXPECT_EQ(pass({}).size(), 2U);
  EXPECT_EQ(pass(Ipv4Claims::kProbeMin - Duration::milliseconds(1)).size(), 0U);
  EXPECT_EQ(pass(Ipv4Claims::kProbeMax - Ipv4Claims::kProbeMin).size(), 2U);
  EXPECT_EQ(pass(Ipv4Claims::kProbeMax).size(), 2U);
  EXPECT_EQ(pass(Ipv4Claims::kAnnounceWait).size(), 2U);
}

// It is a server's: whoever asks is answered meanwhile.
TEST_F(ArpConflictTest, AddressServesWhileItIsProbedFor) {
  (void)pass({});
  receive(wire::ArpOperation::kRequest, kPeer, kOurs);
  const base::PacketPtr frame = link_.outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_arp(frame->bytes().subspan(14))->operation, wire::ArpOperation::kReply);
}

// RFC 5227 2.1.1.
TEST_F(ArpConflictTest, AddressThatAnotherNodeHasIsNotUsedAndTriedAgainAMinuteLater) {
  (void)pass({});
  claims(kOurs);
  EXPECT_FALSE(subnets_.is_assigned(kOurs));
  EXPECT_TRUE(subnets_.owns(kOurs));
  EXPECT_TRUE(subnets_.is_assigned(kAlso));
  EXPECT_EQ(count(NetCounter::kArpDuplicateAddress), 1U);
  receive(wire::ArpOperation::kRequest, kPeer, kOurs);
  EXPECT_TRUE(sent().empty());
  claims(kOurs);
  EXPECT_EQ(count(NetCounter::kArpDuplicateAddress), 1U);
  for (const auto& packet : pass(Duration::seconds(59))) EXPECT_EQ(packet.target, kAlso);

  // The other one is gone.
  const auto packets = pass(Duration::seconds(20));
  ASSERT_EQ(packets.size(), 5U);
  EXPECT_TRUE(is_probe(packets[2]));
  EXPECT_EQ(packets[3].sender, kOurs);
  EXPECT_TRUE(subnets_.is_assigned(kOurs));
}

TEST_F(ArpConflictTest, NodeThatProbesForTheSameAddressIsAConflictWhileWeDo) {
  (void)pass({});
  receive(wire::ArpOperation::kRequest, {}, kOurs);
  EXPECT_FALSE(subnets_.is_assigned(kOurs));
}

TEST_F(ArpConflictTest, NodeThatProbesForAnAddressThatWeHaveIsAnswered) {
  (void)pass(Duration::seconds(20));
  receive(wire::ArpOperation::kRequest, {}, kOurs);
  EXPECT_TRUE(subnets_.is_assigned(kOurs));
  const base::PacketPtr frame = link_.outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_arp(frame->bytes().subspan(14))->sender, kOurs);
}

// RFC 5227 2.4(c).
TEST_F(ArpConflictTest, AddressThatWeHaveIsDefendedOnceInTenSeconds) {
  (void)pass(Duration::seconds(20));
  for (int i = 0; i < 100; ++i) claims(kOurs);
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_TRUE(subnets_.is_assigned(kOurs));
  EXPECT_EQ(count(NetCounter::kArpDefences), 1U);
  EXPECT_EQ(count(NetCounter::kArpConflict), 100U);
  now_ = now_ + Ipv4Claims::kDefendInterval;
  claims(kOurs);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(ArpConflictTest, OurOwnProbesThatComeBackAreNoConflict) {
  (void)pass({});
  receive(wire::ArpOperation::kRequest, {}, kOurs, kOurMac);
  claims(kAlso);
  EXPECT_TRUE(subnets_.is_assigned(kOurs));
  EXPECT_FALSE(subnets_.is_assigned(kAlso));
}

// Of several workers one speaks; all come to the same conclusion.
TEST_F(SilentArpConflictTest, WorkerThatDoesNotAnswerIsSilentAndListens) {
  EXPECT_TRUE(pass(Duration::seconds(1)).empty());
  claims(kOurs);
  EXPECT_FALSE(subnets_.is_assigned(kOurs));
  EXPECT_TRUE(pass(Duration::seconds(100)).empty());
  EXPECT_TRUE(subnets_.is_assigned(kOurs));
  claims(kOurs);
  EXPECT_TRUE(sent().empty());
}

}  // namespace
}  // namespace sluice::net
