#include "dataplane/net/neighbours.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/arp.hpp"
#include "tests/support/frames.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Instant;
using base::Ipv4Address;

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}

constexpr auto kOurs = Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = Ipv4Address::of(198, 18, 0, 7);
constexpr auto kStranger = Ipv4Address::of(198, 18, 0, 8);
constexpr auto kOurMac = mac(2);
constexpr auto kPeerMac = mac(7);
constexpr Duration kSecond = Duration::seconds(1);
// Deadlines are on a grid, so a round of requests takes a little longer.
constexpr Duration kRound = Duration::milliseconds(1100);

class NeighboursTest : public ::testing::Test {
 protected:
  explicit NeighboursTest(bool answers = true,
                          const std::optional<base::IpAddress>& gateway = std::nullopt)
      : subnets_(std::array{*base::AddressPrefix::parse("198.18.0.2/16")}, gateway),
        arp_({.link = link_,
              .subnets = subnets_,
              .neighbours = neighbours_,
              .pool = pool_,
              .counters = counters_,
              .answers = answers}),
        neighbours_({.link = link_,
                     .ipv4 = arp_,
                     .ipv6 = arp_,
                     .gateways = gateway ? std::vector{*gateway} : std::vector<base::IpAddress>{},
                     .hash_key = hash_key_,
                     .counters = counters_}) {}

  void send(Ipv4Address to, std::uint8_t payload = 0) {
    base::PacketPtr packet(pool_.allocate());
    packet->append(1)[0] = std::byte{payload};
    neighbours_.send(now_, to, std::move(packet));
  }
  void receive(wire::ArpOperation operation, Ipv4Address sender, const base::MacAddress& from,
               Ipv4Address target = kOurs) {
    arp_.receive(now_, {.operation = operation,
                        .sender_mac = from,
                        .sender = sender,
                        .target_mac = kOurMac,
                        .target = target});
  }
  void reply(Ipv4Address sender = kPeer, const base::MacAddress& from = kPeerMac) {
    receive(wire::ArpOperation::kReply, sender, from);
  }
  void request(Ipv4Address sender = kPeer, Ipv4Address target = kOurs) {
    receive(wire::ArpOperation::kRequest, sender, kPeerMac, target);
  }
  // Sends to very many addresses where nobody is.
  void ask_for_nobody() {
    for (std::uint32_t i = 0; i < 60'000; ++i) {
      now_ = now_ + Duration::microseconds(1);
      send({Ipv4Address::of(198, 18, 1, 0).value + i});
      link_.outgoing().clear();
    }
  }
  // Lets time pass; returns how many packets waited in vain.
  std::size_t pass(Duration time) {
    now_ = now_ + time;
    base::PacketQueue undeliverable;
    neighbours_.advance(now_, undeliverable);
    return undeliverable.packets();
  }

  struct Frame {
    wire::EthernetHeader header;
    test::ByteVector payload;
  };
  std::optional<Frame> next_frame() {
    const base::PacketPtr packet = link_.outgoing().pop_front();
    if (!packet) return std::nullopt;
    const auto header = wire::parse_ethernet(packet->bytes());
    const auto payload = packet->bytes().subspan(header->size());
    return Frame{*header, {payload.begin(), payload.end()}};
  }
  std::optional<wire::ArpPacket> next_arp(const base::MacAddress& destination) {
    const auto frame = next_frame();
    if (!frame || frame->header.type != wire::EtherType::kArp) return std::nullopt;
    EXPECT_EQ(frame->header.destination, destination);
    EXPECT_EQ(frame->header.source, kOurMac);
    return *wire::parse_arp(frame->payload);
  }
  std::uint64_t count(NetCounter counter) const { return counters_[counter]; }

  Instant now_ = Instant::from_nanoseconds(1);
  base::MemoryPacketPool pool_{4096, 256};
  base::Counters<NetCounter> counters_;
  Ipv4Subnets subnets_;
  tcp::SipKey hash_key_{std::array<std::byte, 16>{std::byte{1}, std::byte{2}}};
  Link link_{kOurMac, counters_};
  Arp arp_;
  Neighbours neighbours_;
};

class SilentNeighboursTest : public NeighboursTest {
 protected:
  SilentNeighboursTest() : NeighboursTest(false) {}
};

