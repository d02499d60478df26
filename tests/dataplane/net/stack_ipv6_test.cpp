// What a whole stack makes of IPv6 frames, as stack_test.cpp has it for IPv4.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "dataplane/net/neighbour_discovery.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Instant;
using base::Ipv6Address;

const Ipv6Address kOurs = v6("2001:db8::2");
const Ipv6Address kPeer = v6("2001:db8::1");
constexpr std::size_t kIpAt = 14;
constexpr std::size_t kTcpAt = kIpAt + 40;
// Of a quoted segment, so much as an error shows of it.
constexpr std::size_t kQuoted = 40 + 8;

class StackIpv6Test : public StackFixture {
 protected:
  StackIpv6Test() { add_interface({}); }

  // An interface that uses its addresses.
  void add_interface(InterfaceSettings settings) {
    settings.mac = kOurMac;
    settings.addresses = {{.address = kOurs, .length = 64}};
    interface_ = stack_.add_interface(settings);
    pass({});
    pass(NeighbourDiscovery::kProbeTime);
    (void)outgoing();
  }
  // The peer says where it is, and is asked nothing when it is spoken to.
  void introduce_peer() {
    const wire::Ipv6Header asking{.source = kPeer,
                                  .destination = wire::solicited_node_multicast(kOurs),
                                  .next_header = wire::IpProtocol::kIcmpv6,
                                  .hop_limit = wire::kDiscoveryHopLimit};
    receive(frame(
        test::ipv6_packet(asking, test::discovery_message(
                                      asking, wire::NeighbourSolicitation{.target = kOurs,
                                                                          .source_mac = kPeerMac})),
        wire::multicast_mac(asking.destination)));
    wire::Ipv6Header saying = asking;
    saying.destination = kOurs;
    receive(frame(test::ipv6_packet(
        saying, test::discovery_message(
                    saying, wire::NeighbourAdvertisement{
                                .target = kPeer, .target_mac = kPeerMac, .solicited = true}))));
    (void)outgoing();
  }
  static wire::Ipv6Header header(wire::IpProtocol next, const Ipv6Address& to = kOurs) {
    return {.source = kPeer, .destination = to, .next_header = next};
  }
  static test::ByteVector frame(base::Bytes packet, const base::MacAddress& to = kOurMac) {
    return test::ethernet_frame(
        {.destination = to, .source = kPeerMac, .type = wire::EtherType::kIpv6, .vlan = {}},
        packet);
  }
  static test::ByteVector tcp_frame(base::Bytes segment) {
    return frame(test::ipv6_packet(header(wire::IpProtocol::kTcp), segment));
  }
  static test::ByteVector icmp_frame(const wire::Icmpv6Message& message,
                                     const wire::Ipv6Header& ip) {
    return frame(
        test::ipv6_packet(ip, test::icmpv6_message(ip, message)),
        wire::is_multicast(ip.destination) ? wire::multicast_mac(ip.destination) : kOurMac);
  }
  static test::ByteVector icmp_frame(const wire::Icmpv6Message& message) {
    return icmp_frame(message, header(wire::IpProtocol::kIcmpv6));
  }
  static wire::Icmpv6Echo echo_request(base::Bytes data = {}) {
    return {.identifier = 5, .sequence = 6, .data = data};
  }
  static test::ByteVector syn() {
    return test::tcp_segment(kPeer, kOurs,
                             {.source_port = 50000,
                              .destination_port = 443,
                              .sequence = wire::SeqNumber(100),
                              .flags = {.syn = true},
                              .window = 65535});
  }
  // The TCP header in a frame that the stack sent, its checksum verified.
  static wire::TcpHeader tcp_in(const test::ByteVector& sent) {
    const auto ip = wire::parse_ipv6(base::Bytes(sent).subspan(kIpAt));
    EXPECT_TRUE(ip);
    const auto segment = base::Bytes(sent).subspan(kTcpAt);
    auto sum = wire::pseudo_header_sum(base::IpAddress(ip->header.source), ip->header.destination,
                                       wire::IpProtocol::kTcp, segment.size());
    sum.add(segment);
    EXPECT_EQ(sum.checksum(), 0);
    return wire::parse_tcp(segment)->header;
  }
  test::ByteVector connect() { return StackFixture::connect(kOurs, kPeer); }
  static base::Bytes quotation(const test::ByteVector& sent) {
    return base::Bytes(sent).subspan(kIpAt, kQuoted);
  }
};

