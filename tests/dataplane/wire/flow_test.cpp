#include "dataplane/wire/flow.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);
constexpr FlowKey kFlow{.local = kOurs, .remote = kTheirs, .local_port = 443, .remote_port = 50000};
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

TEST(FlowOwner, EveryWorkerOwnsAboutItsShare) {
  for (const unsigned workers : {1U, 2U, 3U, 4U, 7U}) {
    std::array<unsigned, 7> owned{};
    for (unsigned port = 0; port < 14000; ++port) {
      FlowKey flow = kFlow;
      flow.remote_port = static_cast<std::uint16_t>(port + 1024);
      ++owned[flow_owner(flow, workers)];
    }
    for (unsigned worker = 0; worker < workers; ++worker) {
      EXPECT_NEAR(owned[worker], 14000.0 / workers, 14000.0 / workers * 0.2) << workers;
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

TEST(FlowOwner, Ipv6ConnectionHasNoKey) {
  const base::SocketAddress v6{.address = *base::IpAddress::parse("2001:db8::1"), .port = 1};
  const base::SocketAddress v4{.address = kOurs, .port = 1};
  EXPECT_FALSE(flow_of({.local = v6, .remote = v6}));
  EXPECT_FALSE(flow_of({.local = v4, .remote = v6}));
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

}  // namespace
}  // namespace sluice::wire
