#include "dataplane/net/stack.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "dataplane/net/neighbours.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Instant;
using base::Ipv4Address;

constexpr auto kOurs = Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = Ipv4Address::of(198, 18, 0, 1);

// One stack and the frames that a test makes for it.
class StackTest : public StackFixture {
 protected:
  StackTest() { add_interface({}); }

  void add_interface(InterfaceSettings settings) {
    settings.mac = kOurMac;
    settings.addresses = {{.address = kOurs, .length = 24}};
    interface_ = stack_.add_interface(settings);
    (void)outgoing();
  }
  void introduce_peer() {
    receive(frame(wire::EtherType::kArp,
                  test::arp_payload({.operation = wire::ArpOperation::kRequest,
                                     .sender_mac = kPeerMac,
                                     .sender = kPeer,
                                     .target_mac = {},
                                     .target = kOurs}),
                  base::MacAddress::broadcast()));
    (void)outgoing();
  }
  static test::ByteVector frame(wire::EtherType type, base::Bytes payload,
                                const base::MacAddress& destination = kOurMac,
                                std::optional<wire::VlanTag> vlan = std::nullopt) {
    return test::ethernet_frame(
        {.destination = destination, .source = kPeerMac, .type = type, .vlan = vlan}, payload);
  }
  static test::ByteVector ipv4_frame(wire::IpProtocol protocol, base::Bytes payload) {
    return frame(
        wire::EtherType::kIpv4,
        test::ipv4_packet({.source = kPeer, .destination = kOurs, .protocol = protocol}, payload));
  }
  static test::ByteVector echo_request(base::Bytes data = {}) {
    return ipv4_frame(wire::IpProtocol::kIcmp, test::icmp_message(wire::IcmpEcho{
                                                   .identifier = 5, .sequence = 6, .data = data}));
  }
  static test::ByteVector syn(std::uint16_t port = 443) {
    return test::tcp_segment(kPeer, kOurs,
                             {.source_port = 50000,
                              .destination_port = port,
                              .sequence = wire::SeqNumber(100),
                              .flags = {.syn = true},
                              .window = 65535});
  }
  // The TCP header in a frame that the stack sent, its checksums verified.
  static wire::TcpHeader tcp_in(const test::ByteVector& sent) {
    const auto packet = base::Bytes(sent).subspan(14);
    const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify);
    EXPECT_TRUE(ip);
    const auto segment = packet.first(ip->total_size).subspan(ip->size);
    auto sum = wire::pseudo_header_sum(ip->header.source, ip->header.destination,
                                       wire::IpProtocol::kTcp, segment.size());
    sum.add(segment);
    EXPECT_EQ(sum.checksum(), 0);
    return wire::parse_tcp(segment)->header;
  }
  test::ByteVector connect() { return StackFixture::connect(kOurs, kPeer); }
};

TEST_F(StackTest, NewInterfaceAnnouncesItsAddress) {
  Stack stack({.tcp = {}, .hash_key = {}, .owns_flow = {}}, pool_, now_);
  const auto id = stack.add_interface(
      {.mac = kOurMac, .addresses = {{.address = kOurs, .length = 24}}, .gateway = {}});
  ASSERT_EQ(stack.outgoing(id).packets(), 1U);
  const auto announced = stack.outgoing(id).front()->bytes();
  EXPECT_EQ(wire::parse_ethernet(announced)->destination, base::MacAddress::broadcast());
  EXPECT_EQ(wire::parse_arp(announced.subspan(14))->sender, kOurs);
}

TEST_F(StackTest, FramesThatAreNotForItAreCountedByReason) {
  const auto packet =
      test::ipv4_packet({.source = kPeer, .destination = kOurs}, test::ByteVector(4));
  receive(test::ByteVector(13));
  receive(frame(wire::EtherType::kIpv4, packet, mac(9)));
  receive(frame(wire::EtherType::kIpv4, packet, base::MacAddress::broadcast()));
  receive(frame(wire::EtherType::kArp, {}, mac(9)));
  receive(frame(wire::EtherType::kIpv4, packet, kOurMac, wire::VlanTag{.id = 5}));
  receive(frame(wire::EtherType::kIpv6, packet));
  receive(frame(wire::EtherType::kArp, test::ByteVector(27)));
  receive(frame(wire::EtherType::kIpv4, test::ByteVector(19)));
  EXPECT_EQ(count(NetCounter::kFramesIn), 8U);
  EXPECT_EQ(count(NetCounter::kFrameMalformed), 1U);
  EXPECT_EQ(count(NetCounter::kFrameNotOurs), 3U);
  EXPECT_EQ(count(NetCounter::kFrameVlan), 1U);
  EXPECT_EQ(count(NetCounter::kFrameUnknownType), 1U);
  EXPECT_EQ(count(NetCounter::kArpMalformed), 1U);
  EXPECT_EQ(count(NetCounter::kIpv4Malformed), 1U);
  EXPECT_TRUE(outgoing().empty());
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

// RFC 1122 3.2.2.6.
TEST_F(StackTest, EchoRequestIsAnsweredWithItsOwnData) {
  introduce_peer();
  const auto data = test::hex("00 01 02 03 04 05 06");
  receive(echo_request(data));
  const auto sent = outgoing();
  ASSERT_EQ(sent.size(), 1U);
  const auto packet = base::Bytes(sent[0]).subspan(14);
  const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header.source, kOurs);
  EXPECT_EQ(ip->header.destination, kPeer);
  const auto reply = wire::parse_icmp(packet.subspan(ip->size));
  ASSERT_TRUE(reply);
  const auto& echo = std::get<wire::IcmpEcho>(*reply);
  EXPECT_FALSE(echo.request);
  EXPECT_EQ(echo.identifier, 5);
  EXPECT_EQ(echo.sequence, 6);
  EXPECT_TRUE(base::equal(echo.data, data));
}

