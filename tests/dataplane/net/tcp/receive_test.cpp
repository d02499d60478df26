// Segments on an open connection: RFC 9293 3.10.7.4 first to fifth and seventh step, RFC 5961,
// RFC 7323, RFC 2018, and the window that we offer.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// --- sequence numbers, resets and SYNs ---

TEST(TcpEstablished, TextInFrontOfTheWindowIsAcknowledgedAndDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(3));
  EXPECT_EQ(host.read(c), "abc");
  EXPECT_EQ(host.counted(NetCounter::kTcpDuplicateData), 1U);
}

TEST(TcpEstablished, TextBehindTheWindowIsAcknowledgedAndDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(1 << 20), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(0));
  EXPECT_EQ(host.read(c), "");
  EXPECT_EQ(host.counted(NetCounter::kTcpUnacceptable), 1U);
}

TEST(TcpEstablished, ResetAtTheExactNumberCloses) {
  Script host;
  const auto c = host.established();
  host.arrives(rst(host.theirs(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.closed);
  EXPECT_EQ(event->reason, CloseReason::kReset);
  EXPECT_EQ(event->connection, c);
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.engine.input(c), nullptr);
  EXPECT_EQ(host.engine.connections(), 0U);
}

// RFC 5961 3.2.
TEST(TcpEstablished, ResetElsewhereInTheWindowIsChallenged) {
  Script host;
  (void)host.established();
  host.arrives(rst(host.theirs(10)));
  const Segment answer = host.sent();
  EXPECT_FALSE(answer.header.flags.rst);
  EXPECT_EQ(answer.header.acknowledgement, host.theirs(0));
  EXPECT_FALSE(host.engine.next_event());
}

TEST(TcpEstablished, ResetOutsideTheWindowIsIgnored) {
  Script host;
  (void)host.established();
  host.arrives(rst(host.theirs(0) - 1));
  host.arrives(rst(host.theirs(1 << 20)));
  EXPECT_TRUE(host.silent());
  EXPECT_FALSE(host.engine.next_event());
}

// RFC 5961 4.2.
TEST(TcpEstablished, SynIsChallenged) {
  Script host;
  (void)host.established();
  host.arrives(syn(host.theirs(0)));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(0));
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.counted(NetCounter::kTcpSynOnOpenConnection), 1U);
}

// RFC 5961 7.
TEST(TcpEstablished, ChallengesAreLimited) {
  Script host;
  (void)host.established();
  for (int i = 0; i < 100; ++i) host.arrives(syn(host.theirs(0)));
  EXPECT_EQ(host.all_sent().size(), 1U);
  host.pass(Duration::milliseconds(60));
  host.arrives(syn(host.theirs(0)));
  EXPECT_EQ(host.all_sent().size(), 1U);
  EXPECT_EQ(host.counted(NetCounter::kTcpChallengeAcksSuppressed), 99U);
}

TEST(TcpEstablished, SegmentWithoutAckIsDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc"));
  EXPECT_EQ(host.read(c), "");
  EXPECT_EQ(host.counted(NetCounter::kTcpNoAckFlag), 1U);
}

TEST(TcpEstablished, AckOfWhatWasNotSentIsChallengedAndItsTextDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(1)));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(0));
  EXPECT_EQ(host.read(c), "");
  EXPECT_EQ(host.counted(NetCounter::kTcpAckInvalid), 1U);
}

// RFC 5961 5.2.
TEST(TcpEstablished, AckTooFarInThePastIsDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0) - 100'000));
  EXPECT_EQ(host.read(c), "");
  EXPECT_EQ(host.counted(NetCounter::kTcpAckOld), 1U);
}

// A peer that has filled our window acknowledges from its right edge.
TEST(TcpEstablished, AckOnTheRightEdgeOfTheWindowIsHeard) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  host.forget_sent();
  host.arrives(bare(host.theirs(32 * 1024)).ack(host.ours(5)));
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
}

// --- timestamps ---

TEST(TcpTimestamps, OldOneIsRejectedAndAcknowledged) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  host.arrives(data(host.theirs(0), "new").ack(host.ours(0)).timestamps(2000, 0));
  host.pass(Duration::milliseconds(50));
  host.forget_sent();
  host.arrives(data(host.theirs(3), "old").ack(host.ours(0)).timestamps(1500, 0));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(3));
  EXPECT_EQ(host.read(c), "new");
  EXPECT_EQ(host.counted(NetCounter::kTcpPawsRejected), 1U);
}

// RFC 7323 3.2.
TEST(TcpTimestamps, SegmentWithoutOneIsDropped) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "");
  EXPECT_EQ(host.counted(NetCounter::kTcpTimestampMissing), 1U);
}

TEST(TcpTimestamps, TheLatestInOrderOneIsEchoed) {
  Script host;
  (void)host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(1700, 0));
  host.pass(Duration::milliseconds(50));
  const auto& timestamps = host.sent().header.options.timestamps;
  ASSERT_TRUE(timestamps);
  EXPECT_EQ(timestamps->echo, 1700U);
}