class NeighboursBehindGatewayTest : public NeighboursTest {
 protected:
  static constexpr auto kGateway = Ipv4Address::of(198, 18, 0, 1);
  NeighboursBehindGatewayTest() : NeighboursTest(true, kGateway) {}
};

TEST_F(NeighboursTest, FirstPacketIsHeldAndAskedForByBroadcast) {
  send(kPeer);
  const auto arp = next_arp(base::MacAddress::broadcast());
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->operation, wire::ArpOperation::kRequest);
  EXPECT_EQ(arp->sender, kOurs);
  EXPECT_EQ(arp->sender_mac, kOurMac);
  EXPECT_EQ(arp->target, kPeer);
  EXPECT_FALSE(next_frame());
}

TEST_F(NeighboursTest, ReplyLetsHeldPacketsGoInOrder) {
  send(kPeer, 1);
  send(kPeer, 2);
  (void)next_frame();
  reply();
  for (const std::uint8_t expected : {std::uint8_t{1}, std::uint8_t{2}}) {
    const auto frame = next_frame();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header.destination, kPeerMac);
    EXPECT_EQ(frame->header.type, wire::EtherType::kIpv4);
    EXPECT_EQ(frame->payload[0], std::byte{expected});
  }
}

TEST_F(NeighboursTest, KnownNeighbourIsSentToAtOnce) {
  send(kPeer);
  reply();
  link_.outgoing().clear();
  send(kPeer, 3);
  const auto frame = next_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload[0], std::byte{3});
  EXPECT_FALSE(next_frame());
}

// RFC 1122 2.3.2.1: one request per second at most.
TEST_F(NeighboursTest, RequestsAreRepeatedOncePerSecond) {
  for (std::uint8_t i = 0; i < 20; ++i) send(kPeer, i);
  EXPECT_EQ(count(NetCounter::kArpRequestsOut), 1U);
  pass(Duration::milliseconds(900));
  EXPECT_EQ(count(NetCounter::kArpRequestsOut), 1U);
  pass(Duration::milliseconds(200));
  EXPECT_EQ(count(NetCounter::kArpRequestsOut), 2U);
}

TEST_F(NeighboursTest, UnansweredNeighbourIsGivenUpAndItsPacketsComeBack) {
  send(kPeer, 1);
  send(kPeer, 2);
  std::size_t undeliverable = 0;
  for (unsigned i = 0; i < Neighbours::kRequests; ++i) undeliverable += pass(kRound);
  EXPECT_EQ(undeliverable, 2U);
  EXPECT_EQ(count(NetCounter::kArpRequestsOut), Neighbours::kRequests);
  EXPECT_EQ(count(NetCounter::kNeighbourUnresolved), 1U);
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(neighbours_.next_deadline(), Instant::never());
}

TEST_F(NeighboursTest, DeadlineIsOfTheNextRequest) {
  EXPECT_EQ(neighbours_.next_deadline(), Instant::never());
  send(kPeer);
  EXPECT_GE(neighbours_.next_deadline(), now_ + kSecond);
  EXPECT_LE(neighbours_.next_deadline(), now_ + kRound);
}

// RFC 1122 2.3.2.2: the latest packets are kept.
TEST_F(NeighboursTest, OldestPacketMakesRoomForTheLatest) {
  constexpr std::size_t kHeld = base::limits::kMaxPendingPerNeighbour;
  for (std::size_t i = 0; i < kHeld + 3; ++i) send(kPeer, static_cast<std::uint8_t>(i));
  EXPECT_EQ(count(NetCounter::kNeighbourPendingFull), 3U);
  (void)next_frame();
  reply();
  EXPECT_EQ(link_.outgoing().packets(), kHeld);
  EXPECT_EQ(next_frame()->payload[0], std::byte{3});
}

TEST_F(NeighboursTest, PacketsHeldForAllNeighboursAreBounded) {
  for (std::uint32_t i = 0; i < base::limits::kMaxPendingForNeighbours + 10; ++i) {
    send({Ipv4Address::of(198, 18, 1, 0).value + i % 64});
  }
  link_.outgoing().clear();
  EXPECT_EQ(pool_.capacity() - pool_.available(), base::limits::kMaxPendingForNeighbours);
  EXPECT_EQ(count(NetCounter::kNeighbourPendingFull), 10U);
}

