#include "dataplane/net/neighbour_discovery.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "base/memory_packet_pool.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/support/frames.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Instant;
using base::Ipv6Address;

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}
Ipv6Address v6(std::string_view text) {
  return *Ipv6Address::parse(text);
}
const Ipv6Address kOurs = v6("2001:db8::2");
const Ipv6Address kOurLinkLocal = v6("fe80::ff:fe00:2");
const Ipv6Address kPeer = v6("2001:db8::7");
const Ipv6Address kUnspecified;
constexpr auto kOurMac = mac(2);
constexpr auto kPeerMac = mac(7);
// Deadlines are on a grid, so a round of requests takes a little longer.
constexpr Duration kRound = Duration::milliseconds(1100);

class NeighbourDiscoveryTest : public ::testing::Test {
 protected:
  explicit NeighbourDiscoveryTest(bool answers = true)
      : prefixes_(std::array{*base::AddressPrefix::parse("2001:db8::2/64")}, kOurMac, std::nullopt),
        discovery_({.link = link_,
                    .prefixes = prefixes_,
                    .neighbours = neighbours_,
                    .pool = pool_,
                    .hash_key = hash_key_,
                    .counters = counters_,
                    .answers = answers}),
        neighbours_({.link = link_,
                     .ipv4 = discovery_,
                     .ipv6 = discovery_,
                     .gateways = {},
                     .hash_key = hash_key_,
                     .counters = counters_}) {}

  // Until our addresses are assigned.
  void settle() {
    discovery_.advance(now_);
    now_ = now_ + NeighbourDiscovery::kProbeTime;
    discovery_.advance(now_);
    link_.outgoing().clear();
  }
  void receive(const Ipv6Address& source, const Ipv6Address& destination,
               const wire::DiscoveryMessage& message,
               std::uint8_t hop_limit = wire::kDiscoveryHopLimit) {
    wire::Ipv6Header ip{.source = source,
                        .destination = destination,
                        .next_header = wire::IpProtocol::kIcmpv6,
                        .hop_limit = wire::kDiscoveryHopLimit};
    const auto bytes = test::discovery_message(ip, message);
    ip.hop_limit = hop_limit;
    discovery_.receive(now_, ip, std::nullopt, bytes);
  }
  void solicit(const Ipv6Address& source = kPeer, const Ipv6Address& target = kOurs,
               std::optional<base::MacAddress> from = kPeerMac) {
    receive(source, wire::solicited_node_multicast(target),
            wire::NeighbourSolicitation{.target = target, .source_mac = from});
  }
  struct Said {
    std::optional<base::MacAddress> from = kPeerMac;
    bool solicited = true;
    bool overrides = true;
  };
  void advertise(const Said& said, const Ipv6Address& target = kPeer) {
    receive(target, said.solicited ? kOurs : wire::kAllNodes,
            wire::NeighbourAdvertisement{.target = target,
                                         .target_mac = said.from,
                                         .solicited = said.solicited,
                                         .overrides = said.overrides});
  }
  void send(const Ipv6Address& to, std::uint8_t payload = 0) {
    base::PacketPtr packet(pool_.allocate());
    packet->append(1)[0] = std::byte{payload};
    neighbours_.send(now_, to, std::move(packet));
  }
  // Lets time pass; returns how many packets waited in vain.
  std::size_t pass(Duration time) {
    now_ = now_ + time;
    base::PacketQueue undeliverable;
    neighbours_.advance(now_, undeliverable);
    return undeliverable.packets();
  }
  // Where the next frame, a packet of send(), goes.
  std::optional<base::MacAddress> next_destination(std::uint8_t payload) {
    const base::PacketPtr packet = link_.outgoing().pop_front();
    if (!packet) return std::nullopt;
    EXPECT_EQ(packet->size(), 15U);
    EXPECT_EQ(packet->bytes().back(), std::byte{payload});
    return wire::parse_ethernet(packet->bytes())->destination;
  }
  struct Sent {
    base::MacAddress destination;
    wire::Ipv6Header ip;
    wire::DiscoveryMessage message;
  };
  // Its checks, checksum included, passed.
  std::optional<Sent> next_message() {
    const base::PacketPtr packet = link_.outgoing().pop_front();
    if (!packet) return std::nullopt;
    const auto ethernet = wire::parse_ethernet(packet->bytes());
    EXPECT_EQ(ethernet->type, wire::EtherType::kIpv6);
    const auto ip = wire::parse_ipv6(packet->bytes().subspan(14));
    if (!ip) return std::nullopt;
    const auto bytes = packet->bytes().subspan(54);
    EXPECT_EQ(wire::icmpv6_checksum(ip->header, bytes), 0);
    const auto message = wire::parse_discovery(ip->header, std::nullopt, bytes);
    if (!message) return std::nullopt;
    return Sent{ethernet->destination, ip->header, *message};
  }
  std::uint64_t count(NetCounter counter) const { return counters_[counter]; }