TEST_F(StackTest, EchoRepliesAreLimitedPerSecond) {
  introduce_peer();
  for (std::int64_t i = 0; i < kEchoReplies.burst + 5; ++i) receive(echo_request());
  EXPECT_EQ(outgoing().size(), std::size_t{kEchoReplies.burst});
  EXPECT_EQ(count(NetCounter::kIcmpEchoSuppressed), 5U);
  pass(Duration::seconds(1));
  receive(echo_request());
  EXPECT_EQ(outgoing().size(), 1U);
}

TEST_F(StackTest, StackThatDoesNotAnswerStaysSilent) {
  add_interface({.answers_arp = false});
  introduce_peer();
  receive(echo_request());
  EXPECT_TRUE(outgoing().empty());
  EXPECT_EQ(stack_.usage().neighbours, 1U);
}

TEST_F(StackTest, OtherIcmpIsCounted) {
  auto redirect = test::hex("05 00 faff 00000000");
  receive(ipv4_frame(wire::IpProtocol::kIcmp, redirect));
  receive(ipv4_frame(wire::IpProtocol::kIcmp, test::ByteVector(7)));
  receive(ipv4_frame(wire::IpProtocol::kIcmp,
                     test::icmp_message(wire::IcmpEcho{.request = false, .data = {}})));
  EXPECT_EQ(count(NetCounter::kIcmpUnsupported), 2U);
  EXPECT_EQ(count(NetCounter::kIcmpMalformed), 1U);
}

// RFC 9293 3.1 MUST-3.
TEST_F(StackTest, SegmentWithAWrongChecksumIsDropped) {
  introduce_peer();
  auto segment = syn();
  segment[15] ^= std::byte{1};
  receive(ipv4_frame(wire::IpProtocol::kTcp, segment));
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 1U);
  EXPECT_TRUE(outgoing().empty());
}

TEST_F(StackTest, DeviceIsTrustedWithChecksumsOnlyWhereItIsSaidToVerifyThem) {
  introduce_peer();
  auto segment = syn();
  segment[15] ^= std::byte{1};
  const auto bad = ipv4_frame(wire::IpProtocol::kTcp, segment);
  constexpr base::Packet::Checksum kVerified{.ip_verified = true, .l4_verified = true};
  receive(bad, kVerified);
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 1U);

  add_interface({.device_verifies_checksums = true});
  introduce_peer();
  receive(bad, kVerified);
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 1U);
  receive(bad, {.ip_verified = true, .l4_verified = true, .bad = true});
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 2U);
}

TEST_F(StackTest, SegmentToAClosedPortIsAnsweredWithReset) {
  introduce_peer();
  receive(ipv4_frame(wire::IpProtocol::kTcp, syn()));
  const auto sent = outgoing();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(tcp_in(sent[0]).flags.rst);
}

TEST_F(StackTest, PaddingBehindASegmentIsNotPayload) {
  introduce_peer();
  ASSERT_TRUE(stack_.listen({.address = kOurs, .port = 443}));
  receive(test::concatenated(ipv4_frame(wire::IpProtocol::kTcp, syn()), test::ByteVector(6)));
  const auto sent = outgoing();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(tcp_in(sent[0]).acknowledgement, wire::SeqNumber(101));
  EXPECT_TRUE(tcp_in(sent[0]).flags.syn);
}

TEST_F(StackTest, PriorityTagWithoutVlanIsLookedThrough) {
  introduce_peer();
  const auto packet = test::ipv4_packet(
      {.source = kPeer, .destination = kOurs, .protocol = wire::IpProtocol::kTcp}, syn());
  receive(frame(wire::EtherType::kIpv4, packet, kOurMac, wire::VlanTag{.id = 0, .priority = 3}));
  EXPECT_EQ(outgoing().size(), 1U);
}

