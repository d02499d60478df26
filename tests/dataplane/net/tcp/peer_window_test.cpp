// What the peer's window lets out: silly windows, zero-window probes, and where acknowledgments
// stand while it is shut (RFC 9293 3.8.6).
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::PacketPtr;
using base::PacketQueue;

TEST(TcpPeerWindow, IsRespected) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).window(3'000));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(3'000));
  host.write(c, 10'000);
  EXPECT_EQ(host.all_sent().size(), 3U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(3'000)).window(1'000));
  EXPECT_EQ(host.all_sent().size(), 1U);
}

// RFC 9293 3.8.6.2.1.
TEST(TcpPeerWindow, SillyWindowIsNotFilled) {
  Script host;
  const auto c = host.established();
  host.write(c, 10'000);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(9'000)).window(1'200));
  EXPECT_TRUE(host.silent());
  host.write(c, 5'000);
  host.arrives(bare(host.theirs(0)).ack(host.ours(10'000)).window(700));
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(10'000)).window(2'000));
  EXPECT_FALSE(host.silent());
}

// RFC 9293 3.8.6.1 (MUST-35, MUST-36).
TEST(TcpPeerWindow, ZeroIsProbedWithBackOffForAsLongAsThePeerAnswers) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  host.write(c, "hello");
  EXPECT_TRUE(host.silent());
  for (int minute = 0; minute < 10; ++minute) {
    host.pass(Duration::seconds(60));
    EXPECT_FALSE(host.silent());
    for (const Segment& probe : host.all_sent()) {
      EXPECT_EQ(probe.text, "h");
      EXPECT_EQ(probe.header.sequence, host.ours(0));
    }
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  }
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_LT(host.counted(NetCounter::kTcpWindowProbes), 30U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  std::string text;
  for (const Segment& segment : host.all_sent()) text += segment.text;
  EXPECT_EQ(text, "hello");
}

TEST(TcpPeerWindow, ZeroAndSilenceTimesOut) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  host.write(c, "hello");
  host.pass(Duration::seconds(200));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->reason, CloseReason::kTimedOut);
}

// Silence counts from the first probe on: until then nobody has asked the peer anything.
TEST(TcpPeerWindow, ZeroForLongIsProbedBeforeThePeerIsGivenUp) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  host.pass(Duration::seconds(300));
  host.write(c, "hello");
  host.pass(Duration::milliseconds(1'500));
  EXPECT_EQ(host.sent().text, "h");
  host.pass(Duration::seconds(110));
  EXPECT_FALSE(host.engine.next_event());
  host.pass(Duration::seconds(80));
  EXPECT_EQ(host.close_reason(), CloseReason::kTimedOut);
}

TEST(TcpPeerWindow, FinAloneIsProbedThroughAShutWindow) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  host.finish(c);
  EXPECT_TRUE(host.silent());
  host.pass(Duration::seconds(2));
  EXPECT_TRUE(host.sent().header.flags.fin);
}

// RFC 9293 3.10.7.4: the peer drops what lies beyond its window, and it has refused the probe.
TEST(TcpPeerWindow, AckBehindARefusedProbeStandsInTheWindow) {
  for (const bool scaled : {false, true}) {
    Script host;
    Segment first = syn(Script::kPeerIss).mss(1000);
    const auto c = host.established(scaled ? first.scale(7) : first);
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
    host.write(c, "hello");
    host.pass(Duration::seconds(2));
    EXPECT_GT(host.counted(NetCounter::kTcpWindowProbes), 0U);
    host.forget_sent();
    host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).window(0));
    host.pass(Duration::milliseconds(50));
    const Segment ack = host.sent();
    EXPECT_EQ(ack.header.acknowledgement, host.theirs(3));
    EXPECT_EQ(ack.header.sequence, host.ours(0));
    // RFC 5961 3.2: a reset counts at the number that the peer expects and nowhere else.
    host.engine.abort(host.now, c);
    const Segment reset = host.sent();
    EXPECT_TRUE(reset.header.flags.rst);
    EXPECT_EQ(reset.header.sequence, host.ours(0));
  }
}

// Each side has probed the other's window, which a segment that came late shut again, and each
// probe was taken: both send from numbers that the other has passed. One of them has to listen.
TEST(TcpPeerWindow, TwoSidesThatTakeEachOthersForShutHearEachOther) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  host.write(c, "hello");
  host.pass(Duration::seconds(2));
  EXPECT_EQ(host.engine.unacknowledged(c), 5U);
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).window(0));
  EXPECT_EQ(host.read(c), "abc");
  host.forget_sent();
  // The peer has our probe, and not our acknowledgment.
  host.arrives(data(host.theirs(0), "a").ack(host.ours(1)).window(0));
  EXPECT_EQ(host.engine.unacknowledged(c), 4U);
  const Segment ack = host.sent();
  EXPECT_EQ(ack.header.sequence, host.ours(1));
  EXPECT_EQ(ack.header.acknowledgement, host.theirs(3));
}

// RFC 5961 5: what lies further back than any window was wide is nobody's who knows the connection.
TEST(TcpPeerWindow, AckFromFarBehindIsNotHeard) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  host.arrives(data(host.theirs(0) - 0x10000, "a").ack(host.ours(5)));
  EXPECT_EQ(host.engine.unacknowledged(c), 5U);
  host.arrives(data(host.theirs(0) - 0xffff, "a").ack(host.ours(5)));
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
}

// RFC 7323 2.4: a scaled window is rounded down, and its edge seems to go back a little.
TEST(TcpPeerWindow, AckAtTheEndOfARoundedWindowKeepsItsNumber) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(7));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(16));
  host.write(c, 2'048);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)).window(8));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(1'000)).window(8));
  host.pass(Duration::milliseconds(50));
  EXPECT_EQ(host.sent().header.sequence, host.ours(2'048));
}

// A segment that fits, but not its FIN.
TEST(TcpPeerWindow, FinWaitsWhereOnlyTheTextFits) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(5));
  host.write(c, "hell");
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(4)).window(0));
  PacketPtr packet(host.pool.allocate());
  base::copy(packet->append(5), base::bytes_of("world"));
  PacketQueue queue;
  queue.push_back(std::move(packet));
  host.engine.send(host.now, c, std::move(queue));
  host.finish(c);
  host.arrives(bare(host.theirs(0)).ack(host.ours(4)).window(5));
  const Segment text = host.sent();
  EXPECT_EQ(text.text, "world");
  EXPECT_FALSE(text.header.flags.fin);
  EXPECT_TRUE(host.silent());
  host.arrives(bare(host.theirs(0)).ack(host.ours(9)).window(100));
  EXPECT_TRUE(host.sent().header.flags.fin);
}

}  // namespace
}  // namespace sluice::net::tcp::test
