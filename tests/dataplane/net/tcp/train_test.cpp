// Segments that go out together for a device that segments (TSO): which do, and what remains as it
// is without.
#include "dataplane/net/tcp/train.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "dataplane/net/tcp/path_mtu_discovery.hpp"
#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr std::uint16_t kMss = 1000;

// Its initial window is ten segments.
class TrainScript : public Script {
 public:
  TrainScript() { allow_trains(40); }
  // All is acknowledged, so that the congestion window grows.
  void acknowledge(std::uint32_t bytes) { arrives(bare(theirs(0)).ack(ours(bytes))); }
};

TEST(TcpTrain, FullSegmentsAndAShorterOneAtTheEndGoTogether) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 4 * kMss + 300);
  const Segment train = host.sent();
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(train.train.packets, 5);
  EXPECT_EQ(train.train.segment_size, kMss);
  EXPECT_EQ(train.header.sequence, host.ours(0));
  EXPECT_EQ(train.text.size(), 4U * kMss + 300);
  EXPECT_TRUE(train.header.flags.psh && train.header.flags.ack);
  EXPECT_FALSE(train.header.flags.fin);
  EXPECT_EQ(host.counted(NetCounter::kTcpSegmentsOut), 1U + 5);  // and the SYN-ACK
}

TEST(TcpTrain, OneSegmentGoesAlone) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, kMss);
  EXPECT_EQ(host.sent().train.packets, 0);
}

TEST(TcpTrain, ShortSegmentGoesAloneInFrontOfOthers) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 300);
  host.forget_sent();
  host.write(c, 900);
  host.write(c, 900);
  for (const Segment& each : host.all_sent()) EXPECT_EQ(each.train.packets, 0);
}

TEST(TcpTrain, FinEndsTheLastOne) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 12 * kMss);  // two more than the window takes
  EXPECT_EQ(host.sent().train.packets, 10);
  host.engine.finish(host.now, c);
  host.acknowledge(10 * kMss);
  const Segment train = host.sent();
  EXPECT_EQ(train.train.packets, 2);
  EXPECT_TRUE(train.header.flags.fin && train.header.flags.psh);
  EXPECT_EQ(train.header.sequence, host.ours(10 * kMss));
  EXPECT_TRUE(host.silent());
}

TEST(TcpTrain, CongestionWindowBoundsIt) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 30 * kMss);
  EXPECT_EQ(host.sent().train.packets, 10);
  EXPECT_TRUE(host.silent());
}

TEST(TcpTrain, WindowOfThePeerBoundsIt) {
  TrainScript host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(3 * kMss));
  host.write(c, 8 * kMss);
  EXPECT_EQ(host.sent().train.packets, 3);
  EXPECT_TRUE(host.silent());
}

TEST(TcpTrain, DeviceBoundsIt) {
  TrainScript host;
  host.allow_trains(4);
  const auto c = host.established();
  host.write(c, 10 * kMss);
  std::uint32_t at = 0;
  for (const std::uint32_t packets : {4U, 4U, 2U}) {
    const Segment train = host.sent();
    EXPECT_EQ(train.train.packets, packets);
    EXPECT_EQ(train.header.sequence, host.ours(at));
    at += packets * kMss;
  }
  EXPECT_TRUE(host.silent());
}

TEST(TcpTrain, WithoutTrainsEachSegmentGoesAlone) {
  Script host;
  const auto c = host.established();
  host.write(c, 5 * kMss);
  const auto sent = host.all_sent();
  ASSERT_EQ(sent.size(), 5U);
  for (const Segment& each : sent) EXPECT_EQ(each.train.packets, 0);
}

TEST(TcpTrain, LostSegmentsAreSentAgainOneByOne) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 6 * kMss);
  EXPECT_EQ(host.sent().train.packets, 6);
  // RFC 8985: all but the first two have arrived.
  host.pass(Duration::milliseconds(50));
  host.arrives(
      bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(2 * kMss), host.ours(6 * kMss)));
  host.pass(Duration::milliseconds(50));
  const auto again = host.all_sent();
  ASSERT_GE(again.size(), 2U);
  for (const Segment& each : again) EXPECT_EQ(each.train.packets, 0);
  for (const std::uint32_t at : {0U, std::uint32_t{kMss}}) {
    EXPECT_TRUE(std::ranges::any_of(again, [&](const Segment& segment) {
      return segment.header.sequence == host.ours(at) && segment.text.size() == kMss;
    })) << at;
  }
}

TEST(TcpTrain, AcknowledgedInPartsTheRestIsStillThere) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 5 * kMss);
  host.forget_sent();
  host.acknowledge(2 * kMss + 500);
  host.pass(Duration::seconds(1));
  const auto again = host.all_sent();
  const auto rest = std::ranges::find_if(again, [&](const Segment& segment) {
    return segment.header.sequence == host.ours(2 * kMss + 500);
  });
  ASSERT_NE(rest, again.end());
  EXPECT_EQ(rest->text.size(), 500U);
}

TEST(TcpTrain, WhatTheDeviceStillHoldsIsCopiedWhenItIsSentAgain) {
  TrainScript host;
  const auto c = host.established();
  host.device_holds = true;
  host.write(c, 3 * kMss);
  EXPECT_EQ(host.sent().train.packets, 3);
  host.device_holds = false;
  host.pass(Duration::seconds(2));
  const auto again = host.all_sent();
  EXPECT_TRUE(std::ranges::any_of(again, [&](const Segment& segment) {
    return segment.header.sequence == host.ours(0) && segment.text.size() == kMss;
  }));
  host.acknowledge(3 * kMss);
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
  // The train holds its text until the device is done.
  EXPECT_GE(host.packets_out(), 4U);
  host.held.clear();
  EXPECT_EQ(host.packets_out(), 0U);
}