  Instant now_ = Instant::from_nanoseconds(1);
  base::MemoryPacketPool pool_{256, 256};
  base::Counters<NetCounter> counters_;
  Ipv6Prefixes prefixes_;
  tcp::SipKey hash_key_{std::array<std::byte, 16>{std::byte{1}, std::byte{2}}};
  Link link_{kOurMac, counters_};
  NeighbourDiscovery discovery_;
  Neighbours neighbours_;
};

class SilentNeighbourDiscoveryTest : public NeighbourDiscoveryTest {
 protected:
  SilentNeighbourDiscoveryTest() : NeighbourDiscoveryTest(false) {}
};

// --- our addresses (RFC 4862 5.4) ---

TEST_F(NeighbourDiscoveryTest, EveryAddressIsProbedForFromNoAddress) {
  EXPECT_LE(discovery_.next_deadline(), now_);
  discovery_.advance(now_);
  EXPECT_EQ(discovery_.next_deadline(), now_ + NeighbourDiscovery::kProbeTime);
  for (const Ipv6Address& address : {kOurs, kOurLinkLocal}) {
    const auto sent = next_message();
    ASSERT_TRUE(sent);
    const Ipv6Address group = wire::solicited_node_multicast(address);
    EXPECT_EQ(sent->destination, wire::multicast_mac(group));
    EXPECT_EQ(sent->ip.source, kUnspecified);
    EXPECT_EQ(sent->ip.destination, group);
    const auto& solicitation = std::get<wire::NeighbourSolicitation>(sent->message);
    EXPECT_EQ(solicitation.target, address);
    EXPECT_EQ(solicitation.source_mac, std::nullopt);
    EXPECT_TRUE(solicitation.nonce);
  }
  EXPECT_FALSE(next_message());
}

TEST_F(NeighbourDiscoveryTest, AddressNobodyObjectsToIsAssignedAndAnnounced) {
  discovery_.advance(now_);
  link_.outgoing().clear();
  now_ = now_ + NeighbourDiscovery::kProbeTime;
  EXPECT_FALSE(prefixes_.is_assigned(kOurs));
  discovery_.advance(now_);
  EXPECT_TRUE(prefixes_.is_assigned(kOurs));
  EXPECT_TRUE(prefixes_.is_assigned(kOurLinkLocal));
  EXPECT_EQ(discovery_.next_deadline(), Instant::never());
  const auto sent = next_message();
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, wire::multicast_mac(wire::kAllNodes));
  EXPECT_EQ(sent->ip.source, kOurs);
  EXPECT_EQ(
      std::get<wire::NeighbourAdvertisement>(sent->message),
      (wire::NeighbourAdvertisement{.target = kOurs, .target_mac = kOurMac, .overrides = true}));
}

TEST_F(NeighbourDiscoveryTest, AddressThatAnotherNodeHasIsNotUsed) {
  discovery_.advance(now_);
  advertise({.solicited = false}, kOurs);
  settle();
  EXPECT_FALSE(prefixes_.is_assigned(kOurs));
  EXPECT_TRUE(prefixes_.is_assigned(kOurLinkLocal));
  EXPECT_EQ(count(NetCounter::kNdDuplicateAddress), 1U);
  solicit();
  EXPECT_FALSE(next_message());
}

TEST_F(NeighbourDiscoveryTest, AddressThatAnotherNodeProbesForIsNotUsed) {
  discovery_.advance(now_);
  solicit(kUnspecified, kOurs, std::nullopt);
  settle();
  EXPECT_FALSE(prefixes_.is_assigned(kOurs));
  EXPECT_EQ(count(NetCounter::kNdDuplicateAddress), 1U);
}

