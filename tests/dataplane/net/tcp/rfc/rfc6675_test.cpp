// RFC 6675: loss recovery with selective acknowledgments, as far as RFC 8985 does not replace it.
// Which segments are lost is RACK's decision; what is sent then, and when recovery ends, is here.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/dataplane/net/tcp/support/segments.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

using Segments = std::vector<std::uint32_t>;

// The round trip of these connections is too short to be paced, and three segments that are
// reported are enough for those in front of them to be lost.

// --- 4: the scoreboard ---

// 4: "SACKed data MUST NOT be removed from the TCP's retransmission buffer until the data is
// cumulatively acknowledged".
TEST(Rfc6675Scoreboard, ReportedDataIsKeptUntilItIsAcknowledged) {
  Script host;
  const auto c = established_with(host, 5);
  host.arrives(sack_of(host, 0, 1, 5));
  EXPECT_EQ(host.engine.unacknowledged(c), 5 * kMss);
  EXPECT_EQ(numbers_sent(host), Segments{0});
  // The peer has thrown it away, and acknowledges the first segment alone.
  host.arrives(ack_of(host, 1));
  host.forget_sent();
  std::vector<std::uint32_t> again;
  for (int i = 0; i < 20 && again.size() < 4; ++i) {
    host.pass(Duration::milliseconds(100));
    for (const std::uint32_t segment : numbers_sent(host)) {
      again.push_back(segment);
      host.arrives(ack_of(host, segment + 1));
    }
  }
  EXPECT_EQ(again, (Segments{1, 2, 3, 4}));
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
}

// 4, SetPipe(): what is reported has left the network, what is lost too, what was sent again is in
// it once.
TEST(Rfc6675Scoreboard, PipeCountsWhatIsInTheNetwork) {
  Script host;
  (void)established_with(host, 40);
  // A window of seven: of the nine others three are in the network, and the lost one again.
  host.arrives(sack_of(host, 0, 1, 7));
  EXPECT_EQ(numbers_sent(host), (Segments{0, 10, 11, 12}));
}

// --- 5: recovery ---

// 5: "Upon the receipt of any ACK containing SACK information, the scoreboard MUST be updated",
// also one that brings text.
TEST(Rfc6675Recovery, BlocksOnTextCount) {
  Script host;
  const auto c = established_with(host, 5);
  Segment text = data(host.theirs(0), "abc").ack(host.ours(0));
  host.arrives(text.sack(host.ours(kMss), host.ours(4 * kMss)));
  EXPECT_EQ(numbers_sent(host), Segments{0});
  EXPECT_EQ(host.read(c), "abc");
}

// 5: "If the incoming ACK is a cumulative acknowledgment, the TCP MUST reset DupAcks to zero". With
// RACK duplicates count only where there is no SACK.
TEST(Rfc6675Recovery, CumulativeAckForgetsDuplicates) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(kMss));
  send(host, c, 8);
  for (const std::uint32_t acked : {0U, 0U, 1U, 1U, 1U}) host.arrives(ack_of(host, acked));
  EXPECT_TRUE(host.silent());
  host.arrives(ack_of(host, 1));
  EXPECT_EQ(numbers_sent(host), Segments{1});
}

// 5: "If the incoming ACK is a duplicate acknowledgment [...] the TCP MUST increase DupAcks by one
// and take the following steps": the third one starts recovery, and so do three reported segments.
TEST(Rfc6675Recovery, StartsWithTheThirdReportedSegment) {
  Script host;
  (void)established_with(host, 8);
  host.arrives(sack_of(host, 0, 1, 2));
  host.arrives(sack_of(host, 0, 1, 3));
  EXPECT_TRUE(host.silent());
  host.arrives(sack_of(host, 0, 1, 4));
  EXPECT_EQ(numbers_sent(host), Segments{0});
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
}