TEST_F(NeighboursTest, UnansweredNeighboursAreBoundedAndTheOldestGo) {
  ask_for_nobody();
  EXPECT_LE(neighbours_.size(), base::limits::kMaxNeighbours);
  EXPECT_GT(count(NetCounter::kNeighboursFull), 0U);
  // Whoever comes last is asked for and, when it answers, served.
  send(kPeer, 7);
  EXPECT_TRUE(next_arp(base::MacAddress::broadcast()));
  reply();
  const auto frame = next_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload[0], std::byte{7});
}

// Whoever makes us answer invented senders on the link must not cut off those that are there.
TEST_F(NeighboursTest, UnansweredNeighboursDisplaceNobodyInUse) {
  send(kPeer);
  reply();
  ask_for_nobody();
  send(kPeer, 5);
  EXPECT_EQ(next_frame()->header.destination, kPeerMac);
}

TEST_F(NeighboursTest, PacketsOfADisplacedNeighbourAreFreed) {
  ask_for_nobody();
  for (unsigned i = 0; i < Neighbours::kRequests; ++i) (void)pass(kRound);
  link_.outgoing().clear();
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(pool_.available(), pool_.capacity());
  // And no longer counted against those that come later.
  for (std::uint8_t i = 0; i < 20; ++i) send(kPeer, i);
  EXPECT_EQ(count(NetCounter::kNeighbourPendingFull), 0U);
}

TEST_F(NeighboursBehindGatewayTest, GatewayIsDisplacedByNobody) {
  send(kGateway);
  reply(kGateway, mac(1));
  pass(Duration::seconds(30));
  ask_for_nobody();
  for (std::uint32_t i = 0; i < 60'000; ++i) {
    receive(wire::ArpOperation::kRequest, {Ipv4Address::of(198, 18, 1, 0).value + i}, mac(9));
    link_.outgoing().clear();
  }
  send(kGateway, 5);
  const auto frame = next_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.destination, mac(1));
}

TEST_F(NeighboursBehindGatewayTest, GatewayFindsAPlaceAmongUnansweredNeighbours) {
  ask_for_nobody();
  send(kGateway, 5);
  EXPECT_TRUE(next_arp(base::MacAddress::broadcast()));
  ask_for_nobody();
  reply(kGateway, mac(1));
  EXPECT_EQ(next_frame()->header.destination, mac(1));
}

// Addresses that a multiplicative hash, the same everywhere, would put into one set.
TEST_F(NeighboursTest, AddressesChosenToCollideAreSpread) {
  std::vector<Ipv4Address> chosen;
  for (std::uint32_t value = Ipv4Address::of(198, 18, 1, 0).value; chosen.size() < 32; ++value) {
    if ((value * std::uint64_t{0x9e3779b97f4a7c15} >> 32) % 256 == 0) chosen.push_back({value});
  }
  for (const Ipv4Address address : chosen) request(address);
  const auto requests = count(NetCounter::kArpRequestsOut);
  for (const Ipv4Address address : chosen) send(address);
  EXPECT_EQ(count(NetCounter::kArpRequestsOut), requests);
}

TEST_F(NeighboursTest, FullSetForgetsTheLeastRecentlyUsed) {
  send(kPeer);
  reply();
  for (std::uint32_t i = 0; i < 60000; ++i) {
    now_ = now_ + Duration::microseconds(1);
    if (i % 4 == 0) send(kPeer);
    const Ipv4Address other{Ipv4Address::of(198, 18, 1, 0).value + i};
    receive(wire::ArpOperation::kRequest, other, mac(9));
    link_.outgoing().clear();
  }
  EXPECT_EQ(neighbours_.size(), base::limits::kMaxNeighbours);
  const auto requests = count(NetCounter::kArpRequestsOut);
  send(kPeer);
  EXPECT_EQ(count(NetCounter::kArpRequestsOut), requests);  // still known
}

TEST_F(NeighboursTest, StaleNeighbourIsUsedWhileItIsConfirmedInUnicast) {
  send(kPeer);
  reply();
  pass(Neighbours::kReachableTime);
  link_.outgoing().clear();
  send(kPeer, 5);
  const auto arp = next_arp(kPeerMac);
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->target, kPeer);
  EXPECT_EQ(next_frame()->payload[0], std::byte{5});
  reply();
  send(kPeer, 6);
  EXPECT_EQ(next_frame()->payload[0], std::byte{6});
  EXPECT_FALSE(next_frame());
}