// RFC 4862 5.4.3.
// RFC 7527 4.2: a loop in the network is no other node.
TEST_F(NeighbourDiscoveryTest, OwnProbeThatComesBackIsNoConflict) {
  discovery_.advance(now_);
  const auto probe = next_message();
  ASSERT_TRUE(probe);
  receive(probe->ip.source, probe->ip.destination, probe->message);
  EXPECT_EQ(count(NetCounter::kNdLoopedBack), 1U);
  EXPECT_EQ(count(NetCounter::kNdDuplicateAddress), 0U);
  now_ = now_ + NeighbourDiscovery::kProbeTime;
  discovery_.advance(now_);
  EXPECT_TRUE(prefixes_.is_assigned(kOurs));
}

TEST_F(NeighbourDiscoveryTest, ProbeWithAnotherNonceIsAnothers) {
  discovery_.advance(now_);
  auto probe = next_message();
  ASSERT_TRUE(probe);
  auto& solicitation = std::get<wire::NeighbourSolicitation>(probe->message);
  (*solicitation.nonce)[0] ^= std::byte{1};
  receive(probe->ip.source, probe->ip.destination, probe->message);
  EXPECT_EQ(count(NetCounter::kNdDuplicateAddress), 1U);
  EXPECT_FALSE(prefixes_.is_assigned(kOurs));
}

// All workers' stacks have one key: those that listen know the probe of the one that speaks.
TEST_F(SilentNeighbourDiscoveryTest, ProbeOfTheWorkerThatAnswersIsNoConflict) {
  NeighbourDiscovery speaker({.link = link_,
                              .prefixes = prefixes_,
                              .neighbours = neighbours_,
                              .pool = pool_,
                              .hash_key = hash_key_,
                              .counters = counters_});
  discovery_.advance(now_);
  speaker.advance(now_);
  const auto probe = next_message();
  ASSERT_TRUE(probe);
  receive(probe->ip.source, probe->ip.destination, probe->message);
  EXPECT_EQ(count(NetCounter::kNdDuplicateAddress), 0U);
}

TEST_F(NeighbourDiscoveryTest, SolicitationForATentativeAddressIsNotAnswered) {
  discovery_.advance(now_);
  link_.outgoing().clear();
  solicit();
  EXPECT_FALSE(next_message());
  EXPECT_EQ(neighbours_.size(), 0U);
  settle();
  EXPECT_TRUE(prefixes_.is_assigned(kOurs));
}

TEST_F(NeighbourDiscoveryTest, ClaimToAnAssignedAddressIsCountedAndNotBelieved) {
  settle();
  advertise({.solicited = false}, kOurs);
  solicit(kOurLinkLocal);
  EXPECT_EQ(count(NetCounter::kNdConflict), 2U);
  EXPECT_TRUE(prefixes_.is_assigned(kOurs));
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_FALSE(next_message());
}

TEST_F(NeighbourDiscoveryTest, OurOwnEchoIsNoConflict) {
  settle();
  advertise({.from = kOurMac, .solicited = false}, kOurs);
  EXPECT_EQ(count(NetCounter::kNdConflict), 0U);
}

TEST_F(SilentNeighbourDiscoveryTest, AddressesAreUsedWithoutAWordAndObjectionsHeard) {
  discovery_.advance(now_);
  EXPECT_FALSE(next_message());
  advertise({.solicited = false}, kOurLinkLocal);
  now_ = now_ + NeighbourDiscovery::kProbeTime;
  discovery_.advance(now_);
  EXPECT_FALSE(next_message());
  EXPECT_TRUE(prefixes_.is_assigned(kOurs));
  EXPECT_FALSE(prefixes_.is_assigned(kOurLinkLocal));
}

// --- answering (RFC 4861 7.2.4) ---

TEST_F(NeighbourDiscoveryTest, SolicitationIsAnsweredAndItsSenderLearned) {
  settle();
  solicit();
  const auto sent = next_message();
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, kPeerMac);
  EXPECT_EQ(sent->ip.source, kOurs);
  EXPECT_EQ(sent->ip.destination, kPeer);
  EXPECT_EQ(std::get<wire::NeighbourAdvertisement>(sent->message),
            (wire::NeighbourAdvertisement{
                .target = kOurs, .target_mac = kOurMac, .solicited = true, .overrides = true}));
  EXPECT_EQ(neighbours_.known(kPeer)->mac, kPeerMac);
}