// 5 (3): until then each report lets a new segment out (Limited Transmit), governed by pipe and
// cwnd.
TEST(Rfc6675Recovery, ReportsBeforeItLetNewSegmentsOut) {
  Script host;
  (void)established_with(host, 40);
  host.arrives(sack_of(host, 0, 1, 2));
  EXPECT_EQ(numbers_sent(host), Segments{10});
  host.arrives(sack_of(host, 0, 1, 3));
  EXPECT_EQ(numbers_sent(host), Segments{11});
}

// 5 (4.1), (A): "the loss recovery phase MUST be terminated" by the acknowledgment of
// RecoveryPoint, and until then nothing starts another one.
TEST(Rfc6675Recovery, EndsAtTheRecoveryPoint) {
  Script host;
  const auto c = established_with(host, 10);
  host.arrives(sack_of(host, 0, 1, 5));
  EXPECT_EQ(numbers_sent(host), Segments{0});
  // One more of the same flight is lost: the same recovery.
  host.arrives(ack_of(host, 5).sack(host.ours(6 * kMss), host.ours(10 * kMss)));
  EXPECT_EQ(numbers_sent(host), Segments{5});
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
  host.arrives(ack_of(host, 10));
  // One of the next flight: another one.
  send(host, c, 5);
  host.arrives(sack_of(host, 10, 11, 15));
  EXPECT_EQ(numbers_sent(host), Segments{10});
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 2U);
}

// 5 (B): "Upon receipt of an ACK that does not cover RecoveryPoint, the following actions MUST be
// taken": its blocks are recorded and the pipe is calculated anew, so that more may be sent.
TEST(Rfc6675Recovery, PartialAckAndItsBlocksAreTaken) {
  Script host;
  (void)established_with(host, 40);
  host.arrives(sack_of(host, 0, 1, 4));
  const std::size_t first = numbers_sent(host).size();
  EXPECT_GE(first, 1U);
  // Four more have left the network, and one of these is lost.
  host.arrives(ack_of(host, 4).sack(host.ours(5 * kMss), host.ours(8 * kMss)));
  const Segments next = numbers_sent(host);
  ASSERT_GE(next.size(), 2U);
  EXPECT_EQ(next[0], 4U);
  EXPECT_EQ(next[1], 9U + first);
}

// 5 (C.1), NextSeg() (1) and (2): "MUST be queried": first what is lost, in order; then what is
// new.
TEST(Rfc6675Recovery, LostSegmentsGoBeforeNewOnes) {
  Script host;
  (void)established_with(host, 40);
  Segment report = sack_of(host, 0, 1, 2);
  report.sack(host.ours(3 * kMss), host.ours(4 * kMss));
  report.sack(host.ours(5 * kMss), host.ours(10 * kMss));
  host.arrives(report);
  const Segments next = numbers_sent(host);
  ASSERT_GE(next.size(), 4U);
  EXPECT_EQ(Segments(next.begin(), next.begin() + 4), (Segments{0, 2, 4, 10}));
}

// 4, NextSeg() (2): only as far as the peer's window allows.
TEST(Rfc6675Recovery, NewSegmentsStayInThePeersWindow) {
  Script host;
  const auto c = host.established();
  host.arrives(ack_of(host, 0).window(10 * kMss));
  host.write(c, 40 * kMss);
  EXPECT_EQ(numbers_sent(host).size(), 10U);
  host.arrives(sack_of(host, 0, 1, 10).window(10 * kMss));
  EXPECT_EQ(numbers_sent(host), Segments{0});
}

// 4, NextSeg() (5): "MUST indicate failure, and no segment is returned".
TEST(Rfc6675Recovery, NothingIsSentWhereNothingIsLostOrNew) {
  Script host;
  const auto c = established_with(host, 6);
  host.now = host.now + Duration::microseconds(500);
  host.arrives(sack_of(host, 0, 1, 5));
  EXPECT_EQ(numbers_sent(host), Segments{0});
  host.arrives(sack_of(host, 0, 1, 6));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.unacknowledged(c), 6 * kMss);
}

