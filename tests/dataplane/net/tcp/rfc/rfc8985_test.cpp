// RFC 8985, RACK-TLP: losses are told by the times at which segments were sent, and a silent tail
// is probed.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/dataplane/net/tcp/support/segments.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr Duration kRtt = Duration::milliseconds(20);

ConnectionHandle opened(Script& host, Duration rtt = kRtt) {
  return host.established(syn(Script::kPeerIss).mss(kMss).sack_permitted(), rtt);
}

// --- 4: requirements ---

// 4 (1): "The connection MUST use selective acknowledgment (SACK) options". Without, it is
// duplicates that are counted, and 4 (4): "TLP requires RACK".
TEST(Rfc8985Requirements, WithoutSackNeitherTimesNorProbesAreUsed) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(kMss), kRtt);
  send(host, c, 4);
  host.pass(kRtt);
  host.arrives(ack_of(host, 0));
  host.pass(kRtt * 5);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 0U);
}

// 4 (1): "the sender MUST keep SACK scoreboard information on a per-connection basis": what one
// block has said is not forgotten with the next one.
TEST(Rfc8985Requirements, BlocksOfEarlierAcksStayOnTheScoreboard) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt);
  host.arrives(sack_of(host, 0, 1, 2));
  host.arrives(sack_of(host, 0, 3, 4));
  host.pass(kRtt / 2);
  auto again = host.all_sent();
  host.arrives(ack_of(host, 2));
  host.pass(kRtt);
  for (Segment& segment : host.all_sent()) again.push_back(std::move(segment));
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].header.sequence, host.ours(0));
  EXPECT_EQ(again[1].header.sequence, host.ours(2 * kMss));
}

// 4 (2): "the sender MUST store its most recent transmission time with a timestamp whose
// granularity is finer than 1/4 of the minimum RTT of the connection", here of a millisecond.
TEST(Rfc8985Requirements, TransmissionTimesAreFinerThanAQuarterOfAMillisecond) {
  for (const bool late : {false, true}) {
    Script host;
    const auto c = opened(host, Duration::milliseconds(1));
    send(host, c, 1);
    host.now = host.now + Duration::microseconds(late ? 300 : 200);
    send(host, c, 1);
    host.now = host.now + Duration::milliseconds(1);
    // The reordering window is a quarter of a millisecond.
    host.arrives(sack_of(host, 0, 1, 2));
    EXPECT_EQ(host.all_sent().size(), late ? 1U : 0U);
  }
}

// 4 (2) and 6.1: the most recent time, so that a retransmission that is lost is found lost too.
TEST(Rfc8985Requirements, LostRetransmissionIsSentAgainWithoutATimeout) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt);
  host.arrives(sack_of(host, 0, 1, 4));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
  host.pass(kRtt / 2);
  send(host, c, 1);
  host.pass(kRtt + Duration::milliseconds(6));
  host.arrives(sack_of(host, 0, 1, 5));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
}

// --- 3.3.2: the reordering window ---

// 3.3.2 (3): "The RACK reordering window MUST be bounded, and this bound SHOULD be SRTT."
TEST(Rfc8985ReorderingWindow, GrowsWithDuplicatesToOneRoundTripAtMost) {
  Script host;
  const auto c = opened(host);
  std::uint32_t at = 0;
  const auto send_two_and_hear_of_the_second = [&] {
    host.pass(kRtt * 2);
    send(host, c, 2);
    host.pass(kRtt);
    host.arrives(sack_of(host, at, at + 1, at + 2));
  };
  send_two_and_hear_of_the_second();
  at += 2;
  host.arrives(ack_of(host, at));  // the path reorders
  std::int64_t waited_ms = 0;
  for (int round = 0; round < 40; ++round) {
    send_two_and_hear_of_the_second();
    for (waited_ms = 0; host.silent() && waited_ms < 100; ++waited_ms) {
      host.pass(Duration::milliseconds(1));
    }
    host.forget_sent();
    at += 2;
    host.arrives(sack_of(host, at, at - 2, at - 1));  // it was a duplicate
  }
  EXPECT_NEAR(static_cast<double>(waited_ms), 20, 2);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
}