// RFC 7323 5.3, R3: only an acceptable segment counts. A forged timestamp of the far future would
// have PAWS reject all that the peer sends.
TEST(TcpTimestamps, UnacceptableSegmentDoesNotCount) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  constexpr std::uint32_t kFuture = 1000 + 0x70000000;
  host.arrives(data(host.theirs(0) - 1'000'000'000, "z").ack(host.ours(0)).timestamps(kFuture, 0));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(2000, 0));
  EXPECT_EQ(host.read(c), "abc");
}

TEST(TcpTimestamps, SegmentWithAnImpossibleAckDoesNotCount) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  constexpr std::uint32_t kFuture = 1000 + 0x70000000;
  host.arrives(data(host.theirs(0), "z").ack(host.ours(777'777)).timestamps(kFuture, 0));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(2000, 0));
  EXPECT_EQ(host.read(c), "abc");
}

Script::Options without_keepalive() {
  Script::Options options;
  options.tcp.keepalive_idle = {};
  return options;
}

TEST(TcpTimestamps, ClockThatWrappedIsEchoedAgain) {
  Script host(without_keepalive());
  (void)host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  host.pass(Duration::seconds(25LL * 24 * 3600));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(900, 0));
  host.pass(Duration::milliseconds(50));
  EXPECT_EQ(host.sent().header.options.timestamps->echo, 900U);
}

// RFC 7323 5.5.
TEST(TcpTimestamps, ClockThatWrappedDuringLongSilenceIsAccepted) {
  Script host(without_keepalive());
  const auto c = host.established(syn(Script::kPeerIss).timestamps(1000, 0));
  host.pass(Duration::seconds(25LL * 24 * 3600));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(900, 0));
  EXPECT_EQ(host.read(c), "abc");
}

// --- out of order ---

TEST(TcpReassemblyPath, EachSegmentBehindAGapIsAnsweredWithSack) {
  Script host;
  const auto c = host.established();
  host.arrives_in_burst(data(host.theirs(3), "def").ack(host.ours(0)));
  host.arrives_in_burst(data(host.theirs(9), "jkl").ack(host.ours(0)));
  const Segment first = host.sent();
  EXPECT_EQ(first.header.acknowledgement, host.theirs(0));
  ASSERT_EQ(first.header.options.sack.size(), 1U);
  const Segment second = host.sent();
  ASSERT_EQ(second.header.options.sack.size(), 2U);
  // RFC 2018 4: the latest first.
  EXPECT_EQ(second.header.options.sack.view()[0].left, host.theirs(9));
  EXPECT_EQ(second.header.options.sack.view()[1].right, host.theirs(6));
  EXPECT_EQ(host.read(c), "");
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(6));
  EXPECT_EQ(host.read(c), "abcdef");
  host.arrives(data(host.theirs(6), "ghi").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "ghijkl");
}

TEST(TcpReassemblyPath, FinBehindAGapCountsWhenTheGapIsFilled) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).fin());
  EXPECT_FALSE(host.engine.input_finished(c));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_TRUE(host.engine.input_finished(c));
  EXPECT_EQ(host.read(c), "abcdef");
  host.forget_sent();
  host.pass(Duration::milliseconds(50));
  EXPECT_TRUE(host.silent());
}

TEST(TcpReassemblyPath, OutOfOrderTextIsDroppedWhilePacketsAreScarce) {
  Script::Options options;
  options.packets = 32;
  Script host(options);
  const auto c = host.established();
  std::vector<base::PacketPtr> taken;
  for (int i = 0; i < 29; ++i) taken.emplace_back(host.pool.allocate());
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
  EXPECT_EQ(host.counted(NetCounter::kTcpPacketsLow), 1U);
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "abc");
}

// A pool that holds so many packets and has handed out all but a few.
struct ScarcePool {
  static constexpr std::size_t kPackets = 32;
  ScarcePool() {
    for (std::size_t i = 0; i + 2 < kPackets; ++i) taken.emplace_back(pool.allocate());
  }
  base::MemoryPacketPool pool{kPackets};
  std::vector<base::PacketPtr> taken;
};

TEST(TcpForwardedText, IsDroppedWhilePacketsAreScarceWhereItWasReceived) {
  ScarcePool received;
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.foreign_pool = &received.pool;
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));  // behind what nobody has read
  host.arrives(data(host.theirs(9), "jkl").ack(host.ours(0)));  // out of order
  EXPECT_EQ(host.counted(NetCounter::kTcpPacketsLow), 2U);
  EXPECT_EQ(received.pool.available(), 2U);
  EXPECT_EQ(host.read(c), "abc");
}

TEST(TcpForwardedText, IsKeptWhilePacketsAreScarceHereOnly) {
  base::MemoryPacketPool received(256);
  Script::Options options;
  options.packets = 32;
  Script host(options);
  const auto c = host.established();
  std::vector<base::PacketPtr> taken;
  for (int i = 0; i < 28; ++i) taken.emplace_back(host.pool.allocate());
  host.foreign_pool = &received;
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
  while (host.pool.available() > 1) taken.emplace_back(host.pool.allocate());
  host.arrives(data(host.theirs(6), "ghi").ack(host.ours(0)));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.counted(NetCounter::kTcpPacketsLow), 0U);
  EXPECT_EQ(host.read(c), "abcdefghi");
}