TEST_F(StackIpv6Test, FramesThatAreNotForItAreCountedByReason) {
  const auto packet = test::ipv6_packet(header(wire::IpProtocol::kTcp), syn());
  receive(frame(packet, mac(9)));
  receive(frame(packet, base::MacAddress::broadcast()));
  receive(frame(packet, wire::multicast_mac(wire::kAllNodes)));
  receive(frame(test::ByteVector(39)));
  EXPECT_EQ(count(NetCounter::kFrameNotOurs), 3U);
  EXPECT_EQ(count(NetCounter::kIpv6Malformed), 1U);
  EXPECT_TRUE(outgoing().empty());
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

// RFC 4443 4.2.
TEST_F(StackIpv6Test, EchoRequestIsAnsweredWithItsOwnData) {
  introduce_peer();
  const auto data = test::hex("00 01 02 03 04 05 06");
  receive(icmp_frame(echo_request(data)));
  const auto sent = outgoing();
  ASSERT_EQ(sent.size(), 1U);
  const auto packet = base::Bytes(sent[0]).subspan(kIpAt);
  const auto ip = wire::parse_ipv6(packet);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header.source, kOurs);
  EXPECT_EQ(ip->header.destination, kPeer);
  const auto reply = wire::parse_icmpv6(ip->header, packet.subspan(40));
  ASSERT_TRUE(reply);
  const auto& echo = std::get<wire::Icmpv6Echo>(*reply);
  EXPECT_FALSE(echo.request);
  EXPECT_EQ(echo.identifier, 5);
  EXPECT_EQ(echo.sequence, 6);
  EXPECT_TRUE(base::equal(echo.data, data));
}

TEST_F(StackIpv6Test, EchoRepliesAreLimitedPerSecond) {
  introduce_peer();
  for (std::int64_t i = 0; i < kEchoReplies.burst + 5; ++i) receive(icmp_frame(echo_request()));
  EXPECT_EQ(outgoing().size(), std::size_t{kEchoReplies.burst});
  EXPECT_EQ(count(NetCounter::kIcmpv6EchoSuppressed), 5U);
  pass(Duration::seconds(1));
  receive(icmp_frame(echo_request()));
  EXPECT_EQ(outgoing().size(), 1U);
}

// The smurf attack.
TEST_F(StackIpv6Test, EchoRequestToAGroupIsNotAnswered) {
  introduce_peer();
  receive(icmp_frame(echo_request(), header(wire::IpProtocol::kIcmpv6, wire::kAllNodes)));
  EXPECT_TRUE(outgoing().empty());
  EXPECT_EQ(count(NetCounter::kIcmpv6EchoSuppressed), 1U);
}

TEST_F(StackIpv6Test, EchoRequestFromOurselvesOrNobodyIsAMartian) {
  for (const auto& source : {kOurs, Ipv6Address{}}) {
    wire::Ipv6Header ip = header(wire::IpProtocol::kIcmpv6);
    ip.source = source;
    receive(icmp_frame(echo_request(), ip));
  }
  EXPECT_EQ(count(NetCounter::kIpv6Martian), 2U);
  EXPECT_TRUE(outgoing().empty());
}

TEST_F(StackIpv6Test, StackThatDoesNotAnswerStaysSilent) {
  add_interface({.answers_arp = false});
  introduce_peer();
  receive(icmp_frame(echo_request()));
  EXPECT_TRUE(outgoing().empty());
  EXPECT_EQ(stack_.usage().neighbours, 1U);
}

TEST_F(StackIpv6Test, OtherIcmpIsCounted) {
  receive(icmp_frame(wire::Icmpv6Echo{.request = false, .data = {}}));
  receive(frame(test::ipv6_packet(header(wire::IpProtocol::kIcmpv6), test::ByteVector(7))));
  auto corrupted = icmp_frame(echo_request());
  corrupted.back() ^= std::byte{1};
  receive(corrupted);
  EXPECT_EQ(count(NetCounter::kIcmpv6Unsupported), 1U);
  EXPECT_EQ(count(NetCounter::kIcmpv6Malformed), 2U);
}

// RFC 9293 3.1 MUST-3.
TEST_F(StackIpv6Test, SegmentWithAWrongChecksumIsDropped) {
  introduce_peer();
  auto segment = syn();
  segment[15] ^= std::byte{1};
  receive(tcp_frame(segment));
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 1U);
  EXPECT_TRUE(outgoing().empty());
}

TEST_F(StackIpv6Test, SegmentToAClosedPortIsAnsweredWithReset) {
  introduce_peer();
  receive(tcp_frame(syn()));
  const auto sent = outgoing();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(tcp_in(sent[0]).flags.rst);
}

TEST_F(StackIpv6Test, SynBehindExtensionHeadersAndWithPaddingIsAnswered) {
  introduce_peer();
  ASSERT_TRUE(stack_.listen({.address = kOurs, .port = 443}));
  constexpr wire::IpProtocol kDestinationOptions{60};
  receive(test::concatenated(
      frame(test::ipv6_packet(header(kDestinationOptions),
                              test::concatenated(test::hex("06 00 01 04 00000000"), syn()))),
      test::ByteVector(6)));
  const auto sent = outgoing();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(tcp_in(sent[0]).acknowledgement, wire::SeqNumber(101));
  EXPECT_TRUE(tcp_in(sent[0]).flags.syn);
  // RFC 9293 3.7.1: the MTU less the fixed headers.
  EXPECT_EQ(tcp_in(sent[0]).options.mss, 1440);
}

