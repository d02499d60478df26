// RFC 9293 3.7.4 and 3.8: when text is sent, how long it is tried, and the windows of both sides;
// the retransmission timeout of RFC 6298.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

Segment ack_of(const Script& host, std::uint32_t bytes) {
  return bare(host.theirs(0)).ack(host.ours(bytes));
}

// How long until something is sent, in milliseconds, with a bound.
std::int64_t silence_ms(Script& host) {
  std::int64_t waited = 0;
  while (host.silent() && waited < 200'000) {
    host.pass(Duration::milliseconds(1));
    ++waited;
  }
  return waited;
}

Segment without_sack() {
  return syn(Script::kPeerIss).mss(1000);
}

// --- 3.7.4: the Nagle algorithm ---

// MUST-17: "there MUST be a way for an application to disable the Nagle algorithm on an individual
// connection": it is never used.
TEST(Rfc9293Nagle, SmallWritesGoOutAtOnce) {
  Script host;
  const auto c = host.established();
  for (std::uint32_t i = 0; i < 5; ++i) {
    host.write(c, "x");
    EXPECT_EQ(host.sent().header.sequence, host.ours(i));
  }
}

// --- 3.9.1.2: pushes ---

// MUST-60: a sender without PUSH calls "MUST NOT buffer data indefinitely"; MUST-61: it "MUST set
// the PSH bit in the last buffered segment".
TEST(Rfc9293Push, LastBufferedSegmentCarriesIt) {
  Script host;
  const auto c = host.established();
  host.write(c, 12'500);
  auto first = host.all_sent();
  ASSERT_EQ(first.size(), 10U);
  for (const Segment& segment : first) EXPECT_FALSE(segment.header.flags.psh);
  host.arrives(ack_of(host, 10'000));
  const auto rest = host.all_sent();
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_FALSE(rest[1].header.flags.psh);
  EXPECT_TRUE(rest[2].header.flags.psh);
}

// --- 3.8.1 and RFC 6298: the retransmission timeout ---

// MUST-18, RFC 6298 2.1: a second before anything was measured, 5.5: doubled with each timeout.
TEST(Rfc6298, SynIsRepeatedAfterASecondAndThenTwiceAsLong) {
  Script host;
  (void)host.connecting(Duration::seconds(100));
  for (const std::int64_t expected : {1'000, 2'000, 4'000, 8'000}) {
    EXPECT_NEAR(static_cast<double>(silence_ms(host)), static_cast<double>(expected), 2);
    EXPECT_EQ(host.sent().header.flags, wire::TcpFlags{.syn = true});
  }
}

// RFC 6298 5.7: "If the timer expires awaiting the ACK of a SYN segment and the TCP implementation
// is using an RTO less than 3 seconds, the RTO MUST be re-initialized to 3 seconds when data
// transmission begins".
TEST(Rfc6298, TimeoutIsThreeSecondsWhereTheSynHadToBeRepeated) {
  Script host;
  const auto c = host.connecting();
  host.pass(Duration::milliseconds(1'100));
  host.forget_sent();
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)).mss(1000));
  host.forget_sent();
  host.write(c, "hello");
  EXPECT_EQ(host.sent().text, "hello");
  EXPECT_NEAR(static_cast<double>(silence_ms(host)), 3'000, 2);
}

// RFC 6298 3: "TCP MUST use Karn's algorithm for taking RTT samples. That is, RTT samples MUST NOT
// be made using segments that were retransmitted", and 5: the timeout stays backed off until one is
// made.
TEST(Rfc6298, RetransmittedSegmentIsNotMeasured) {
  Script host;
  const auto c = host.established(without_sack());
  host.write(c, "a");
  host.forget_sent();
  for (const std::int64_t expected : {200, 400}) {
    EXPECT_NEAR(static_cast<double>(silence_ms(host)), static_cast<double>(expected), 2);
    host.forget_sent();
  }
  host.arrives(ack_of(host, 1));
  host.write(c, "b");
  host.forget_sent();
  EXPECT_NEAR(static_cast<double>(silence_ms(host)), 800, 2);
  host.forget_sent();
  host.arrives(ack_of(host, 2));
  // The first that is acknowledged without having been repeated.
  host.write(c, "c");
  host.arrives(ack_of(host, 3));
  host.write(c, "d");
  host.forget_sent();
  EXPECT_LT(silence_ms(host), 210);
}

// RFC 6298 3: "unless the timestamp option is used", which tells the two apart.
TEST(Rfc6298, RetransmittedSegmentIsMeasuredByItsTimestamp) {
  Script host;
  const auto c = host.established(without_sack().timestamps(700, 0));
  host.write(c, "a");
  host.pass(Duration::milliseconds(205));
  const auto sent = host.all_sent();
  ASSERT_EQ(sent.size(), 2U);
  host.pass(Duration::milliseconds(30));
  host.arrives(ack_of(host, 1).timestamps(701, sent[1].header.options.timestamps->value));
  host.write(c, "b");
  host.forget_sent();
  EXPECT_LT(silence_ms(host), 260);
}

// RFC 6298 5.3: "When an ACK is received that acknowledges new data, restart the retransmission
// timer so that it will expire after RTO seconds".
TEST(Rfc6298, TimerStartsOverWithEachAckOfNewData) {
  Script host;
  const auto c = host.established(without_sack());
  host.write(c, 5'000);
  host.forget_sent();
  for (std::uint32_t acked = 1'000; acked <= 4'000; acked += 1'000) {
    host.pass(Duration::milliseconds(150));
    host.arrives(ack_of(host, acked));
  }
  EXPECT_TRUE(host.silent());
  EXPECT_GE(silence_ms(host), 199);
  EXPECT_EQ(host.sent().header.sequence, host.ours(4'000));
}

// RFC 6298 5.2: "When all outstanding data has been acknowledged, turn off the retransmission
// timer".
TEST(Rfc6298, TimerIsOffWhenNothingIsOutstanding) {
  Script host;
  const auto c = host.established(without_sack());
  host.write(c, "hello");
  host.forget_sent();
  host.arrives(ack_of(host, 5));
  host.pass(Duration::seconds(600));
  EXPECT_TRUE(host.silent());
}

// RFC 6298 2.5: a bound on the timeout, "at least 60 seconds".
TEST(Rfc6298, TimeoutIsBoundedAtSixtySeconds) {
  Script::Options options;
  options.tcp.user_timeout = Duration::seconds(1'000);
  Script host(options);
  const auto c = host.established(without_sack());
  host.write(c, "hello");
  host.forget_sent();
  std::int64_t longest = 0;
  for (int i = 0; i < 12; ++i) {
    longest = std::max(longest, silence_ms(host));
    host.forget_sent();
  }
  EXPECT_NEAR(static_cast<double>(longest), 60'000, 2);
}

// --- 3.8.2: congestion control ---

// MUST-19: slow start, congestion avoidance and exponential back-off. A timeout leaves one segment
// of the window, and slow start ends at half of what was in flight then (RFC 5681 3.1; with CUBIC,
// RFC 9438 4.6, at seven tenths).
TEST(Rfc9293Congestion, TimeoutIsFollowedBySlowStartUpToTheThreshold) {
  Script::Options options;
  options.packets = 512;
  options.tcp.send_buffer = 1 << 20;
  Script host(options);
  const auto c = host.established(without_sack());
  host.write(c, 200'000);
  EXPECT_EQ(host.all_sent().size(), 10U);
  host.pass(Duration::milliseconds(250));
  EXPECT_EQ(host.all_sent().size(), 1U);
  // All of the first flight has arrived; then each acknowledgment lets two segments out, until the
  // window is seven segments, and hardly more than one from there on.
  std::uint32_t acked = 10'000;
  const auto acknowledge = [&] {
    host.arrives(ack_of(host, acked));
    host.pass(Duration::milliseconds(50));
    acked += 1'000;
    return host.all_sent().size();
  };
  EXPECT_EQ(acknowledge(), 2U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(acknowledge(), 2U);
  std::size_t sent = 0;
  for (int i = 0; i < 6; ++i) sent += acknowledge();
  EXPECT_LE(sent, 8U);
}

// --- 3.8.3: connection failures ---

// MUST-20 (c), MUST-21: the connection is closed after R2, which is the user's to set.
TEST(Rfc9293Failure, ConnectionIsClosedAfterTheTimeThatTheUserSets) {
  for (const std::int64_t seconds : {20, 300}) {
    Script::Options options;
    options.tcp.user_timeout = Duration::seconds(seconds);
    Script host(options);
    const auto c = host.established();
    host.write(c, "hello");
    host.pass(Duration::seconds(seconds - 1));
    EXPECT_FALSE(host.engine.next_event());
    host.pass(Duration::seconds(62));
    const auto event = host.engine.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->connection, c);
    EXPECT_EQ(event->reason, CloseReason::kTimedOut);
    EXPECT_TRUE(host.all_sent().back().header.flags.rst);
  }
}

// MUST-22, MUST-23: SYNs are handled in the same way, with a time that may be three minutes and
// more; the application is told.
TEST(Rfc9293Failure, SynIsRepeatedForThreeMinutesWhereTheUserWaits) {
  Script host;
  (void)host.connecting(Duration::seconds(190));
  host.pass(Duration::seconds(180));
  EXPECT_FALSE(host.engine.next_event());
  host.forget_sent();
  host.pass(Duration::seconds(9));
  EXPECT_EQ(host.sent().header.flags, wire::TcpFlags{.syn = true});
  host.pass(Duration::seconds(2));
  EXPECT_EQ(host.close_reason(), CloseReason::kTimedOut);
}

// --- 3.8.6: the peer's window ---

// MUST-34: "a sending TCP peer MUST be robust against window shrinking, which may cause the 'usable
// window' to become negative".
TEST(Rfc9293PeerWindow, MayShrinkBelowWhatIsInFlight) {
  Script host;
  const auto c = host.established();
  host.write(c, 8'000);
  EXPECT_EQ(host.all_sent().size(), 8U);
  host.arrives(ack_of(host, 1'000).window(2'000));
  host.write(c, 8'000);
  // Nothing new; what is out there may be sent again.
  for (int i = 0; i < 10; ++i) {
    host.pass(Duration::milliseconds(100));
    for (const Segment& segment : host.all_sent()) {
      EXPECT_LT(segment.header.sequence, host.ours(8'000));
    }
  }
  EXPECT_FALSE(host.engine.next_event());
  host.arrives(ack_of(host, 8'000));
  std::size_t bytes = 0;
  for (int i = 0; i < 20; ++i) {
    host.pass(Duration::milliseconds(200));
    for (const Segment& segment : host.all_sent()) {
      EXPECT_EQ(segment.header.sequence, host.ours(8'000 + static_cast<std::uint32_t>(bytes)));
      bytes += segment.text.size();
    }
    host.arrives(ack_of(host, 8'000 + static_cast<std::uint32_t>(bytes)));
  }
  EXPECT_EQ(bytes, 8'000U);
}

// MUST-35: "If the window shrinks to zero, the TCP implementation MUST probe it in the standard
// way".
TEST(Rfc9293PeerWindow, ThatShrinksToZeroIsProbed) {
  Script host;
  const auto c = host.established();
  host.write(c, 5'000);
  host.forget_sent();
  host.arrives(ack_of(host, 1'000).window(0));
  for (int minute = 0; minute < 5; ++minute) {
    host.pass(Duration::seconds(60));
    const auto probes = host.all_sent();
    ASSERT_FALSE(probes.empty());
    for (const Segment& probe : probes) EXPECT_EQ(probe.header.sequence, host.ours(1'000));
    host.arrives(ack_of(host, 1'000).window(0));
  }
  EXPECT_FALSE(host.engine.next_event());
  host.arrives(ack_of(host, 1'000));
  SeqNumber next = host.ours(1'000);
  for (int i = 0; i < 20 && host.engine.unacknowledged(c) > 0; ++i) {
    for (const Segment& segment : host.all_sent()) {
      if (segment.header.sequence == next) next += static_cast<std::uint32_t>(segment.text.size());
    }
    host.arrives(bare(host.theirs(0)).ack(next));
    host.pass(Duration::milliseconds(100));
  }
  EXPECT_EQ(next, host.ours(5'000));
}

// 3.8.6.1: "The transmitting host SHOULD send the first zero-window probe when a zero window has
// existed for the retransmission timeout period", "and SHOULD increase exponentially the interval
// between successive probes" (SHLD-29, SHLD-30).
TEST(Rfc9293PeerWindow, ProbesComeAfterATimeoutAndFurtherAndFurtherApart) {
  Script host;
  const auto c = host.established();
  host.arrives(ack_of(host, 0).window(0));
  host.write(c, "hello");
  for (const std::int64_t expected : {200, 400, 800, 1'600}) {
    EXPECT_NEAR(static_cast<double>(silence_ms(host)), static_cast<double>(expected), 2);
    host.forget_sent();
    host.arrives(ack_of(host, 0).window(0));
  }
}

// MUST-38: "A TCP implementation MUST include a SWS avoidance algorithm in the sender": less than a
// segment is sent only where it is half of the largest window, or all there is.
TEST(Rfc9293PeerWindow, IsFilledByFullSegmentsOrHalvesOfTheLargestWindow) {
  Script host;
  host.syn_received(syn(Script::kPeerIss).mss(1000).window(1'500));
  host.arrives(ack_of(host, 0).window(600));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  host.write(event->connection, 5'000);
  EXPECT_TRUE(host.silent());
  host.arrives(ack_of(host, 0).window(800));
  EXPECT_EQ(host.sent().text.size(), 800U);
  Script other;
  const auto c = other.established();
  other.arrives(ack_of(other, 0).window(600));
  other.write(c, "all there is");
  EXPECT_EQ(other.sent().text, "all there is");
}

// --- 3.8.6.2.2: our own window ---

// MUST-39: "A TCP implementation MUST include a SWS avoidance algorithm in the receiver": the right
// edge moves by a segment or half the buffer, or not at all.
TEST(Rfc9293OwnWindow, OpensByASegmentOrNotAtAll) {
  Script::Options options;
  options.tcp.receive_buffer = 64 * 1024;
  Script host(options);
  const auto c = host.established();
  SeqNumber edge = host.theirs(0);
  std::uint32_t at = 0;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint32_t size = 1 + static_cast<std::uint32_t>(i * 37 % 90);
    host.arrives(data(host.theirs(at), std::string(size, 'x')).ack(host.ours(0)));
    at += size;
    if (i % 3 == 0) (void)host.read(c);
    host.pass(Duration::milliseconds(50));
    for (const Segment& answer : host.all_sent()) {
      const SeqNumber offered = answer.header.acknowledgement + answer.header.window;
      EXPECT_TRUE(offered == edge || offered - edge >= 1'000) << offered - edge;
      EXPECT_GE(offered, edge);
      edge = offered;
    }
  }
  EXPECT_GT(at, 64'000U);
}

// SHLD-14: "A TCP receiver SHOULD NOT shrink the window".
TEST(Rfc9293OwnWindow, EdgeIsNeverTakenBack) {
  Script host;
  (void)host.established();
  SeqNumber edge = host.theirs(0);
  for (std::uint32_t i = 0; i < 200; ++i) {
    const std::uint32_t at = i % 5 == 0 ? i * 700 + 20'000 : i * 100;
    host.arrives(data(host.theirs(at), std::string(100, 'x')).ack(host.ours(0)));
    for (const Segment& answer : host.all_sent()) {
      const SeqNumber offered = answer.header.acknowledgement + answer.header.window;
      EXPECT_GE(offered, edge);
      edge = offered;
    }
  }
}

// --- 3.8.6.3: delayed acknowledgments ---

// MUST-40: "the delay MUST be less than 0.5 seconds", whatever arrives, and in whatever state.
TEST(Rfc9293DelayedAck, IsLessThanHalfASecondLate) {
  Script host;
  const auto c = host.established();
  std::uint32_t at = 0;
  for (int i = 0; i < 200; ++i) {
    const std::uint32_t size = 1 + static_cast<std::uint32_t>(i * 61 % 999);
    host.arrives(data(host.theirs(at), std::string(size, 'x')).ack(host.ours(0)));
    at += size;
    (void)host.read(c);
    host.pass(Duration::milliseconds(499));
    const auto answers = host.all_sent();
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.back().header.acknowledgement, host.theirs(at));
    if (i % 50 == 0) host.pass(Duration::seconds(5));
  }
}

}  // namespace
}  // namespace sluice::net::tcp::test