// 5 (C.2): "HighRxt MUST be set to the highest sequence number of the retransmitted segment": what
// more reports say of segments that were sent before does not have it sent once more.
TEST(Rfc6675Recovery, SegmentIsNotSentAgainForEachReport) {
  Script host;
  (void)established_with(host, 10);
  host.now = host.now + Duration::microseconds(500);
  host.arrives(sack_of(host, 0, 1, 4));
  EXPECT_EQ(numbers_sent(host), Segments{0});
  for (std::uint32_t to = 5; to <= 10; ++to) host.arrives(sack_of(host, 0, 1, to));
  EXPECT_TRUE(host.silent());
}

// 5 (C.4): what is sent is in the pipe: no more goes out than the reduced window holds.
TEST(Rfc6675Recovery, SendsNoMoreThanTheWindowHolds) {
  Script host;
  (void)established_with(host, 40);
  host.arrives(sack_of(host, 0, 1, 10));
  EXPECT_LE(numbers_sent(host).size(), 7U);  // RFC 9438 4.6: seven tenths of ten
  host.pass(Duration::milliseconds(1));
  EXPECT_TRUE(host.silent());
}

// --- 5.1: timeouts ---

// Ten segments, of which the first is lost twice: a timeout in the middle of a recovery.
ConnectionHandle timed_out_in_recovery(Script& host) {
  const auto c = established_with(host, 20);
  host.arrives(sack_of(host, 0, 1, 4));
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
  while (host.counted(NetCounter::kTcpTimeouts) == 0) {
    host.forget_sent();
    host.pass(Duration::milliseconds(1));
  }
  return c;
}

// 5.1: "the loss recovery algorithm outlined in this document MUST be terminated": it is slow start
// that goes on, from one segment.
TEST(Rfc6675Timeout, EndsRecovery) {
  Script host;
  (void)timed_out_in_recovery(host);
  EXPECT_EQ(numbers_sent(host), Segments{0});
}

// 5.1: "RecoveryPoint MUST be set to HighData. Further, the new value of RecoveryPoint MUST be
// preserved [...] a new recovery phase [...] MUST NOT be initiated until HighACK is greater than or
// equal to the new value of RecoveryPoint".
TEST(Rfc6675Timeout, StartsNoRecoveryBeforeAllThatWasSentIsAcknowledged) {
  Script host;
  const auto c = timed_out_in_recovery(host);
  std::uint32_t high_data = 10;
  for (std::uint32_t acked = 4; acked <= 8; ++acked) {
    host.arrives(ack_of(host, acked));
    for (const std::uint32_t segment : numbers_sent(host))
      high_data = std::max(high_data, segment + 1);
  }
  host.arrives(sack_of(host, 8, 9, 10));
  host.pass(Duration::milliseconds(50));
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 1U);
  for (const std::uint32_t segment : numbers_sent(host))
    high_data = std::max(high_data, segment + 1);
  for (int i = 0; i < 50 && host.engine.unacknowledged(c) > 0; ++i) {
    host.arrives(ack_of(host, high_data));
    host.pass(Duration::milliseconds(50));
    for (const std::uint32_t segment : numbers_sent(host))
      high_data = std::max(high_data, segment + 1);
  }
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
  send(host, c, 4);
  host.arrives(sack_of(host, high_data, high_data + 1, high_data + 4));
  host.pass(Duration::milliseconds(50));
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 2U);
}

// 5.1: "a SACK TCP sender SHOULD utilize all SACK information made available during the loss
// recovery following an RTO".
TEST(Rfc6675Timeout, WhatWasReportedIsNotSentAgain) {
  Script host;
  (void)timed_out_in_recovery(host);
  EXPECT_EQ(numbers_sent(host), Segments{0});
  host.arrives(ack_of(host, 4));
  const Segments next = numbers_sent(host);
  ASSERT_FALSE(next.empty());
  EXPECT_EQ(next[0], 4U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
