// What is sent and when: segmentation, the congestion window, retransmission (RFC 6298), loss
// recovery (RFC 5681, 6582, 8985) and running out of packets.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::PacketPtr;
using base::PacketQueue;

Segment no_sack() {
  return syn(Script::kPeerIss).mss(1000);
}

// --- segmentation ---

TEST(TcpSend, SmallWritesShareASegmentWhileTheyWait) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  for (int i = 0; i < 10; ++i) host.write(c, "abc");
  EXPECT_TRUE(host.silent());
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  EXPECT_EQ(host.sent().text.size(), 30U);
  EXPECT_TRUE(host.silent());
}

TEST(TcpSend, PacketLargerThanASegmentIsSplit) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(500));
  PacketPtr packet(host.pool.allocate());
  base::copy(packet->append(1'100), base::bytes_of(std::string(1'100, 'x')));
  PacketQueue queue;
  queue.push_back(std::move(packet));
  host.engine.send(host.now, c, std::move(queue));
  host.flush();
  const auto sent = host.all_sent();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0].text.size(), 500U);
  EXPECT_FALSE(sent[0].header.flags.psh);
  EXPECT_EQ(sent[2].text.size(), 100U);
  EXPECT_EQ(sent[2].header.sequence, host.ours(1'000));
  EXPECT_TRUE(sent[2].header.flags.psh);
}

TEST(TcpSend, PacketWithoutHeadroomIsCopied) {
  Script host;
  const auto c = host.established();
  PacketPtr packet(host.pool.allocate());
  packet->place(0, 0);
  base::copy(packet->append(5), base::bytes_of("hello"));
  PacketQueue queue;
  queue.push_back(std::move(packet));
  host.engine.send(host.now, c, std::move(queue));
  host.flush();
  EXPECT_EQ(host.sent().text, "hello");
}

// RFC 9293 3.7.1: a peer may not make us send a header for every few bytes.
TEST(TcpSend, TinyMssIsNotBelieved) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1));
  EXPECT_EQ(host.engine.segment_size(c), 88U);
}

// RFC 6928.
TEST(TcpSend, InitialWindowIsTenSegments) {
  Script host;
  const auto c = host.established();
  host.write(c, 20'000);
  EXPECT_EQ(host.all_sent().size(), 10U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(2'000)));
  EXPECT_EQ(host.all_sent().size(), 4U);  // slow start
}

TEST(TcpSend, SendRoomShrinksAndWritableComesBack) {
  Script host;
  const auto c = host.established();
  EXPECT_EQ(host.engine.send_room(c), 64U * 1024);
  host.write(c, 64 * 1024);
  EXPECT_EQ(host.engine.send_room(c), 0U);
  EXPECT_FALSE(host.engine.next_event());
  std::uint32_t acked = 0;
  while (acked < 30'000) {
    host.pass(Duration::milliseconds(1));
    acked += static_cast<std::uint32_t>(host.all_sent().size()) * 1'000;
    host.arrives(bare(host.theirs(0)).ack(host.ours(acked)));
  }
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.writable);
  EXPECT_GT(host.engine.send_room(c), 0U);
}

// The session still waits for its event when it sends a little more before that comes.
TEST(TcpSend, SmallWriteIntoAPartlyFreeBufferLosesNoWritableEvent) {
  Script host;
  const auto c = host.established();
  host.write(c, 64 * 1024);
  host.arrives(bare(host.theirs(0)).ack(host.ours(2'000)));
  EXPECT_FALSE(host.engine.next_event());
  host.write(c, 30);
  SeqNumber acked = host.ours(2'000);
  for (int i = 0; i < 500 && host.engine.unacknowledged(c) > 0; ++i) {
    host.pass(Duration::milliseconds(1));
    for (const Segment& segment : host.all_sent()) {
      acked = segment.header.sequence + static_cast<std::uint32_t>(segment.text.size());
    }
    host.arrives(bare(host.theirs(0)).ack(acked));
  }
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.writable);
}

TEST(TcpSend, ManySmallSegmentsInFlightUseUpTheRoom) {
  Script host;
  const auto c = host.established();
  for (int i = 0; i < 128; ++i) host.write(c, "x");
  EXPECT_EQ(host.engine.send_room(c), 0U);
}

// --- retransmission ---

TEST(TcpRetransmission, TimeoutIsTwoHundredMillisecondsAndDoubles) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  EXPECT_EQ(host.sent().text, "hello");
  host.pass(Duration::milliseconds(199));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(2));
  EXPECT_EQ(host.sent().text, "hello");
  host.pass(Duration::milliseconds(399));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(5));
  const Segment again = host.sent();
  EXPECT_EQ(again.text, "hello");
  EXPECT_EQ(again.header.sequence, host.ours(0));
  host.arrives(bare(host.theirs(0)).ack(host.ours(5)));
  host.pass(Duration::seconds(5));
  EXPECT_TRUE(host.silent());
}

TEST(TcpRetransmission, PartlyAcknowledgedSegmentIsSentFromThere) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(2)));
  host.pass(Duration::milliseconds(300));
  const Segment again = host.sent();
  EXPECT_EQ(again.text, "llo");
  EXPECT_EQ(again.header.sequence, host.ours(2));
}