// --- the window ---

TEST(TcpReceiveWindow, ShutsWhileNothingIsReadAndOpensWhenItIs) {
  Script host;
  const auto c = host.established();
  std::uint32_t at = 0;
  std::uint16_t window = 0xffff;
  while (at < 100'000) {
    host.arrives(data(host.theirs(at), std::string(1000, 'a')).ack(host.ours(0)));
    at += 1000;
    for (const Segment& answer : host.all_sent()) window = answer.header.window;
    if (window < 1000) break;
  }
  EXPECT_LT(window, 1000);
  EXPECT_LE(at, 64U * 1024);
  const std::size_t read = host.read(c).size();
  EXPECT_LE(read, 32U * 1024);
  // The window update.
  EXPECT_GE(host.sent().header.window, 30'000);
}

// Without window scaling a buffer of more than the field can say is no reason to keep talking.
TEST(TcpReceiveWindow, LargeBufferWithoutScalingSendsNoNeedlessUpdates) {
  Script::Options options;
  options.tcp.receive_buffer = 1 << 20;
  Script host(options);
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.forget_sent();
  EXPECT_EQ(host.read(c), "abc");
  EXPECT_TRUE(host.silent());
}

TEST(TcpReceiveWindow, TextBeyondItIsCutOff) {
  Script::Options options;
  options.tcp.receive_buffer = 4'096;
  Script host(options);
  const auto c = host.established();
  host.arrives(data(host.theirs(0), std::string(1'400, 'a')).ack(host.ours(0)));
  host.arrives(data(host.theirs(1'400), std::string(1'400, 'b')).ack(host.ours(0)).fin());
  EXPECT_EQ(host.read(c).size(), 2'048U);
  EXPECT_FALSE(host.engine.input_finished(c));
}

TEST(TcpReceiveWindow, ZeroWindowProbeIsAnsweredAndItsAckHeard) {
  Script::Options options;
  options.tcp.receive_buffer = 4'096;
  Script host(options);
  const auto c = host.established();
  host.write(c, "hello");
  host.arrives(data(host.theirs(0), std::string(1'400, 'a')).ack(host.ours(0)));
  host.arrives(data(host.theirs(1'400), std::string(648, 'b')).ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(2'048), "p").ack(host.ours(5)));
  const Segment answer = host.sent();
  EXPECT_EQ(answer.header.acknowledgement, host.theirs(2'048));
  EXPECT_EQ(answer.header.window, 0);
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
}

// The window's unit is 16 bytes here; to round up must not give room again and again.
TEST(TcpReceiveWindow, TinySegmentsDoNotCreepPastAFullBuffer) {
  Script::Options options;
  options.packets = 1024;
  options.tcp.receive_buffer = 1 << 20;
  Script host(options);
  const auto c = host.established(syn(Script::kPeerIss).scale(7));
  std::uint32_t at = 0;
  for (const std::size_t size : {1'000UL, 1UL}) {
    for (int i = 0; i < 5'000; ++i) {
      host.arrives(data(host.theirs(at), std::string(size, 'x')).ack(host.ours(0)));
      host.pass(Duration::milliseconds(41));
      const auto answers = host.all_sent();
      ASSERT_FALSE(answers.empty());
      at = static_cast<std::uint32_t>(answers.back().header.acknowledgement - host.theirs(0));
    }
  }
  EXPECT_LE(host.read(c).size(), std::size_t{1} << 19);
}

TEST(TcpReceiveWindow, OneByteSegmentsDoNotPinThePool) {
  Script host;
  const auto c = host.established();
  for (std::uint32_t i = 0; i < 3'000; ++i) {
    host.arrives(data(host.theirs(i), "x").ack(host.ours(0)));
  }
  EXPECT_LE(host.packets_out(), 3U);
  EXPECT_EQ(host.read(c).size(), 3'000U);
}

TEST(TcpReceiveWindow, OneByteSegmentsBehindAGapDoNotPinThePool) {
  Script host;
  (void)host.established();
  for (std::uint32_t i = 1; i < 3'000; ++i) {
    host.arrives(data(host.theirs(i), "x").ack(host.ours(0)));
  }
  EXPECT_LE(host.packets_out(), 3U);
}

TEST(TcpReceiveWindow, ScatteredBytesAreBounded) {
  Script host;
  (void)host.established();
  for (std::uint32_t i = 1; i < 10'000; i += 2) {
    host.arrives(data(host.theirs(i), "x").ack(host.ours(0)));
  }
  EXPECT_LE(host.packets_out() * 2'400, 2 * 64U * 1024);
  EXPECT_GT(host.counted(NetCounter::kTcpReassemblyFull), 0U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