// RFC 4861 7.2.3: who has only been heard is asked when it is used.
TEST_F(NeighbourDiscoveryTest, NeighbourThatWasOnlyHeardIsConfirmedOnUse) {
  settle();
  solicit();
  link_.outgoing().clear();
  send(kPeer, 4);
  const auto asked = next_message();
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->destination, kPeerMac);
  EXPECT_EQ(asked->ip.destination, kPeer);
  EXPECT_EQ(next_destination(4), kPeerMac);
}

TEST_F(NeighbourDiscoveryTest, ProbeForOurAddressIsAnsweredToEverybody) {
  settle();
  solicit(kUnspecified, kOurs, std::nullopt);
  const auto sent = next_message();
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->destination, wire::multicast_mac(wire::kAllNodes));
  EXPECT_EQ(sent->ip.destination, wire::kAllNodes);
  EXPECT_FALSE(std::get<wire::NeighbourAdvertisement>(sent->message).solicited);
  EXPECT_EQ(neighbours_.size(), 0U);
}

// RFC 4861 4.3: the option may be left out of a unicast solicitation.
TEST_F(NeighbourDiscoveryTest, SolicitationWithoutAnAddressIsAnsweredWhereItsSenderIsKnown) {
  settle();
  solicit();
  (void)next_message();
  receive(kPeer, kOurs, wire::NeighbourSolicitation{.target = kOurs, .source_mac = std::nullopt});
  std::optional<Sent> sent;
  do {
    sent = next_message();
    ASSERT_TRUE(sent);
  } while (!std::holds_alternative<wire::NeighbourAdvertisement>(sent->message));
  EXPECT_EQ(sent->destination, kPeerMac);
}

TEST_F(NeighbourDiscoveryTest, SolicitationForAnotherIsIgnored) {
  settle();
  solicit(kPeer, v6("2001:db8::8"));
  EXPECT_FALSE(next_message());
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(count(NetCounter::kNdUnsolicited), 1U);
}

TEST_F(SilentNeighbourDiscoveryTest, SolicitationIsLearnedFromButNotAnswered) {
  settle();
  solicit();
  EXPECT_EQ(count(NetCounter::kNdSolicitationsIn), 1U);
  EXPECT_FALSE(next_message());
  EXPECT_EQ(neighbours_.size(), 1U);
}

// RFC 4861 7.1.1.
TEST_F(NeighbourDiscoveryTest, MessageThatPassedARouterIsDropped) {
  settle();
  receive(kPeer, wire::solicited_node_multicast(kOurs),
          wire::NeighbourSolicitation{.target = kOurs, .source_mac = kPeerMac}, 254);
  EXPECT_EQ(count(NetCounter::kNdMalformed), 1U);
  EXPECT_FALSE(next_message());
}