TEST(TcpRetransmission, WhatTheDeviceHoldsIsCopiedAndNotEdited) {
  Script host;
  const auto c = host.established();
  host.device_holds = true;
  host.write(c, "hello");
  const std::string frame(base::text_of(host.held.at(0)->bytes()));
  host.forget_sent();
  host.pass(Duration::milliseconds(300));
  EXPECT_EQ(host.sent().text, "hello");
  EXPECT_EQ(base::text_of(host.held.at(0)->bytes()), frame);
  host.arrives(bare(host.theirs(0)).ack(host.ours(5)));
  host.held.clear();
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpRetransmission, UserTimeoutResets) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  host.pass(Duration::seconds(119));
  EXPECT_FALSE(host.engine.next_event());
  host.forget_sent();
  host.pass(Duration::seconds(70));
  EXPECT_EQ(host.close_reason(), CloseReason::kTimedOut);
  EXPECT_EQ(host.counted(NetCounter::kTcpUserTimeouts), 1U);
  const auto sent = host.all_sent();
  EXPECT_TRUE(sent.back().header.flags.rst);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpRetransmission, TimeoutSendsOneSegmentAndThenSlowStarts) {
  Script host;
  const auto c = host.established(no_sack());
  host.write(c, 8'000);
  EXPECT_EQ(host.all_sent().size(), 8U);
  host.pass(Duration::milliseconds(250));
  EXPECT_EQ(host.all_sent().size(), 1U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)));
  EXPECT_EQ(host.all_sent().size(), 2U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 1U);
}