// --- 6.2: upon receiving an acknowledgment ---

// 6.2, step 2: what comes sooner than any round trip after a retransmission acknowledges the
// original, and says nothing of what was sent before the retransmission.
TEST(Rfc8985Rack, AckThatComesTooSoonForTheRetransmissionIsNotItsAck) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt * 2 + Duration::milliseconds(1));
  EXPECT_EQ(host.sent().header.sequence, host.ours(3 * kMss));  // the probe
  host.pass(Duration::milliseconds(5));
  host.arrives(sack_of(host, 0, 3, 4));
  host.pass(Duration::milliseconds(50));
  EXPECT_TRUE(host.silent());
  host.arrives(ack_of(host, 4));
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 0U);
}

// 6.2, step 2: and so does what echoes a timestamp from before the retransmission, however late.
TEST(Rfc8985Rack, AckThatEchoesWhatWasSentBeforeTheRetransmissionIsNotItsAck) {
  for (const bool of_probe : {false, true}) {
    Script host;
    const auto c =
        host.established(syn(Script::kPeerIss).mss(kMss).sack_permitted().timestamps(1, 0), kRtt);
    const auto size = static_cast<std::uint32_t>(host.engine.segment_size(c));
    host.write(c, 4 * size);
    const std::uint32_t first_sent = host.all_sent().back().header.options.timestamps->value;
    host.pass(kRtt * 2 + Duration::milliseconds(1));
    const Segment probe = host.sent();
    EXPECT_EQ(probe.header.sequence, host.ours(3 * size));
    const std::uint32_t echo = of_probe ? probe.header.options.timestamps->value : first_sent;
    host.pass(kRtt + Duration::milliseconds(5));
    host.arrives(bare(host.theirs(0))
                     .ack(host.ours(0))
                     .sack(host.ours(3 * size), host.ours(4 * size))
                     .timestamps(3, echo));
    // What was sent before the probe is lost where it is the probe that has arrived.
    EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), of_probe ? 1U : 0U);
    EXPECT_EQ(host.silent(), !of_probe);
  }
}

// 6.2, step 2: RACK.rtt is the round trip of what was delivered last, also where that was sent
// before RACK.segment: on a path that slows down, patience grows with each late arrival.
TEST(Rfc8985Rack, RoundTripIsThatOfWhatWasDeliveredLast) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt);
  host.arrives(sack_of(host, 0, 3, 4));
  host.pass(Duration::milliseconds(3));
  host.arrives(sack_of(host, 0, 1, 2));
  // 23 milliseconds since they were sent, and a quarter of the shortest round trip.
  host.pass(Duration::milliseconds(4));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(2));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
}

// 6.2, step 5: what was sent again is judged by the time of that, which lies behind that of
// segments with higher numbers.
TEST(Rfc8985Rack, RetransmissionIsJudgedByItsOwnTime) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt - Duration::milliseconds(5));
  send(host, c, 1);
  host.pass(Duration::milliseconds(5));
  host.arrives(sack_of(host, 0, 1, 4));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
  host.pass(kRtt - Duration::milliseconds(5));
  host.arrives(sack_of(host, 0, 1, 5));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(5));
  host.arrives(ack_of(host, 5));
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 1U);
}

// 6.3: the timeout resends what is oldest first.
TEST(Rfc8985Rack, TimeoutTakesTheFirstOutstandingSegmentForLost) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  while (host.counted(NetCounter::kTcpTimeouts) == 0) {
    host.forget_sent();
    host.pass(Duration::milliseconds(1));
  }
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
}

