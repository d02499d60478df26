#include "dataplane/wire/flow.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);
const FlowKey kFlow{.local = kOurs, .remote = kTheirs, .local_port = 443, .remote_port = 50000};
const auto kOurs6 = *base::Ipv6Address::parse("2001:db8::2");
const auto kTheirs6 = *base::Ipv6Address::parse("2001:db8::1");
const FlowKey kFlow6{.local = kOurs6, .remote = kTheirs6, .local_port = 443, .remote_port = 50000};
const TcpHeader kIncoming{.source_port = 50000, .destination_port = 443};
const TcpHeader kOutgoing{.source_port = 443, .destination_port = 50000};

test::ByteVector frame(EtherType type, base::Bytes payload,
                       std::optional<VlanTag> vlan = std::nullopt) {
  return test::ethernet_frame({.destination{}, .source{}, .type = type, .vlan = vlan}, payload);
}

test::ByteVector received(IpProtocol protocol, base::Bytes payload) {
  return test::ipv4_packet({.source = kTheirs, .destination = kOurs, .protocol = protocol},
                           payload);
}

test::ByteVector received_segment() {
  return received(IpProtocol::kTcp, test::tcp_segment(kTheirs, kOurs, kIncoming));
}

test::ByteVector received6(IpProtocol protocol, base::Bytes payload) {
  return frame(EtherType::kIpv6,
               test::ipv6_packet(
                   {.source = kTheirs6, .destination = kOurs6, .next_header = protocol}, payload));
}

test::ByteVector received_segment6(TcpFlags flags = {}) {
  TcpHeader header = kIncoming;
  header.flags = flags;
  return test::tcp_segment(kTheirs6, kOurs6, header);
}

test::ByteVector received_icmpv6(const Icmpv6Message& message) {
  return received6(IpProtocol::kIcmpv6,
                   test::icmpv6_message({.source = kTheirs6, .destination = kOurs6}, message));
}

// The verification suite of the RSS specification, TCP over IPv4.
TEST(FlowHash, AgreesWithTheVerificationSuite) {
  struct Vector {
    FlowKey flow;
    std::uint32_t hash;
  };
  const std::array<Vector, 5> vectors{{
      {{.local = base::Ipv4Address::of(161, 142, 100, 80),
        .remote = base::Ipv4Address::of(66, 9, 149, 187),
        .local_port = 1766,
        .remote_port = 2794},
       0x51ccc178},
      {{.local = base::Ipv4Address::of(65, 69, 140, 83),
        .remote = base::Ipv4Address::of(199, 92, 111, 2),
        .local_port = 4739,
        .remote_port = 14230},
       0xc626b0ea},
      {{.local = base::Ipv4Address::of(12, 22, 207, 184),
        .remote = base::Ipv4Address::of(24, 19, 198, 95),
        .local_port = 38024,
        .remote_port = 12898},
       0x5c2b394a},
      {{.local = base::Ipv4Address::of(209, 142, 163, 6),
        .remote = base::Ipv4Address::of(38, 27, 205, 30),
        .local_port = 2217,
        .remote_port = 48228},
       0xafc7327f},
      {{.local = base::Ipv4Address::of(202, 188, 127, 2),
        .remote = base::Ipv4Address::of(153, 39, 163, 191),
        .local_port = 1303,
        .remote_port = 44251},
       0x10e828a2},
  }};
  for (const Vector& v : vectors) EXPECT_EQ(flow_hash(v.flow), v.hash);
}