// IEEE 802.1Q.
TEST_F(StackFixture, InterfaceInAVlanTagsItsFramesAndTakesNoOthers) {
  interface_ = stack_.add_interface(
      {.mac = kOurMac, .addresses = {{.address = kOurs, .length = 24}}, .gateway = {}, .vlan = 5});
  EXPECT_EQ(wire::parse_ethernet(outgoing().at(0))->vlan, wire::VlanTag{.id = 5});
  const auto request = [](std::optional<wire::VlanTag> vlan) {
    return test::ethernet_frame(
        {.destination = base::MacAddress::broadcast(),
         .source = kPeerMac,
         .type = wire::EtherType::kArp,
         .vlan = vlan},
        test::arp_payload(
            {.sender_mac = kPeerMac, .sender = kPeer, .target_mac = {}, .target = kOurs}));
  };
  receive(request(std::nullopt));
  receive(request(wire::VlanTag{.id = 6}));
  receive(request(wire::VlanTag{.id = 0, .priority = 7}));
  EXPECT_EQ(count(NetCounter::kFrameVlan), 3U);
  EXPECT_TRUE(outgoing().empty());
  receive(request(wire::VlanTag{.id = 5, .priority = 7}));
  const auto reply = outgoing();
  ASSERT_EQ(reply.size(), 1U);
  EXPECT_EQ(wire::parse_ethernet(reply[0])->vlan, wire::VlanTag{.id = 5});
  const auto sent = connect(kOurs, kPeer);
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(wire::parse_ethernet(sent)->vlan, wire::VlanTag{.id = 5});
  EXPECT_EQ(wire::parse_ethernet(sent)->type, wire::EtherType::kIpv4);
  EXPECT_TRUE(wire::parse_ipv4(base::Bytes(sent).subspan(18), wire::HeaderChecksum::kVerify));
}

TEST_F(StackTest, UnreachableThatQuotesTheSynEndsTheOpen) {
  introduce_peer();
  const auto sent = connect();
  const auto quoted = base::Bytes(sent).subspan(14, 28);
  receive(ipv4_frame(wire::IpProtocol::kIcmp,
                     test::icmp_message(wire::IcmpUnreachable{.code = wire::UnreachableCode::kHost,
                                                              .quoted = quoted})));
  const auto event = next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.closed);
  EXPECT_EQ(event->reason, CloseReason::kUnreachable);
  EXPECT_EQ(count(NetCounter::kIcmpUnreachableIn), 1U);
}

// RFC 5927 4.1: the sequence number has to be one that is in flight.
TEST_F(StackTest, UnreachableWithAGuessedSequenceIsIgnored) {
  introduce_peer();
  auto sent = connect();
  sent[14 + 20 + 7] ^= std::byte{0x40};
  const auto quoted = base::Bytes(sent).subspan(14, 28);
  receive(ipv4_frame(wire::IpProtocol::kIcmp,
                     test::icmp_message(wire::IcmpUnreachable{.code = wire::UnreachableCode::kHost,
                                                              .quoted = quoted})));
  EXPECT_FALSE(next_event());
  EXPECT_EQ(stack_.usage().connections, 1U);
}

TEST_F(StackTest, UnreachableThatQuotesAnotherHostIsIgnored) {
  const auto quoted = test::ipv4_packet({.source = Ipv4Address::of(198, 18, 0, 66),
                                         .destination = kPeer,
                                         .protocol = wire::IpProtocol::kTcp},
                                        test::ByteVector(20));
  receive(ipv4_frame(wire::IpProtocol::kIcmp,
                     test::icmp_message(wire::IcmpUnreachable{.code = wire::UnreachableCode::kPort,
                                                              .quoted = quoted})));
  EXPECT_EQ(count(NetCounter::kIcmpErrorIgnored), 1U);
}

TEST_F(StackTest, FragmentationNeededIsCountedAndEndsNothing) {
  introduce_peer();
  const auto sent = connect();
  const auto quoted = base::Bytes(sent).subspan(14, 28);
  receive(ipv4_frame(wire::IpProtocol::kIcmp,
                     test::icmp_message(wire::IcmpUnreachable{
                         .code = wire::UnreachableCode::kFragmentationNeeded, .quoted = quoted})));
  EXPECT_EQ(count(NetCounter::kIcmpFragmentationNeeded), 1U);
  EXPECT_FALSE(next_event());
}

TEST_F(StackTest, NeighbourThatDoesNotAnswerEndsTheOpen) {
  const auto request = connect();
  EXPECT_EQ(wire::parse_arp(base::Bytes(request).subspan(14))->target, kPeer);
  expect_unreachable();
}

TEST_F(StackTest, DeadlineCoversNeighbours) {
  (void)connect();
  EXPECT_LE(stack_.next_deadline(),
            now_ + Neighbours::kRequestInterval + Duration::milliseconds(100));
}

}  // namespace
}  // namespace sluice::net