TEST_F(NeighboursTest, NeighbourThatNoLongerConfirmsIsForgotten) {
  send(kPeer);
  reply();
  pass(Neighbours::kReachableTime);
  send(kPeer);
  for (unsigned i = 0; i < Neighbours::kRequests; ++i) EXPECT_EQ(pass(kRound), 0U);
  EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(NeighboursTest, RequestForUsIsAnsweredAndItsSenderLearned) {
  request();
  const auto arp = next_arp(kPeerMac);
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->operation, wire::ArpOperation::kReply);
  EXPECT_EQ(arp->sender, kOurs);
  EXPECT_EQ(arp->sender_mac, kOurMac);
  EXPECT_EQ(arp->target, kPeer);
  EXPECT_EQ(arp->target_mac, kPeerMac);
  send(kPeer, 1);
  EXPECT_EQ(next_frame()->header.destination, kPeerMac);
}

TEST_F(SilentNeighboursTest, RequestIsLearnedFromButNotAnswered) {
  request();
  EXPECT_EQ(count(NetCounter::kArpRequestsIn), 1U);
  EXPECT_FALSE(next_frame());
  EXPECT_EQ(neighbours_.size(), 1U);
  arp_.announce();
  EXPECT_FALSE(next_frame());
}

TEST_F(NeighboursTest, RequestForAnotherIsIgnored) {
  request(kPeer, kStranger);
  EXPECT_FALSE(next_frame());
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(count(NetCounter::kArpUnsolicited), 1U);
}

TEST_F(NeighboursTest, ReplyThatNobodyAskedForIsIgnored) {
  reply(kStranger, mac(8));
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(count(NetCounter::kArpUnsolicited), 1U);
}

// RFC 826: an address that is known is updated by whatever its owner sends.
TEST_F(NeighboursTest, KnownNeighbourThatMovesIsFollowed) {
  send(kPeer);
  reply();
  link_.outgoing().clear();
  receive(wire::ArpOperation::kRequest, kPeer, mac(99), kPeer);  // announcement
  send(kPeer);
  EXPECT_EQ(next_frame()->header.destination, mac(99));
}

// RFC 5227 2.1.1: a probe's sender has no address yet.
TEST_F(NeighboursTest, ProbeIsAnsweredAndNotLearned) {
  request(Ipv4Address{});
  EXPECT_TRUE(next_arp(kPeerMac));
  EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(NeighboursTest, ClaimToOurAddressIsCountedAndNotBelieved) {
  request(kOurs);
  reply(kOurs, kPeerMac);
  EXPECT_EQ(count(NetCounter::kArpConflict), 2U);
  EXPECT_EQ(neighbours_.size(), 0U);
  const auto defence = next_arp(base::MacAddress::broadcast());
  ASSERT_TRUE(defence);
  EXPECT_EQ(defence->sender, kOurs);
  EXPECT_FALSE(next_frame());
}

TEST_F(NeighboursTest, OurOwnEchoIsNoConflict) {
  reply(kOurs, kOurMac);
  EXPECT_EQ(count(NetCounter::kArpConflict), 0U);
}

TEST_F(NeighboursTest, ImpossibleSendersAreNotLearned) {
  send(kPeer);
  reply(kPeer, base::MacAddress::broadcast());
  reply(kPeer, base::MacAddress{});
  EXPECT_EQ(count(NetCounter::kArpMalformed), 2U);
  request(Ipv4Address::of(198, 18, 255, 255));  // the network's broadcast
  request(Ipv4Address::of(203, 0, 113, 1));     // not on the link
  EXPECT_EQ(neighbours_.size(), 1U);
}

TEST_F(NeighboursTest, AnnouncementNamesEachAddress) {
  arp_.announce();
  const auto arp = next_arp(base::MacAddress::broadcast());
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->sender, kOurs);
  EXPECT_EQ(arp->target, kOurs);
  EXPECT_FALSE(next_frame());
}

TEST_F(NeighboursTest, EmptyPoolDelaysTheRequestToTheNextRound) {
  base::PacketPtr packet(pool_.allocate());
  base::PacketQueue rest;
  while (base::Packet* p = pool_.allocate()) rest.push_back(base::PacketPtr(p));
  neighbours_.send(now_, kPeer, std::move(packet));
  EXPECT_EQ(count(NetCounter::kArpNoPacket), 1U);
  rest.clear();
  pass(kRound);
  EXPECT_TRUE(next_arp(base::MacAddress::broadcast()));
}

}  // namespace
}  // namespace sluice::net