TEST_F(StackIpv6Test, ListenerOfEveryAddressTakesItsOwnFamilyOnly) {
  introduce_peer();
  ASSERT_TRUE(stack_.listen({.address = base::Ipv4Address{}, .port = 443}));
  receive(tcp_frame(syn()));
  EXPECT_TRUE(tcp_in(outgoing().at(0)).flags.rst);
  ASSERT_TRUE(stack_.listen({.address = Ipv6Address{}, .port = 443}));
  receive(tcp_frame(syn()));
  EXPECT_TRUE(tcp_in(outgoing().at(0)).flags.syn);
}

TEST_F(StackIpv6Test, UnreachableThatQuotesTheSynEndsTheOpen) {
  introduce_peer();
  const auto sent = connect();
  receive(icmp_frame(wire::Icmpv6Unreachable{.code = wire::Icmpv6UnreachableCode::kAddress,
                                             .quoted = quotation(sent)}));
  const auto event = next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.closed);
  EXPECT_EQ(event->reason, CloseReason::kUnreachable);
  EXPECT_EQ(count(NetCounter::kIcmpv6ErrorsIn), 1U);
}

TEST_F(StackIpv6Test, ParameterProblemThatQuotesTheSynEndsTheOpen) {
  introduce_peer();
  const auto sent = connect();
  receive(icmp_frame(
      wire::Icmpv6ParameterProblem{.code = wire::ParameterProblemCode::kUnknownNextHeader,
                                   .pointer = 6,
                                   .quoted = quotation(sent)}));
  ASSERT_TRUE(next_event());
}

// RFC 5927 4.1: the sequence number has to be one that is in flight.
TEST_F(StackIpv6Test, ErrorWithAGuessedSequenceIsIgnored) {
  introduce_peer();
  auto sent = connect();
  sent[kTcpAt + 7] ^= std::byte{0x40};
  receive(icmp_frame(wire::Icmpv6Unreachable{.code = wire::Icmpv6UnreachableCode::kAddress,
                                             .quoted = quotation(sent)}));
  EXPECT_FALSE(next_event());
  EXPECT_EQ(stack_.usage().connections, 1U);
}

TEST_F(StackIpv6Test, ErrorThatQuotesAnotherHostIsIgnored) {
  wire::Ipv6Header other = header(wire::IpProtocol::kTcp, kPeer);
  other.source = v6("2001:db8::66");
  const auto quoted = test::ipv6_packet(other, test::ByteVector(20));
  receive(icmp_frame(wire::Icmpv6Unreachable{.code = {}, .quoted = quoted}));
  EXPECT_EQ(count(NetCounter::kIcmpv6ErrorIgnored), 1U);
}

// RFC 8201 4.
TEST_F(StackIpv6Test, PacketTooBigIsCountedAndIgnoredBelowTheLeastMtu) {
  introduce_peer();
  const auto sent = connect();
  receive(icmp_frame(wire::Icmpv6PacketTooBig{.mtu = 1280, .quoted = quotation(sent)}));
  EXPECT_EQ(count(NetCounter::kIcmpv6PacketTooBig), 1U);
  receive(icmp_frame(wire::Icmpv6PacketTooBig{.mtu = 1279, .quoted = quotation(sent)}));
  EXPECT_EQ(count(NetCounter::kIcmpv6PacketTooBig), 1U);
  EXPECT_EQ(count(NetCounter::kIcmpv6ErrorIgnored), 1U);
  EXPECT_FALSE(next_event());
}

TEST_F(StackIpv6Test, TimeExceededEndsNothing) {
  introduce_peer();
  const auto sent = connect();
  receive(icmp_frame(wire::Icmpv6TimeExceeded{.code = {}, .quoted = quotation(sent)}));
  EXPECT_EQ(count(NetCounter::kIcmpv6ErrorIgnored), 1U);
  EXPECT_FALSE(next_event());
}

TEST_F(StackIpv6Test, NeighbourThatDoesNotAnswerEndsTheOpen) {
  (void)connect();
  expect_unreachable();
}

TEST_F(StackIpv6Test, OpenWaitsUntilItsAddressIsAssigned) {
  Stack stack({.tcp = {.max_connections = 4}, .hash_key = {}, .owns_flow = {}}, pool_, now_);
  const auto id = stack.add_interface(
      {.mac = kOurMac, .addresses = {{.address = kOurs, .length = 64}}, .gateway = {}});
  EXPECT_LE(stack.next_deadline(), now_);
  stack.advance(now_);
  EXPECT_TRUE(stack.listen({.address = kOurs, .port = 443}));
  EXPECT_TRUE(stack.connect(now_, {.source = kOurs,
                                   .remote = {.address = kPeer, .port = 8080},
                                   .timeout = Duration::seconds(30)}));
  stack.outgoing(id).clear();
  EXPECT_EQ(stack.counters()[NetCounter::kIpv6SourceUnassigned], 1U);
  stack.advance(now_ + NeighbourDiscovery::kProbeTime);
  stack.outgoing(id).clear();
  stack.advance(now_ + Duration::seconds(4));
  EXPECT_FALSE(stack.outgoing(id).empty());
  stack.abort_all(now_ + Duration::seconds(4));
}

}  // namespace
}  // namespace sluice::net