// 6.3: "RACK marks the first outstanding segment as lost", and of the others those that were sent
// RACK.rtt + RACK.reo_wnd ago: what has just been sent may still arrive.
TEST(Rfc8985Rack, TimeoutLeavesWhatWasSentWithinARoundTripInTheNetwork) {
  Script host;
  const auto c = opened(host);
  send(host, c, 1);
  host.pass(kRtt);
  host.arrives(ack_of(host, 1));
  send(host, c, 4);
  host.pass(kRtt * 2 + Duration::milliseconds(1));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  host.pass(Duration::milliseconds(205));
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
  send(host, c, 1);
  while (host.counted(NetCounter::kTcpTimeouts) == 0) host.pass(Duration::milliseconds(1));
  EXPECT_EQ(host.sent().header.sequence, host.ours(1 * kMss));
  // All of the four had only been late, and nobody has said anything of the fifth.
  host.pass(Duration::milliseconds(1));
  host.arrives(ack_of(host, 5));
  EXPECT_TRUE(host.silent());
  host.arrives(ack_of(host, 6));
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
}

// --- 7.2 and 7.3: tail loss probes ---

// Where a lone segment's probe comes before its timeout: peers may delay acknowledgments.
Script::Options long_timeouts() {
  Script::Options options;
  options.tcp.rto_minimum = Duration::seconds(1);
  return options;
}

constexpr Duration kProbeOfALoneSegment = Duration::milliseconds(245);

// 7.2: two round trips.
TEST(Rfc8985TailProbe, ComesAfterTwoRoundTripsOfSilence) {
  Script host;
  const auto c = opened(host);
  send(host, c, 3);
  host.pass(kRtt * 2 - Duration::milliseconds(1));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(2));
  EXPECT_EQ(host.sent().header.sequence, host.ours(2 * kMss));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
}

// 7.3: new data first, if there is some and the peer's window allows it.
TEST(Rfc8985TailProbe, IsNewDataWhereTheWindowAllowsIt) {
  Script host;
  const auto c = opened(host);
  host.write(c, 20 * kMss);
  host.pass(kRtt);
  EXPECT_EQ(host.all_sent().size(), 10U);
  host.pass(kRtt * 2);  // from the last of them on
  EXPECT_EQ(host.sent().header.sequence, host.ours(10 * kMss));
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 0U);
}

TEST(Rfc8985TailProbe, IsTheLastSegmentSentWhereTheWindowIsFull) {
  Script host;
  const auto c = opened(host);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(3 * kMss));
  send(host, c, 4);
  host.pass(kRtt * 2 + Duration::milliseconds(1));
  EXPECT_EQ(host.sent().header.sequence, host.ours(2 * kMss));
}

// 7.3, first condition: "no other previous loss probe [is] still in flight", else "the sender MUST
// skip sending a loss probe and MUST proceed to re-arm the RTO timer".
TEST(Rfc8985TailProbe, IsNotFollowedByAnotherWhileItIsInFlight) {
  Script host;
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt * 2 + Duration::milliseconds(1));
  EXPECT_EQ(host.sent().header.sequence, host.ours(3 * kMss));
  host.arrives(ack_of(host, 1));
  host.pass(kRtt * 8);
  EXPECT_TRUE(host.silent());
  host.pass(kRtt * 4);
  EXPECT_EQ(host.sent().header.sequence, host.ours(1 * kMss));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 1U);
}

// 7.3, second condition: "the sender has obtained an RTT measurement since the last loss probe
// transmission".
TEST(Rfc8985TailProbe, IsNotFollowedByAnotherBeforeARoundTripWasMeasured) {
  Script host(long_timeouts());
  const auto c = opened(host);
  send(host, c, 1);
  host.pass(kProbeOfALoneSegment);
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  host.arrives(ack_of(host, 1));  // of one of the two
  send(host, c, 1);
  host.pass(Duration::milliseconds(900));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(200));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 1U);
}

TEST(Rfc8985TailProbe, MayComeAgainOnceARoundTripWasMeasured) {
  Script host(long_timeouts());
  const auto c = opened(host);
  send(host, c, 1);
  host.pass(kProbeOfALoneSegment);
  host.arrives(ack_of(host, 1));
  send(host, c, 1);
  host.pass(kRtt);
  host.arrives(ack_of(host, 2));
  send(host, c, 1);
  host.pass(kProbeOfALoneSegment);
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 2U);
}

