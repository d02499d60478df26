// The ICMP errors that a stack sends, and those that it does not: RFC 1122 3.2.2, RFC 4443 2.4.
#include <gtest/gtest.h>

#include "dataplane/net/icmp_errors.hpp"
#include "dataplane/net/neighbour_discovery.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Ipv4Address;

constexpr auto kOurs = Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = Ipv4Address::of(198, 18, 0, 1);
const auto kOurs6 = v6("2001:db8::2");
const auto kPeer6 = v6("2001:db8::1");
constexpr wire::IpProtocol kSctp{132};
constexpr wire::IpProtocol kHopByHop{0};
constexpr wire::IpProtocol kDestinationOptions{60};

class StackErrorsTest : public StackFixture {
 protected:
  StackErrorsTest() { start({}); }
  void start(InterfaceSettings settings) {
    settings.mac = kOurMac;
    settings.addresses = {{.address = kOurs, .length = 24}, {.address = kOurs6, .length = 64}};
    interface_ = stack_.add_interface(settings);
    pass({});
    pass(NeighbourDiscovery::kProbeTime);
    introduce_peer();
  }
  void introduce_peer() {
    receive(
        frame(wire::EtherType::kArp,
              test::arp_payload(
                  {.sender_mac = kPeerMac, .sender = kPeer, .target_mac = {}, .target = kOurs})));
    const wire::Ipv6Header ip{.source = kPeer6,
                              .destination = kOurs6,
                              .next_header = wire::IpProtocol::kIcmpv6,
                              .hop_limit = wire::kDiscoveryHopLimit};
    for (const wire::DiscoveryMessage& message :
         {wire::DiscoveryMessage(
              wire::NeighbourSolicitation{.target = kOurs6, .source_mac = kPeerMac}),
          wire::DiscoveryMessage(wire::NeighbourAdvertisement{
              .target = kPeer6, .target_mac = kPeerMac, .solicited = true})}) {
      receive6(test::ipv6_packet(ip, test::discovery_message(ip, message)));
    }
    (void)outgoing();
  }
  static test::ByteVector frame(wire::EtherType type, base::Bytes payload,
                                const base::MacAddress& to = kOurMac) {
    return test::ethernet_frame({.destination = to, .source = kPeerMac, .type = type, .vlan = {}},
                                payload);
  }
  void receive4(const test::ByteVector& packet, const base::MacAddress& to = kOurMac) {
    receive(frame(wire::EtherType::kIpv4, packet, to));
  }
  void receive6(const test::ByteVector& packet, const base::MacAddress& to = kOurMac) {
    receive(frame(wire::EtherType::kIpv6, packet, to));
  }
  static test::ByteVector packet4(wire::IpProtocol protocol, base::Bytes payload) {
    return test::ipv4_packet({.source = kPeer, .destination = kOurs, .protocol = protocol},
                             payload);
  }
  static test::ByteVector packet6(wire::IpProtocol next, base::Bytes payload,
                                  const base::Ipv6Address& to = kOurs6,
                                  const base::Ipv6Address& from = kPeer6) {
    return test::ipv6_packet({.source = from, .destination = to, .next_header = next}, payload);
  }
  // The only frame that was sent, as an error.
  wire::IcmpUnreachable error4() {
    const auto sent = outgoing();
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty()) return {};
    last_ = sent.front();
    const auto ip = wire::parse_ipv4(base::Bytes(last_).subspan(14), wire::HeaderChecksum::kVerify);
    EXPECT_EQ(ip->header.source, kOurs);
    EXPECT_EQ(ip->header.destination, kPeer);
    EXPECT_LE(ip->total_size, 576U);
    const auto message = wire::parse_icmp(base::Bytes(last_).subspan(34));
    EXPECT_TRUE(message);
    return std::get<wire::IcmpUnreachable>(*message);
  }
  wire::Icmpv6Message error6() {
    const auto sent = outgoing();
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty()) return {};
    last_ = sent.front();
    const auto ip = wire::parse_ipv6(base::Bytes(last_).subspan(14));
    EXPECT_EQ(ip->header.source, kOurs6);
    EXPECT_EQ(ip->header.destination, kPeer6);
    EXPECT_LE(ip->total_size, wire::kIpv6MinMtu);
    const auto message = wire::parse_icmpv6(ip->header, base::Bytes(last_).subspan(54));
    EXPECT_TRUE(message);
    return *message;
  }
  wire::Icmpv6ParameterProblem problem6() {
    return std::get<wire::Icmpv6ParameterProblem>(error6());
  }

  test::ByteVector last_;  // what errors are views of
};