TEST_F(NeighbourDiscoveryTest, ImpossibleSendersAreNotLearned) {
  settle();
  solicit(kPeer, kOurs, base::MacAddress::broadcast());
  solicit(kPeer, kOurs, base::MacAddress{});
  EXPECT_EQ(count(NetCounter::kNdMalformed), 2U);
  solicit(v6("2001:db8:ffff::1"));  // not on the link
  EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(NeighbourDiscoveryTest, RoutersMessagesAreCountedAndIgnored) {
  settle();
  receive(v6("fe80::1"), wire::kAllNodes,
          wire::RouterAdvertisement{.lifetime_seconds = 1800, .source_mac = mac(1), .mtu = {}});
  EXPECT_EQ(count(NetCounter::kNdRouterMessages), 1U);
  EXPECT_EQ(neighbours_.size(), 0U);
}

// --- asking (RFC 4861 7.2.2 and 7.3) ---

TEST_F(NeighbourDiscoveryTest, FirstPacketIsHeldAndItsGroupAsked) {
  settle();
  send(kPeer, 1);
  const auto sent = next_message();
  ASSERT_TRUE(sent);
  const Ipv6Address group = wire::solicited_node_multicast(kPeer);
  EXPECT_EQ(sent->destination, wire::multicast_mac(group));
  EXPECT_EQ(sent->ip.source, kOurs);
  EXPECT_EQ(sent->ip.destination, group);
  EXPECT_EQ(std::get<wire::NeighbourSolicitation>(sent->message),
            (wire::NeighbourSolicitation{.target = kPeer, .source_mac = kOurMac}));
  EXPECT_FALSE(next_destination(1));
  advertise({});
  EXPECT_EQ(next_destination(1), kPeerMac);
}

TEST_F(NeighbourDiscoveryTest, LinkLocalNeighbourIsAskedFromOurLinkLocalAddress) {
  settle();
  send(v6("fe80::7"));
  EXPECT_EQ(next_message()->ip.source, kOurLinkLocal);
}

TEST_F(NeighbourDiscoveryTest, UnansweredNeighbourIsGivenUpAndItsPacketsComeBack) {
  settle();
  send(kPeer, 1);
  std::size_t undeliverable = 0;
  for (unsigned i = 0; i < Neighbours::kRequests; ++i) undeliverable += pass(kRound);
  EXPECT_EQ(undeliverable, 1U);
  EXPECT_EQ(count(NetCounter::kNeighbourUnresolved), 1U);
  EXPECT_EQ(neighbours_.size(), 0U);
}

TEST_F(NeighbourDiscoveryTest, NeighbourThatNoLongerConfirmsIsForgotten) {
  settle();
  send(kPeer);
  advertise({});
  pass(Neighbours::kReachableTime);
  link_.outgoing().clear();
  send(kPeer, 5);
  EXPECT_EQ(next_message()->destination, kPeerMac);
  EXPECT_EQ(next_destination(5), kPeerMac);
  for (unsigned i = 0; i < Neighbours::kRequests; ++i) pass(kRound);
  EXPECT_EQ(neighbours_.size(), 0U);
}

// --- advertisements (RFC 4861 7.2.5) ---

TEST_F(NeighbourDiscoveryTest, AdvertisementThatNobodyAskedForIsIgnored) {
  settle();
  advertise({});
  EXPECT_EQ(neighbours_.size(), 0U);
  EXPECT_EQ(count(NetCounter::kNdUnsolicited), 1U);
}

TEST_F(NeighbourDiscoveryTest, AdvertisementWithoutAnAddressResolvesNothing) {
  settle();
  send(kPeer, 1);
  (void)next_message();
  advertise({.from = std::nullopt});
  EXPECT_FALSE(next_destination(1));
  EXPECT_EQ(count(NetCounter::kNdUnsolicited), 1U);
}

TEST_F(NeighbourDiscoveryTest, KnownNeighbourThatOverridesIsFollowed) {
  settle();
  send(kPeer);
  advertise({});
  link_.outgoing().clear();
  advertise({.from = mac(99), .solicited = false});
  EXPECT_EQ(neighbours_.known(kPeer)->mac, mac(99));
  send(kPeer, 2);
  EXPECT_EQ(next_message()->destination, mac(99));  // confirmed, since nobody had asked
}

TEST_F(NeighbourDiscoveryTest, AnotherAddressWithoutOverrideOnlyRaisesDoubt) {
  settle();
  send(kPeer);
  advertise({});
  link_.outgoing().clear();
  advertise({.from = mac(99), .overrides = false});
  EXPECT_EQ(neighbours_.known(kPeer)->mac, kPeerMac);
  send(kPeer, 2);
  EXPECT_EQ(next_message()->destination, kPeerMac);
}

TEST_F(NeighbourDiscoveryTest, ConfirmationNeedsNoAddress) {
  settle();
  send(kPeer);
  advertise({});
  pass(Neighbours::kReachableTime);
  link_.outgoing().clear();
  send(kPeer, 1);
  (void)next_message();
  (void)next_destination(1);
  advertise({.from = std::nullopt});
  send(kPeer, 2);
  EXPECT_EQ(next_destination(2), kPeerMac);
}

TEST_F(NeighbourDiscoveryTest, EmptyPoolDelaysTheRequestToTheNextRound) {
  settle();
  base::PacketPtr packet(pool_.allocate());
  base::PacketQueue rest;
  while (base::Packet* p = pool_.allocate()) rest.push_back(base::PacketPtr(p));
  neighbours_.send(now_, kPeer, std::move(packet));
  EXPECT_EQ(count(NetCounter::kNdNoPacket), 1U);
  rest.clear();
  pass(kRound);
  EXPECT_TRUE(next_message());
}

}  // namespace
}  // namespace sluice::net
