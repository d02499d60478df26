// D-SACK (RFC 2883): what we report of duplicates, and what a peer's reports make of what we took
// for losses (RFC 3708, RFC 8985 6.2).
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using wire::SackBlock;

// --- reports ---

// The blocks of our next segment.
std::vector<SackBlock> blocks_sent(Script& host) {
  const Segment segment = host.sent();
  const auto blocks = segment.header.options.sack.view();
  return {blocks.begin(), blocks.end()};
}

SackBlock theirs(const Script& host, std::uint32_t from, std::uint32_t to) {
  return {.left = host.theirs(from), .right = host.theirs(to)};
}

// RFC 2883 4.1.1, and 4 (1): reported once.
TEST(TcpDsackReport, WholeDuplicateIsTheFirstBlockOfOneAck) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(blocks_sent(host), std::vector{theirs(host, 0, 3)});
  EXPECT_TRUE(host.silent());
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).fin());
  EXPECT_TRUE(blocks_sent(host).empty());
}

TEST(TcpDsackReport, EachDuplicateOfABurstHasItsAck) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(0), "abcdef").ack(host.ours(0)));
  host.forget_sent();
  host.arrives_in_burst(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.arrives_in_burst(data(host.theirs(3), "def").ack(host.ours(0)));
  host.flush();
  EXPECT_EQ(blocks_sent(host), std::vector{theirs(host, 0, 3)});
  EXPECT_EQ(blocks_sent(host), std::vector{theirs(host, 3, 6)});
  EXPECT_TRUE(host.silent());
}

// RFC 2883 4.2.1: the duplicate part only, with an acknowledgment of the rest.
TEST(TcpDsackReport, OldFrontOfNewTextIsReported) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(0), "abcdef").ack(host.ours(0)));
  const Segment ack = host.sent();
  EXPECT_EQ(ack.header.acknowledgement, host.theirs(6));
  ASSERT_EQ(ack.header.options.sack.size(), 1U);
  EXPECT_EQ(ack.header.options.sack.view()[0], theirs(host, 0, 3));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.read(c), "abcdef");
}

// RFC 2883 4.1.2 and 4 (4): the block that the duplicate is part of comes next.
TEST(TcpDsackReport, DuplicateBehindAGapIsFollowedByItsBlock) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(3), "defghi").ack(host.ours(0)));
  host.arrives(data(host.theirs(12), "mno").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
  EXPECT_EQ(blocks_sent(host),
            (std::vector{theirs(host, 3, 6), theirs(host, 3, 9), theirs(host, 12, 15)}));
}

// RFC 2883 4.2.2: the first duplicate part, if there are several.
TEST(TcpDsackReport, PartOfASegmentBehindAGapIsReported) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(2), "cdefghi").ack(host.ours(0)));
  EXPECT_EQ(blocks_sent(host), (std::vector{theirs(host, 3, 6), theirs(host, 2, 9)}));
}

// RFC 2018 3: three blocks beside timestamps.
TEST(TcpDsackReport, LeavesTheLastBlockOutWhereThereIsNoRoom) {
  Script host;
  (void)host.established(syn(Script::kPeerIss).sack_permitted().timestamps(100, 0));
  for (std::uint32_t i = 0; i < 3; ++i) {
    host.arrives(data(host.theirs(10 + 10 * i), "xyz").ack(host.ours(0)).timestamps(101, 0));
  }
  host.forget_sent();
  host.arrives(data(host.theirs(10), "xyz").ack(host.ours(0)).timestamps(101, 0));
  EXPECT_EQ(blocks_sent(host),
            (std::vector{theirs(host, 10, 13), theirs(host, 10, 13), theirs(host, 30, 33)}));
}

TEST(TcpDsackReport, IsNotSentWithoutSack) {
  Script host;
  (void)host.established(syn(Script::kPeerIss).mss(1000));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_TRUE(blocks_sent(host).empty());
  EXPECT_TRUE(host.silent());
}

// --- what the peer's reports mean ---

constexpr Duration kRtt = Duration::milliseconds(20);

ConnectionHandle opened(Script& host) {
  return host.established(syn(Script::kPeerIss).mss(1000).sack_permitted(), kRtt);
}

Segment ack_of(const Script& host, std::uint32_t n) {
  return bare(host.theirs(0)).ack(host.ours(n));
}