// RFC 1122 3.2.2.1.
TEST_F(StackErrorsTest, UdpOverIpv4IsAnsweredWithPortUnreachable) {
  const auto packet = packet4(wire::IpProtocol::kUdp, test::ByteVector(1'000));
  receive4(test::concatenated(packet, test::ByteVector(4)));
  const auto error = error4();
  EXPECT_EQ(error.code, wire::UnreachableCode::kPort);
  EXPECT_TRUE(base::equal(error.quoted, base::Bytes(packet).first(error.quoted.size())));
  EXPECT_EQ(error.quoted.size(), 576U - 28);
  EXPECT_EQ(count(NetCounter::kIcmpErrorsOut), 1U);
  EXPECT_EQ(count(NetCounter::kIpv4UnknownProtocol), 1U);
}

TEST_F(StackErrorsTest, UnknownProtocolOverIpv4IsAnsweredWithProtocolUnreachable) {
  const auto packet = packet4(kSctp, test::ByteVector(12));
  receive4(packet);
  const auto error = error4();
  EXPECT_EQ(error.code, wire::UnreachableCode::kProtocol);
  EXPECT_TRUE(base::equal(error.quoted, packet));
}

// RFC 4443 3.1.
TEST_F(StackErrorsTest, UdpOverIpv6IsAnsweredWithPortUnreachable) {
  const auto packet = packet6(wire::IpProtocol::kUdp, test::ByteVector(1'400));
  receive6(packet);
  const auto message = error6();
  const auto& error = std::get<wire::Icmpv6Unreachable>(message);
  EXPECT_EQ(error.code, wire::Icmpv6UnreachableCode::kPort);
  EXPECT_EQ(error.quoted.size(), wire::kMaxIcmpv6Quotation);
  EXPECT_TRUE(base::equal(error.quoted, base::Bytes(packet).first(error.quoted.size())));
  EXPECT_EQ(count(NetCounter::kIcmpv6ErrorsOut), 1U);
  EXPECT_EQ(count(NetCounter::kIpv6UnknownProtocol), 1U);
}

// RFC 8200 4: the Next Header field that named it.
TEST_F(StackErrorsTest, UnknownNextHeaderIsPointedAt) {
  receive6(packet6(kSctp, test::ByteVector(12)));
  EXPECT_EQ(problem6().code, wire::ParameterProblemCode::kUnknownNextHeader);
  auto chain = test::hex("84 00 01 04 00000000");  // destination options, then SCTP
  receive6(packet6(kDestinationOptions, test::concatenated(chain, test::ByteVector(12))));
  const auto problem = problem6();
  EXPECT_EQ(problem.code, wire::ParameterProblemCode::kUnknownNextHeader);
  EXPECT_EQ(problem.pointer, 40U);
}

TEST_F(StackErrorsTest, HopByHopOptionsBehindAnotherHeaderArePointedAt) {
  receive6(packet6(kDestinationOptions, test::hex("00 00 01 04 00000000 3a 00 01 04 00000000")));
  const auto problem = problem6();
  EXPECT_EQ(problem.code, wire::ParameterProblemCode::kUnknownNextHeader);
  EXPECT_EQ(problem.pointer, 40U);
}

// RFC 8200 4.2.
TEST_F(StackErrorsTest, OptionThatHasToBeUnderstoodIsPointedAt) {
  receive6(packet6(kHopByHop, test::hex("06 00 c2 04 00000000")));  // RFC 2675: a jumbogram
  auto problem = problem6();
  EXPECT_EQ(problem.code, wire::ParameterProblemCode::kUnknownOption);
  EXPECT_EQ(problem.pointer, 42U);
  receive6(packet6(kHopByHop, test::hex("06 00 41 04 00000000")));  // to be dropped in silence
  EXPECT_TRUE(outgoing().empty());
}

// RFC 4443 2.4(e.3): the one error that a group's packet may provoke, if the option asks for it.
TEST_F(StackErrorsTest, OptionInWhatCameToAGroupIsAnsweredOnlyWhereItAsksForThat) {
  const auto group = wire::solicited_node_multicast(kOurs6);
  const auto to = wire::multicast_mac(group);
  receive6(packet6(kHopByHop, test::hex("06 00 82 04 00000000"), group), to);
  EXPECT_EQ(problem6().code, wire::ParameterProblemCode::kUnknownOption);
  receive6(packet6(kHopByHop, test::hex("06 00 c2 04 00000000"), group), to);
  EXPECT_TRUE(outgoing().empty());
}

// RFC 5095 3, RFC 8200 4.4.
TEST_F(StackErrorsTest, RoutingHeaderWithSegmentsLeftIsPointedAt) {
  constexpr wire::IpProtocol kRouting{43};
  receive6(packet6(kRouting, test::hex("06 02 00 01 00000000 20010db8000000000000000000000009")));
  const auto problem = problem6();
  EXPECT_EQ(problem.code, wire::ParameterProblemCode::kErroneousHeader);
  EXPECT_EQ(problem.pointer, 42U);
}

TEST_F(StackErrorsTest, WhatCameToEverybodyIsNotAnswered) {
  auto broadcast = wire::Ipv4Header{.source = kPeer,
                                    .destination = Ipv4Address::of(198, 18, 0, 255),
                                    .protocol = wire::IpProtocol::kUdp};
  receive4(test::ipv4_packet(broadcast, test::ByteVector(8)));
  receive4(packet4(wire::IpProtocol::kUdp, test::ByteVector(8)), base::MacAddress::broadcast());
  receive6(packet6(wire::IpProtocol::kUdp, test::ByteVector(8), wire::kAllNodes),
           wire::multicast_mac(wire::kAllNodes));
  receive6(packet6(wire::IpProtocol::kUdp, test::ByteVector(8)),
           wire::multicast_mac(wire::kAllNodes));
  EXPECT_TRUE(outgoing().empty());
}

TEST_F(StackErrorsTest, NobodyInParticularIsNotAnswered) {
  for (const auto source : {Ipv4Address{}, Ipv4Address::of(198, 18, 0, 255), kOurs,
                            Ipv4Address::of(224, 0, 0, 1), Ipv4Address::of(127, 0, 0, 1)}) {
    receive4(test::ipv4_packet(
        {.source = source, .destination = kOurs, .protocol = wire::IpProtocol::kUdp},
        test::ByteVector(8)));
  }
  for (const auto* source : {"::", "::1", "ff02::1", "2001:db8::2"}) {
    receive6(packet6(wire::IpProtocol::kUdp, test::ByteVector(8), kOurs6, v6(source)));
    receive6(packet6(kHopByHop, test::hex("06 00 c2 04 00000000"), kOurs6, v6(source)));
  }
  EXPECT_TRUE(outgoing().empty());
}

TEST_F(StackErrorsTest, ErrorsAndFragmentsAreNotAnswered) {
  receive4(packet4(wire::IpProtocol::kIcmp,
                   test::icmp_message(wire::IcmpUnreachable{.code = wire::UnreachableCode::kPort,
                                                            .quoted = test::ByteVector(28)})));
  for (const bool first : {true, false}) {
    receive4(test::ipv4_packet({.source = kPeer,
                                .destination = kOurs,
                                .protocol = wire::IpProtocol::kUdp,
                                .more_fragments = first,
                                .fragment_offset = static_cast<std::uint16_t>(first ? 0 : 8)},
                               test::ByteVector(8)));
  }
  constexpr wire::IpProtocol kFragment{44};
  receive6(packet6(kFragment, test::hex("11 00 0008 00000001 0000000000000000")));
  EXPECT_TRUE(outgoing().empty());
}

// RFC 4443 2.4(f), RFC 1812 4.3.2.8.
TEST_F(StackErrorsTest, SoManyAreSentAtOnceAndPerSecond) {
  const auto udp4 = packet4(wire::IpProtocol::kUdp, test::ByteVector(8));
  const auto udp6 = packet6(wire::IpProtocol::kUdp, test::ByteVector(8));
  for (int i = 0; i < 1'000; ++i) receive4(udp4);
  EXPECT_EQ(outgoing().size(), static_cast<std::size_t>(IcmpErrors::kLimit.burst));
  EXPECT_EQ(count(NetCounter::kIcmpErrorsSuppressed), 1'000U - IcmpErrors::kLimit.burst);
  // The other family has a bucket of its own.
  for (int i = 0; i < 1'000; ++i) receive6(udp6);
  EXPECT_EQ(outgoing().size(), static_cast<std::size_t>(IcmpErrors::kLimit.burst));
  EXPECT_EQ(count(NetCounter::kIcmpv6ErrorsSuppressed), 1'000U - IcmpErrors::kLimit.burst);
  std::size_t sent = 0;
  for (int i = 0; i < 3'000; ++i) {
    pass(Duration::milliseconds(1));
    receive4(udp4);
    sent += outgoing().size();
  }
  EXPECT_GE(sent, 3 * static_cast<std::size_t>(IcmpErrors::kLimit.per_second) - 1);
  EXPECT_LE(sent, 3 * static_cast<std::size_t>(IcmpErrors::kLimit.per_second) + 1);
}

TEST_F(StackErrorsTest, StackThatDoesNotAnswerSendsNone) {
  start({.answers_arp = false});
  receive4(packet4(wire::IpProtocol::kUdp, test::ByteVector(8)));
  receive6(packet6(wire::IpProtocol::kUdp, test::ByteVector(8)));
  EXPECT_TRUE(outgoing().empty());
}

}  // namespace
}  // namespace sluice::net