// RFC 3168 6.1.2: each packet with new text says that it may be marked; CWR is on one of them only.
TEST(TcpTrain, MayBeMarkedButSaysNothingOfAReduction) {
  TrainScript host;
  const auto c = host.established(syn(Script::kPeerIss).mss(kMss).sack_permitted().ece().cwr());
  host.write(c, 20 * kMss);
  const Segment first = host.sent();
  EXPECT_EQ(first.train.packets, 10);
  EXPECT_EQ(first.ecn, wire::EcnCodepoint::kEct0);
  EXPECT_FALSE(first.header.flags.cwr);
  host.arrives(bare(host.theirs(0)).ack(host.ours(10 * kMss)).ece());
  const Segment alone = host.sent();
  EXPECT_TRUE(alone.header.flags.cwr);
  EXPECT_EQ(alone.train.packets, 0);
  EXPECT_EQ(alone.text.size(), kMss);
  const Segment second = host.sent();
  EXPECT_FALSE(second.header.flags.cwr);
  EXPECT_GE(second.train.packets, 2);
  EXPECT_EQ(second.ecn, wire::EcnCodepoint::kEct0);
}

TEST(TcpTrain, WithoutEcnItMayNotBeMarked) {
  TrainScript host;
  const auto c = host.established();
  host.write(c, 5 * kMss);
  EXPECT_EQ(host.sent().ecn, wire::EcnCodepoint::kNotEct);
}

// Four segments where a millisecond is worth less.
TEST(TcpTrain, PacingBoundsIt) {
  TrainScript host;
  host.syn_received(syn(Script::kPeerIss).mss(kMss).sack_permitted());
  host.pass(Duration::milliseconds(50));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  host.write(event->connection, 10 * kMss);
  for (const std::uint32_t packets : {4U, 4U, 2U}) {
    EXPECT_EQ(host.sent().train.packets, packets);
    EXPECT_TRUE(host.silent());
    host.pass(Duration::milliseconds(11));
  }
}

// RFC 4821 7: its loss is to show nothing but its own size.
TEST(TcpTrain, ProbeOfThePathGoesAlone) {
  TrainScript host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1'460).sack_permitted());
  host.write(c, 2 * 1'460);
  const base::FourTuple flow{.local = {.address = host.local, .port = Script::kLocalPort},
                             .remote = {.address = host.remote, .port = Script::kPeerPort}};
  host.engine.too_big(host.now, flow, {.sequence = host.ours(0).value(), .mtu = 1'400});
  host.flush();
  host.acknowledge(2 * 1'460);
  host.forget_sent();
  host.pass(PathMtuDiscovery::kProbeInterval);
  base::PacketQueue payload;
  for (const std::size_t size : {1'380U, 1'360U, 1'360U, 1'360U}) {
    base::PacketPtr packet(host.pool.allocate());
    packet->append(size);
    payload.push_back(std::move(packet));
  }
  host.engine.send(host.now, c, std::move(payload));
  host.flush();
  const Segment probe = host.sent();
  EXPECT_EQ(probe.train.packets, 0);
  EXPECT_EQ(probe.text.size(), 1'380U);
  EXPECT_EQ(host.sent().train.packets, 3);
}

TEST(TcpTrain, WithoutAPacketForItsHeadersEachSegmentGoesAlone) {
  TrainScript host;
  const auto c = host.established();
  base::PacketQueue payload;
  for (int i = 0; i < 3; ++i) {
    base::PacketPtr packet(host.pool.allocate());
    packet->append(kMss);
    payload.push_back(std::move(packet));
  }
  base::PacketQueue hoard;
  while (base::Packet* packet = host.pool.allocate()) hoard.push_back(base::PacketPtr(packet));
  host.engine.send(host.now, c, std::move(payload));
  host.flush();
  const auto sent = host.all_sent();
  ASSERT_EQ(sent.size(), 3U);
  for (const Segment& each : sent) EXPECT_EQ(each.train.packets, 0);
  EXPECT_EQ(host.counted(NetCounter::kTcpNoPacket), 0U);
}

TEST(TcpTrain, TextLongerThanAnIpPacketTakesTwo) {
  base::MemoryPacketPool pool{64};
  std::array<SendSegment, 60> segments;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    segments[i].packet = pool.allocate();
    segments[i].size = 1448;
    segments[i].offset = base::Packet::kHeadroom;
    if (i > 0) segments[i - 1].next = &segments[i];
  }
  const TrainBounds bounds{.packets = 60, .bytes = 1'000'000, .mss = 1448};
  EXPECT_EQ(train_length(segments[0], bounds), 45U);
  segments[7].packet->retain();  // somebody else's, too
  EXPECT_EQ(train_length(segments[0], bounds), 7U);
  EXPECT_EQ(train_length(segments[7], bounds), 1U);
  segments[7].packet->release();
  segments[3].size = 10;
  EXPECT_EQ(train_length(segments[0], bounds), 4U);
  segments[3].size = 1449;  // longer than the path takes by now
  EXPECT_EQ(train_length(segments[0], bounds), 3U);
  for (const SendSegment& segment : segments) segment.packet->release();
}

}  // namespace
}  // namespace sluice::net::tcp::test