// Four segments of which the first one comes late, `missing` of them: all are sent again.
void late_segments(Script& host, ConnectionHandle c, std::uint32_t missing) {
  host.write(c, (missing + 3) * 1'000);
  host.pass(kRtt);
  host.forget_sent();
  host.arrives(
      ack_of(host, 0).sack(host.ours(missing * 1'000), host.ours(missing * 1'000 + 3'000)));
  host.pass(Duration::milliseconds(10));
  EXPECT_EQ(host.all_sent().size(), missing);
  host.arrives(ack_of(host, (missing + 3) * 1'000));
}

// RFC 3708 3: the window grows back as in slow start, to where it was.
TEST(TcpDsackUndo, EpisodeOfDuplicatesIsTakenBack) {
  const auto sent_afterwards = [](bool reported) {
    Script host;
    const auto c = opened(host);
    late_segments(host, c, 1);
    if (reported) host.arrives(ack_of(host, 4'000).sack(host.ours(0), host.ours(1'000)));
    EXPECT_EQ(host.counted(NetCounter::kTcpSpuriousRecoveries), reported ? 1U : 0U);
    host.write(c, 60'000);
    std::uint32_t acked = 4'000;
    for (int round = 0; round < 4; ++round) {
      host.pass(kRtt);
      for (const Segment& segment : host.all_sent()) {
        acked += static_cast<std::uint32_t>(segment.text.size());
      }
      host.arrives(ack_of(host, acked));
    }
    return acked - 4'000;
  };
  EXPECT_GT(sent_afterwards(true), 2 * sent_afterwards(false));
}

TEST(TcpDsackUndo, OneSegmentThatWasLostKeepsTheResponse) {
  Script host;
  late_segments(host, opened(host), 2);
  host.arrives(ack_of(host, 5'000).sack(host.ours(0), host.ours(1'000)));
  EXPECT_EQ(host.counted(NetCounter::kTcpSpuriousRecoveries), 0U);
  host.arrives(ack_of(host, 5'000).sack(host.ours(1'000), host.ours(2'000)));
  EXPECT_EQ(host.counted(NetCounter::kTcpSpuriousRecoveries), 1U);
}

// RFC 2883 5: whatever it says, a block that was not sent again explains nothing.
TEST(TcpDsackUndo, ReportsOfOtherBytesAreIgnored) {
  Script host;
  late_segments(host, opened(host), 1);
  host.arrives(ack_of(host, 4'000).sack(host.ours(0) - 1'000, host.ours(0)));
  host.arrives(ack_of(host, 4'000).sack(host.ours(1'000), host.ours(0)));
  host.arrives(ack_of(host, 4'000).sack(host.ours(3'500), host.ours(4'500)));
  EXPECT_EQ(host.counted(NetCounter::kTcpSpuriousRecoveries), 0U);
}

// The path that a connection has reordered before, so that RACK waits: how long it does for the
// first of two segments at `at`, in milliseconds, until it is sent again.
class ReorderingPath {
 public:
  ReorderingPath() : connection_(opened(host)) {
    send_two();
    host.arrives(ack_of(host, at_).sack(host.ours(at_ + 1'000), host.ours(at_ + 2'000)));
    at_ += 2'000;
    host.arrives(ack_of(host, at_));
    EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 0U);
  }

  std::int64_t patience_ms(bool report_duplicate) {
    send_two();
    host.arrives(ack_of(host, at_).sack(host.ours(at_ + 1'000), host.ours(at_ + 2'000)));
    std::int64_t waited = 0;
    while (host.silent() && waited < 15) {
      host.pass(Duration::milliseconds(1));
      ++waited;
    }
    EXPECT_EQ(host.all_sent().size(), 1U);
    host.arrives(ack_of(host, at_ + 2'000));
    at_ += 2'000;
    if (report_duplicate) report(at_ - 2'000);
    return waited;
  }

  // The peer has the segment at `first` twice.
  void report(std::uint32_t first) {
    host.arrives(ack_of(host, at_).sack(host.ours(first), host.ours(first + 1'000)));
  }

  Script host;

 private:
  void send_two() {
    host.pass(kRtt * 2);  // pacing has nothing against it
    host.write(connection_, 2'000);
    host.pass(kRtt);
    host.forget_sent();
  }

  ConnectionHandle connection_;
  std::uint32_t at_ = 0;
};

// RFC 8985 6.2, step 4: a quarter of the round trip, and one more for each round with a D-SACK.
TEST(TcpDsackReordering, WindowGrowsWithEachReport) {
  ReorderingPath path;
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
  EXPECT_NEAR(static_cast<double>(path.patience_ms(true)), 5, 1);
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 10, 1);
}

// RFC 8985 6.2, step 4: "any DSACK option is present on latest received ACK".
TEST(TcpDsackReordering, WindowGrowsByAReportOfAnEarlierEpisode) {
  ReorderingPath path;
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
  path.report(2'000);
  EXPECT_EQ(path.host.counted(NetCounter::kTcpSpuriousRecoveries), 0U);
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 10, 1);
}

// Then nothing can have been sent again too soon.
TEST(TcpDsackReordering, WindowStaysWhereNothingWasSentAgain) {
  ReorderingPath path;
  path.report(0);
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
}

TEST(TcpDsackReordering, WindowStaysAfterAReportOfWhatWasNeverSent) {
  ReorderingPath path;
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
  path.host.arrives(ack_of(path.host, 4'000)
                        .sack(path.host.ours(5'000), path.host.ours(6'000))
                        .sack(path.host.ours(5'000), path.host.ours(7'000)));
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
}

// RFC 8985 6.2, step 4.
TEST(TcpDsackReordering, WindowIsResetAfterSixteenEpisodesWithoutReports) {
  ReorderingPath path;
  (void)path.patience_ms(true);
  for (int i = 0; i < 16; ++i) {
    EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 10, 1) << i;
  }
  EXPECT_NEAR(static_cast<double>(path.patience_ms(false)), 5, 1);
}

}  // namespace
}  // namespace sluice::net::tcp::test