// RFC 3465 2.3: the timeout was spurious or not, what one acknowledgment covers is no burst's
// worth.
TEST(TcpRetransmission, AckOfTheWholeFlightAfterATimeoutLetsTwoSegmentsOut) {
  for (const bool sack : {false, true}) {
    Script::Options options;
    options.packets = 512;
    options.tcp.send_buffer = 1 << 20;
    Script host(options);
    const auto c = host.established(sack ? no_sack().sack_permitted() : no_sack());
    host.write(c, 300'000);
    std::uint32_t sent = 10'000;
    host.forget_sent();
    for (std::uint32_t acked = 1'000; acked <= 30'000; acked += 1'000) {
      host.arrives(bare(host.theirs(0)).ack(host.ours(acked)));
      sent += static_cast<std::uint32_t>(host.all_sent().size()) * 1'000;
    }
    if (sack) {
      // All but the first have arrived, and that is not to count once more.
      host.arrives(
          bare(host.theirs(0)).ack(host.ours(30'000)).sack(host.ours(31'000), host.ours(sent)));
    }
    while (host.counted(NetCounter::kTcpTimeouts) == 0) host.pass(Duration::milliseconds(1));
    for (const Segment& segment : host.all_sent()) {
      sent = std::max(sent,
                      static_cast<std::uint32_t>(segment.header.sequence - host.ours(0)) + 1'000);
    }
    host.arrives(bare(host.theirs(0)).ack(host.ours(sent)));
    EXPECT_LE(host.all_sent().size(), 2U);
  }
}

// --- loss recovery without SACK ---

TEST(TcpFastRetransmit, ThirdDuplicateSendsTheFirstSegmentAgain) {
  Script host;
  const auto c = host.established(no_sack());
  host.write(c, 12'000);
  EXPECT_EQ(host.all_sent().size(), 10U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  // RFC 3042: each of the first two lets one new segment out.
  const auto limited = host.all_sent();
  ASSERT_EQ(limited.size(), 2U);
  EXPECT_EQ(limited[0].header.sequence, host.ours(10'000));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  const Segment again = host.sent();
  EXPECT_EQ(again.header.sequence, host.ours(0));
  EXPECT_EQ(again.text.size(), 1'000U);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
}

// RFC 6582 3.2, step 3.
TEST(TcpFastRetransmit, PartialAckSendsTheNextHole) {
  Script host;
  const auto c = host.established(no_sack());
  host.write(c, 10'000);
  host.forget_sent();
  for (int i = 0; i < 3; ++i) host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
  host.arrives(bare(host.theirs(0)).ack(host.ours(4'000)));
  EXPECT_EQ(host.sent().header.sequence, host.ours(4'000));
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
}

// RFC 5681 4: no more duplicates count than there were segments in the network to cause them.
TEST(TcpFastRetransmit, InventedDuplicatesDoNotOpenTheWindow) {
  Script::Options options;
  options.packets = 1024;
  options.tcp.send_buffer = 1 << 20;
  Script host(options);
  const auto c = host.established(no_sack());
  host.write(c, 200'000);
  EXPECT_EQ(host.all_sent().size(), 10U);
  for (int i = 0; i < 150; ++i) host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  EXPECT_LE(host.all_sent().size(), 11U);
  // Nor a second time, after an acknowledgment of hardly anything.
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
  for (int i = 0; i < 150; ++i) host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
  EXPECT_LE(host.all_sent().size(), 2U);
}

// --- loss recovery with SACK ---

TEST(TcpSackRecovery, HoleIsSentAgainAndNothingElse) {
  Script host;
  const auto c = host.established();
  host.write(c, 8'000);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(1'000), host.ours(2'000)));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(1'000), host.ours(3'000)));
  EXPECT_TRUE(host.silent());
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(1'000), host.ours(4'000)));
  const Segment again = host.sent();
  EXPECT_EQ(again.header.sequence, host.ours(0));
  host.arrives(bare(host.theirs(0)).ack(host.ours(8'000)));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 1U);
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
}

// RFC 6675 4: what has left the network is known from the blocks, and not once more from the
// duplicates that bring them.
TEST(TcpSackRecovery, EachSegmentReportedLetsOneOut) {
  Script host;
  const auto c = host.established();
  host.write(c, 40'000);
  EXPECT_EQ(host.all_sent().size(), 10U);
  for (std::uint32_t i = 2; i <= 3; ++i) {
    host.arrives(
        bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(1'000), host.ours(i * 1'000)));
    EXPECT_EQ(host.all_sent().size(), 1U);
  }
}

// RFC 8985 6.2, step 3: what one acknowledgment covers and what it reports arrived in no order that
// it could tell. Where reordering was seen, the third report would not do.
TEST(TcpSackRecovery, BlockBesideNewlyAcknowledgedTextIsNoReordering) {
  Script host;
  const auto c = host.established();
  for (std::uint32_t i = 0; i < 2; ++i) {
    host.write(c, 8'000);
    host.now = host.now + Duration::microseconds(400);
    if (i == 0) host.arrives(bare(host.theirs(0)).ack(host.ours(8'000)));
  }
  for (std::uint32_t end = 11'000; end <= 13'000; end += 1'000) {
    host.arrives(
        bare(host.theirs(0)).ack(host.ours(9'000)).sack(host.ours(10'000), host.ours(end)));
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 1U);
}

TEST(TcpSackRecovery, SegmentAcknowledgedBehindOneReportedEarlierIsReordering) {
  Script host;
  const auto c = host.established();
  for (std::uint32_t i = 0; i < 2; ++i) {
    host.write(c, 8'000);
    host.now = host.now + Duration::microseconds(400);
    if (i == 0) host.arrives(bare(host.theirs(0)).ack(host.ours(8'000)));
  }
  host.arrives(
      bare(host.theirs(0)).ack(host.ours(8'000)).sack(host.ours(9'000), host.ours(10'000)));
  host.arrives(bare(host.theirs(0)).ack(host.ours(10'000)));
  for (std::uint32_t end = 12'000; end <= 14'000; end += 1'000) {
    host.arrives(
        bare(host.theirs(0)).ack(host.ours(10'000)).sack(host.ours(11'000), host.ours(end)));
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 0U);
}

TEST(TcpSackRecovery, BlocksThatLieAreIgnored) {
  Script host;
  const auto c = host.established();
  host.write(c, 8'000);
  host.forget_sent();
  for (int i = 0; i < 5; ++i) {
    host.arrives(bare(host.theirs(0))
                     .ack(host.ours(0))
                     .sack(host.ours(2'000), host.ours(1'000))        // backwards
                     .sack(host.ours(7'000), host.ours(9'000))        // never sent
                     .sack(host.ours(0) - 500, host.ours(0) - 100));  // long acknowledged
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpSackBlocksInvalid), 15U);
  EXPECT_EQ(host.engine.unacknowledged(c), 8'000U);
}

// RFC 2018 8.
TEST(TcpSackRecovery, PeerThatDropsWhatItReportedGetsItAgain) {
  Script host;
  const auto c = host.established();
  host.write(c, 3'000);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(1'000), host.ours(3'000)));
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)));
  host.forget_sent();
  host.pass(Duration::milliseconds(700));
  EXPECT_EQ(host.sent().header.sequence, host.ours(1'000));
  EXPECT_GE(host.counted(NetCounter::kTcpSackReneged), 1U);
}

// RFC 6298 5.1: whatever an acknowledgment covers, the timer runs while anything is in flight.
TEST(TcpSackRecovery, AckOfWhatWasReportedKeepsTheTimerRunning) {
  Script host;
  const auto c = host.established();
  host.write(c, 3'000);
  host.close(c);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).sack(host.ours(1'000), host.ours(3'000)));
  host.pass(Duration::milliseconds(5));
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)));
  host.pass(Duration::milliseconds(5));
  host.arrives(bare(host.theirs(0)).ack(host.ours(2'000)));
  host.forget_sent();
  host.pass(Duration::seconds(300));
  EXPECT_FALSE(host.silent());
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.packets_out(), 0U);
}

// RFC 8985 7: a lost tail does not wait for the retransmission timer.
TEST(TcpTailProbe, LastSegmentIsSentAgainSoon) {
  Script host;
  const auto c = host.established();
  host.write(c, 3'000);
  host.forget_sent();
  host.pass(Duration::milliseconds(20));
  EXPECT_EQ(host.sent().header.sequence, host.ours(2'000));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
  // What it brings back shows the holes.
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)).sack(host.ours(2'000), host.ours(3'000)));
  host.pass(Duration::milliseconds(20));
  EXPECT_EQ(host.sent().header.sequence, host.ours(1'000));
}

// --- packets run out ---

TEST(TcpPacketShortage, FinAndAcksAreSentWhenThereIsOneAgain) {
  Script::Options options;
  options.packets = 8;
  Script host(options);
  const auto c = host.established();
  std::vector<PacketPtr> taken;
  while (host.pool.available() > 0) taken.emplace_back(host.pool.allocate());
  host.finish(c);
  EXPECT_TRUE(host.silent());
  EXPECT_GT(host.counted(NetCounter::kTcpNoPacket), 0U);
  host.pass(Duration::milliseconds(5));
  EXPECT_TRUE(host.silent());
  taken.clear();
  host.pass(Duration::milliseconds(5));
  EXPECT_TRUE(host.sent().header.flags.fin);
}

TEST(TcpPacketShortage, CopyOfASplitPacketWaitsForAPacket) {
  Script::Options options;
  options.packets = 8;
  Script host(options);
  const auto c = host.established(syn(Script::kPeerIss).mss(500));
  PacketPtr packet(host.pool.allocate());
  base::copy(packet->append(800), base::bytes_of(std::string(800, 'x')));
  PacketQueue queue;
  queue.push_back(std::move(packet));
  std::vector<PacketPtr> taken;
  while (host.pool.available() > 0) taken.emplace_back(host.pool.allocate());
  host.engine.send(host.now, c, std::move(queue));
  host.flush();
  EXPECT_TRUE(host.silent());
  taken.clear();
  host.pass(Duration::milliseconds(5));
  EXPECT_EQ(host.sent().text.size(), 500U);
  EXPECT_EQ(host.sent().text.size(), 300U);
  // Both halves lie in the one packet.
  EXPECT_EQ(host.packets_out(), 1U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