// 7.3: "After attempting to send a loss probe, regardless of whether a loss probe was sent, the
// sender MUST re-arm the RTO timer, not the PTO timer".
TEST(Rfc8985TailProbe, IsFollowedByTheRetransmissionTimeout) {
  Script host;
  const auto c = opened(host);
  send(host, c, 3);
  host.pass(kRtt * 2 + Duration::milliseconds(1));
  host.forget_sent();
  host.pass(Duration::milliseconds(210));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(20));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 1U);
}

// --- 7.4: what the acknowledgment of a probe says ---

// The last of four segments is sent again as a probe, and all is acknowledged.
ConnectionHandle probed(Script& host) {
  const auto c = opened(host);
  send(host, c, 4);
  host.pass(kRtt);
  host.arrives(ack_of(host, 3));
  host.pass(kProbeOfALoneSegment);
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  host.forget_sent();
  host.pass(kRtt);
  host.arrives(ack_of(host, 4));
  return c;
}

// What a peer that acknowledges everything gets in four round trips.
std::uint32_t sent_in_four_rounds(Script& host, ConnectionHandle c) {
  host.write(c, 60 * kMss);
  std::uint32_t bytes = 0;
  for (int round = 0; round < 4; ++round) {
    host.pass(kRtt);
    for (const Segment& segment : host.all_sent()) {
      bytes += static_cast<std::uint32_t>(segment.text.size());
    }
    host.arrives(ack_of(host, 4 + bytes / kMss));
  }
  return bytes;
}

// 7.4.2: the probe has repaired a loss that nothing else will show, and congestion control has to
// react to it as to a fast recovery.
TEST(Rfc8985TailProbe, ThatRepairedALossIsAnsweredByCongestionControl) {
  Script host(long_timeouts());
  const auto c = probed(host);
  const std::uint32_t sent = sent_in_four_rounds(host, c);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
  Script other(long_timeouts());
  const auto d = probed(other);
  other.arrives(ack_of(other, 4).sack(other.ours(3 * kMss), other.ours(4 * kMss)));
  EXPECT_GT(sent_in_four_rounds(other, d), sent * 3 / 2);
}

// 7.4.2, case 1: a D-SACK says that the original had arrived.
TEST(Rfc8985TailProbe, ThatIsReportedAsADuplicateIsNoLoss) {
  Script host(long_timeouts());
  const auto c = probed(host);
  host.arrives(ack_of(host, 4).sack(host.ours(3 * kMss), host.ours(4 * kMss)));
  (void)sent_in_four_rounds(host, c);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 0U);
}

// 7.4.2, case 2: a duplicate acknowledgment does where the peer knows no D-SACK.
TEST(Rfc8985TailProbe, ThatADuplicateAckAnswersIsNoLoss) {
  Script host(long_timeouts());
  const auto c = probed(host);
  host.arrives(ack_of(host, 4));
  (void)sent_in_four_rounds(host, c);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 0U);
}

// 7.4.2: the acknowledgment of new data repairs nothing.
TEST(Rfc8985TailProbe, OfNewDataIsNoLoss) {
  Script host;
  const auto c = opened(host);
  send(host, c, 11);
  host.pass(kRtt * 2 + Duration::milliseconds(1));
  host.forget_sent();
  host.arrives(ack_of(host, 11));
  send(host, c, 4);
  host.pass(kRtt);
  host.arrives(ack_of(host, 15));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 1U);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 0U);
}

// --- 8: timers ---

// 8: the reordering timer, the probe's, the retransmission timer and that of a shut window are used
// one at a time: a shut window is probed as such.
TEST(Rfc8985Timers, ShutWindowIsNotATail) {
  Script host;
  const auto c = opened(host);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  send(host, c, 3);
  host.pass(Duration::seconds(3));
  EXPECT_EQ(host.counted(NetCounter::kTcpTailProbes), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
  EXPECT_GE(host.counted(NetCounter::kTcpWindowProbes), 2U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