// The verification suite of the RSS specification, TCP over IPv6.
TEST(FlowHash, AgreesWithTheVerificationSuiteForIpv6) {
  struct Vector {
    const char* local;
    const char* remote;
    std::uint16_t local_port;
    std::uint16_t remote_port;
    std::uint32_t hash;
  };
  constexpr std::array<Vector, 3> kVectors{{
      {"3ffe:2501:200:3::1", "3ffe:2501:200:1fff::7", 1766, 2794, 0x40207d3d},
      {"ff02::1", "3ffe:501:8::260:97ff:fe40:efab", 4739, 14230, 0xdde51bbf},
      {"fe80::200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 38024, 44251, 0x02d1feef},
  }};
  for (const Vector& v : kVectors) {
    EXPECT_EQ(flow_hash({.local = *base::IpAddress::parse(v.local),
                         .remote = *base::IpAddress::parse(v.remote),
                         .local_port = v.local_port,
                         .remote_port = v.remote_port}),
              v.hash)
        << v.local;
  }
}

TEST(FlowOwner, EveryWorkerOwnsAboutItsShare) {
  for (FlowKey flow : {kFlow, kFlow6}) {
    for (const unsigned workers : {1U, 2U, 3U, 4U, 7U}) {
      std::array<unsigned, 7> owned{};
      for (unsigned port = 0; port < 14000; ++port) {
        flow.remote_port = static_cast<std::uint16_t>(port + 1024);
        ++owned[flow_owner(flow, workers)];
      }
      for (unsigned worker = 0; worker < workers; ++worker) {
        EXPECT_NEAR(owned[worker], 14000.0 / workers, 14000.0 / workers * 0.2) << workers;
      }
    }
  }
}

TEST(FlowOwner, ConnectionAndFrameOfOneFlowHaveOneKey) {
  const base::FourTuple connection{.local = {.address = kOurs, .port = 443},
                                   .remote = {.address = kTheirs, .port = 50000}};
  EXPECT_EQ(flow_of(connection), kFlow);
  const auto steering = classify_frame(frame(EtherType::kIpv4, received_segment()));
  EXPECT_EQ(steering.to, FrameSteering::To::kFlowOwner);
  EXPECT_EQ(steering.flow, kFlow);
}

TEST(FlowOwner, Ipv6ConnectionAndFrameOfOneFlowHaveOneKey) {
  const base::FourTuple connection{.local = {.address = kOurs6, .port = 443},
                                   .remote = {.address = kTheirs6, .port = 50000}};
  EXPECT_EQ(flow_of(connection), kFlow6);
  const auto steering = classify_frame(received6(IpProtocol::kTcp, received_segment6()));
  EXPECT_EQ(steering.to, FrameSteering::To::kFlowOwner);
  EXPECT_EQ(steering.flow, kFlow6);
}

TEST(FlowOwner, ConnectionBetweenTheFamiliesHasNoKey) {
  const base::SocketAddress v6{.address = kOurs6, .port = 1};
  const base::SocketAddress v4{.address = kOurs, .port = 1};
  EXPECT_FALSE(flow_of({.local = v4, .remote = v6}));
  EXPECT_FALSE(flow_of({.local = v6, .remote = v4}));
}

TEST(ClassifyFrame, TaggedFrameIsLookedInto) {
  const auto steering =
      classify_frame(frame(EtherType::kIpv4, received_segment(), VlanTag{.id = 0, .priority = 3}));
  EXPECT_EQ(steering.to, FrameSteering::To::kFlowOwner);
  EXPECT_EQ(steering.flow, kFlow);
}

TEST(ClassifyFrame, IcmpErrorGoesToTheOwnerOfTheQuotedFlow) {
  const auto quoted =
      test::ipv4_packet({.source = kOurs, .destination = kTheirs, .protocol = IpProtocol::kTcp},
                        test::tcp_segment(kOurs, kTheirs, kOutgoing));
  const auto error =
      test::icmp_message(IcmpUnreachable{.code = UnreachableCode::kHost, .quoted = quoted});
  const auto steering = classify_frame(frame(EtherType::kIpv4, received(IpProtocol::kIcmp, error)));
  EXPECT_EQ(steering.to, FrameSteering::To::kFlowOwner);
  EXPECT_EQ(steering.flow, kFlow);
}

TEST(ClassifyFrame, ArpGoesToEveryWorker) {
  const auto steering = classify_frame(frame(EtherType::kArp, test::arp_payload({})));
  EXPECT_EQ(steering.to, FrameSteering::To::kEveryWorker);
}

TEST(ClassifyFrame, WhatHasNoFlowGoesToTheFirstWorker) {
  auto fragment = test::ipv4_packet({.source = kTheirs,
                                     .destination = kOurs,
                                     .protocol = IpProtocol::kTcp,
                                     .more_fragments = true},
                                    test::tcp_segment(kTheirs, kOurs, kIncoming));
  const auto echo = received(IpProtocol::kIcmp, test::icmp_message(IcmpEcho{.data = {}}));
  const auto udp = received(IpProtocol::kUdp, test::ByteVector(8));
  const auto short_segment = received(IpProtocol::kTcp, test::ByteVector(3));
  const auto quotes_nothing =
      received(IpProtocol::kIcmp, test::icmp_message(IcmpUnreachable{.code = {}, .quoted = {}}));
  for (const auto& packet : {fragment, echo, udp, short_segment, quotes_nothing}) {
    EXPECT_EQ(classify_frame(frame(EtherType::kIpv4, packet)).to, FrameSteering::To::kFirstWorker);
  }
  EXPECT_EQ(classify_frame(frame(EtherType::kIpv6, {})).to, FrameSteering::To::kFirstWorker);
}

TEST(ClassifyFrame, FrameCutAnywhereIsSurvived) {
  const auto whole = frame(EtherType::kIpv4, received_segment());
  for (std::size_t size = 0; size < 14 + 20 + 4; ++size) {
    EXPECT_EQ(classify_frame(base::Bytes(whole).first(size)).to, FrameSteering::To::kFirstWorker);
  }
}

TEST(ClassifyFrame, OnlyASynAckAnswersAnOpen) {
  const auto answers = [](TcpFlags flags) {
    return classify_frame(received6(IpProtocol::kTcp, received_segment6(flags))).answers_open;
  };
  EXPECT_TRUE(answers({.syn = true, .ack = true}));
  EXPECT_FALSE(answers({.syn = true}));
  EXPECT_FALSE(answers({.ack = true}));
}

TEST(ClassifyFrame, Ipv6SegmentBehindExtensionHeadersHasItsFlow) {
  const auto steering = classify_frame(received6(
      IpProtocol{0},
      test::concatenated(test::hex("3c00010400000000 0600010400000000"), received_segment6())));
  EXPECT_EQ(steering.to, FrameSteering::To::kFlowOwner);
  EXPECT_EQ(steering.flow, kFlow6);
}

TEST(ClassifyFrame, Icmpv6ErrorGoesToTheOwnerOfTheQuotedFlow) {
  const auto quoted = test::ipv6_packet(
      {.source = kOurs6, .destination = kTheirs6, .next_header = IpProtocol::kTcp},
      test::tcp_segment(kOurs6, kTheirs6, kOutgoing));
  for (const Icmpv6Message& error :
       {Icmpv6Message(Icmpv6Unreachable{.code{}, .quoted = quoted}),
        Icmpv6Message(Icmpv6PacketTooBig{.mtu = 1280, .quoted = quoted}),
        Icmpv6Message(Icmpv6TimeExceeded{.code{}, .quoted = quoted}),
        Icmpv6Message(Icmpv6ParameterProblem{.code{}, .quoted = quoted})}) {
    const auto steering = classify_frame(received_icmpv6(error));
    EXPECT_EQ(steering.to, FrameSteering::To::kFlowOwner);
    EXPECT_EQ(steering.flow, kFlow6);
  }
}

TEST(ClassifyFrame, NeighbourDiscoveryGoesToEveryWorker) {
  const Ipv6Header ip{.source = kTheirs6, .destination = kOurs6};
  for (const DiscoveryMessage& message :
       {DiscoveryMessage(NeighbourSolicitation{.target = kOurs6, .source_mac{}}),
        DiscoveryMessage(NeighbourAdvertisement{.target = kOurs6, .target_mac{}}),
        DiscoveryMessage(RouterSolicitation{}), DiscoveryMessage(RouterAdvertisement{})}) {
    const auto steering =
        classify_frame(received6(IpProtocol::kIcmpv6, test::discovery_message(ip, message)));
    EXPECT_EQ(steering.to, FrameSteering::To::kEveryWorker);
  }
}

TEST(ClassifyFrame, Ipv6WithoutAFlowGoesToTheFirstWorker) {
  const auto fragment = received6(
      IpProtocol{44}, test::concatenated(test::hex("0600000000000001"), received_segment6()));
  EXPECT_EQ(classify_frame(fragment).to, FrameSteering::To::kFlowOwner);  // the whole packet
  const auto real_fragment = received6(
      IpProtocol{44}, test::concatenated(test::hex("0600000800000001"), received_segment6()));
  const auto routed = received6(
      IpProtocol{43}, test::concatenated(test::hex("0600000100000000"), received_segment6()));
  const auto short_segment = received6(IpProtocol::kTcp, test::ByteVector(3));
  const auto short_icmp = received6(IpProtocol::kIcmpv6, test::ByteVector(7));
  const auto echo = received_icmpv6(Icmpv6Echo{.data = {}});
  const auto quotes_nothing = received_icmpv6(Icmpv6PacketTooBig{.mtu = 1280, .quoted = {}});
  const auto udp = received6(IpProtocol::kUdp, test::ByteVector(8));
  for (const auto& each :
       {real_fragment, routed, short_segment, short_icmp, echo, quotes_nothing, udp}) {
    EXPECT_EQ(classify_frame(each).to, FrameSteering::To::kFirstWorker);
  }
}

TEST(ClassifyFrame, Ipv6FrameCutAnywhereIsSurvived) {
  const auto whole = received6(IpProtocol::kTcp, received_segment6());
  for (std::size_t size = 0; size < 14 + 40 + 4; ++size) {
    EXPECT_EQ(classify_frame(base::Bytes(whole).first(size)).to, FrameSteering::To::kFirstWorker);
  }
}

}  // namespace
}  // namespace sluice::wire
