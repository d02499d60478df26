// Paths that swallow large packets and say nothing (RFC 2923 2.1), and the search for what they do
// take (RFC 4821 7), in virtual time.
#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "dataplane/net/tcp/path_mtu_discovery.hpp"
#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

class TcpBlackHole : public testing::Test {
 protected:
  static Segment peer_syn() { return syn(Script::kPeerIss).mss(1460).sack_permitted(); }

  std::vector<std::size_t> sizes_sent() {
    std::vector<std::size_t> sizes;
    for (const Segment& segment : host.all_sent()) {
      sizes.push_back(segment.text.size());
      const auto begin = static_cast<std::uint32_t>(segment.header.sequence - host.ours(0));
      sent_ = std::max(sent_, begin + static_cast<std::uint32_t>(segment.text.size()));
    }
    return sizes;
  }
  void acknowledges(std::uint32_t bytes) {
    acked_ = bytes;
    host.arrives(bare(host.theirs(0)).ack(host.ours(bytes)));
  }
  // Everything that has been written arrives, step by step.
  void delivers_all(ConnectionHandle c) {
    for (int i = 0; i < 200 && host.engine.unacknowledged(c) > 0; ++i) {
      if (host.silent() && sent_ == acked_) host.pass(Duration::milliseconds(1));
      (void)sizes_sent();
      if (sent_ != acked_) acknowledges(sent_);
    }
    EXPECT_EQ(host.engine.unacknowledged(c), 0U);
    EXPECT_TRUE(host.silent());
  }
  // A connection whose first segments got through in pieces only.
  ConnectionHandle fallen_back(Segment first = peer_syn()) {
    const auto c = host.established(std::move(first));
    host.write(c, 10 * 1'460);
    host.pass(Duration::milliseconds(600));
    host.forget_sent();  // nothing of it arrived
    host.pass(Duration::milliseconds(20));
    delivers_all(c);
    host.write(c, 3 * 1'240);
    delivers_all(c);
    while (host.engine.next_event()) {
    }
    EXPECT_EQ(host.engine.segment_size(c), 1'240U);
    return c;
  }
  // Writes five segments' worth; returns the sizes that it went out in.
  std::vector<std::size_t> write_some(ConnectionHandle c) {
    host.write(c, 5 * 1'240);
    return sizes_sent();
  }
  // A probe is due and goes out first, with as much behind it as the window takes.
  std::vector<std::size_t> probe_and_a_window(ConnectionHandle c) {
    host.pass(PathMtuDiscovery::kFirstProbe);
    host.write(c, 40 * 1'240);
    auto sizes = sizes_sent();
    EXPECT_EQ(sizes.front(), 1'360U);
    return sizes;
  }
  // The peer has all of what is in flight but the first segment; returns what is sent again.
  std::vector<std::size_t> loses_the_first(std::uint32_t size) {
    host.pass(Duration::milliseconds(1));
    host.arrives(bare(host.theirs(0))
                     .ack(host.ours(acked_))
                     .sack(host.ours(acked_ + size), host.ours(sent_)));
    host.pass(Duration::milliseconds(1));
    return sizes_sent();
  }
  // A duplicate acknowledgment.
  void repeats() { acknowledges(acked_); }
  ConnectionHandle established_again() {
    host.arrives(peer_syn().ports(5001, Script::kLocalPort));
    const SeqNumber iss = host.sent().header.sequence;
    host.arrives(bare(host.theirs(0)).ack(iss + 1).ports(5001, Script::kLocalPort));
    while (const auto event = host.engine.next_event()) {
      if (event->what.opened) return event->connection;
    }
    ADD_FAILURE() << "not opened";
    return {};
  }

  Script host;

 private:
  std::uint32_t acked_ = 0;
  std::uint32_t sent_ = 0;
};

TEST_F(TcpBlackHole, FullSegmentThatTimesOutTwiceIsSentInPieces) {
  const auto c = host.established(peer_syn());
  host.write(c, 1'460);
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{1'460}));
  host.pass(Duration::milliseconds(205));
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{1'460}));
  host.pass(Duration::milliseconds(405));
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{1'240}));
  EXPECT_EQ(host.counted(NetCounter::kTcpBlackHoles), 1U);
  acknowledges(1'240);
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{220}));
  EXPECT_EQ(host.engine.segment_size(c), 1'240U);
}

TEST_F(TcpBlackHole, SegmentsShrinkToWhatEveryHostTakesAndNoFurther) {
  const auto c = host.established(peer_syn());
  host.write(c, 1'460);
  host.pass(Duration::seconds(100));
  const std::vector<std::size_t> sizes = sizes_sent();
  ASSERT_GE(sizes.size(), 9U);
  EXPECT_EQ(std::vector(sizes.begin(), sizes.begin() + 9),
            (std::vector<std::size_t>{1'460, 1'460, 1'240, 1'240, 1'024, 1'024, 536, 536, 536}));
  EXPECT_EQ(host.counted(NetCounter::kTcpBlackHoles), 3U);
}

TEST_F(TcpBlackHole, SegmentThatIsNotFullMayBeTooLargeToo) {
  const auto c = host.established(peer_syn());
  host.write(c, 1'000);
  host.pass(Duration::milliseconds(620));
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{1'000, 1'000, 536}));
  EXPECT_EQ(host.engine.segment_size(c), 536U);
}

TEST_F(TcpBlackHole, SmallSegmentsAreNotSuspectedForTheirSize) {
  const auto c = host.established(peer_syn());
  host.write(c, 500);
  host.pass(Duration::seconds(60));
  EXPECT_EQ(host.counted(NetCounter::kTcpBlackHoles), 0U);
  EXPECT_EQ(host.engine.segment_size(c), 1'460U);
}

// RFC 4821 7: one larger segment at a time, each with the connection's own text.
TEST_F(TcpBlackHole, LargerSegmentsAreTriedLaterAndKeptWhereTheyGetThrough) {
  const auto c = fallen_back();
  EXPECT_EQ(write_some(c), std::vector<std::size_t>(5, 1'240));
  delivers_all(c);
  host.pass(PathMtuDiscovery::kFirstProbe);
  for (const std::size_t probe : {1'360U, 1'380U, 1'420U, 1'452U, 1'460U}) {
    EXPECT_EQ(host.engine.segment_size(c), probe);
    const auto sent = write_some(c);
    ASSERT_GT(sent.size(), 1U);
    EXPECT_EQ(sent[0], probe);
    EXPECT_LT(sent[1], probe);
    delivers_all(c);
  }
  EXPECT_EQ(host.engine.segment_size(c), 1'460U);
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuRaised), 5U);
  EXPECT_EQ(write_some(c).front(), 1'460U);
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuProbes), 5U);
}

// RFC 4821 7.6.2: the loss shows nothing but that this size does not get through.
TEST_F(TcpBlackHole, ProbeThatIsLostIsSentInPiecesAndTriedAgainLater) {
  const auto c = fallen_back();
  host.pass(PathMtuDiscovery::kFirstProbe);
  EXPECT_EQ(write_some(c).front(), 1'360U);
  const auto again = loses_the_first(1'360);
  ASSERT_GE(again.size(), 2U);
  EXPECT_EQ(again[0], 1'240U);
  EXPECT_EQ(again[1], 120U);
  delivers_all(c);
  EXPECT_EQ(host.engine.segment_size(c), 1'240U);
  host.pass(PathMtuDiscovery::kFirstProbe * 2 - Duration::milliseconds(100));
  EXPECT_EQ(host.engine.segment_size(c), 1'240U);
  host.pass(Duration::milliseconds(200));
  EXPECT_EQ(host.engine.segment_size(c), 1'360U);
}

// RFC 4821 7.6.2: and no congestion, so that as much as before is in flight at once.
TEST_F(TcpBlackHole, ProbeThatIsLostAloneIsNoSignOfCongestion) {
  const auto c = fallen_back();
  const std::uint64_t recoveries = host.counted(NetCounter::kTcpFastRecoveries);
  const auto first = probe_and_a_window(c);
  const std::size_t window = std::accumulate(first.begin(), first.end(), std::size_t{0});
  ASSERT_GT(window, 5U * 1'240);
  const auto again = loses_the_first(1'360);
  EXPECT_EQ(again.front(), 1'240U);
  EXPECT_GT(std::accumulate(again.begin(), again.end(), std::size_t{0}) + 1'240, window);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), recoveries);
  delivers_all(c);
}

TEST_F(TcpBlackHole, ProbeThatIsLostWithAnotherSegmentIsASignOfCongestion) {
  const auto c = fallen_back();
  const std::uint64_t recoveries = host.counted(NetCounter::kTcpFastRecoveries);
  const auto first = probe_and_a_window(c);
  const auto again = loses_the_first(1'360 + 1'240);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), recoveries + 1);
  EXPECT_LT(std::accumulate(again.begin(), again.end(), std::size_t{0}),
            std::accumulate(first.begin(), first.end(), std::size_t{0}) * 8 / 10);
  delivers_all(c);
}

// What replaces it is an ordinary segment.
TEST_F(TcpBlackHole, PieceOfALostProbeThatIsLostTooIsASignOfCongestion) {
  const auto c = fallen_back();
  const std::uint64_t recoveries = host.counted(NetCounter::kTcpFastRecoveries);
  (void)probe_and_a_window(c);
  const auto again = loses_the_first(1'360);
  EXPECT_EQ(again.front(), 1'240U);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), recoveries);
  EXPECT_EQ(loses_the_first(1'240).front(), 1'240U);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), recoveries + 1);
  delivers_all(c);
}

// Duplicates do not say which segments have arrived.
TEST_F(TcpBlackHole, WithoutSackALostProbeIsASignOfCongestion) {
  const auto c = fallen_back(syn(Script::kPeerIss).mss(1460));
  host.pass(PathMtuDiscovery::kFirstProbe);
  const std::uint64_t recoveries = host.counted(NetCounter::kTcpFastRecoveries);
  EXPECT_EQ(write_some(c).front(), 1'360U);
  for (int i = 0; i < 3; ++i) repeats();
  EXPECT_EQ(sizes_sent().front(), 1'240U);
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), recoveries + 1);
  delivers_all(c);
}

TEST_F(TcpBlackHole, NothingIsTriedWithTheLastSegmentOfAll) {
  const auto c = fallen_back();
  host.pass(PathMtuDiscovery::kFirstProbe);
  host.write(c, 1'360);
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{1'240, 120}));
}

// An outage looks the same: only probes that fail prove anything.
TEST_F(TcpBlackHole, NextConnectionBeginsSmallOnlyOnceProbesHaveFailed) {
  const auto c = fallen_back();
  Duration interval = PathMtuDiscovery::kFirstProbe;
  for (int i = 0; i < 2; ++i) {
    const auto other = established_again();
    EXPECT_EQ(host.engine.segment_size(other), 1'460U);
    host.engine.abort(host.now, other);
    (void)host.all_sent();
    host.pass(interval);
    interval = interval * 2;
    EXPECT_EQ(write_some(c).front(), 1'360U);
    EXPECT_GE(loses_the_first(1'360).size(), 2U);
    delivers_all(c);
  }
  EXPECT_EQ(host.engine.segment_size(established_again()), 1'240U);
}

// RFC 1191 6.3: a path that a router has spoken of is tried again after ten minutes.
TEST_F(TcpBlackHole, ReportedSizeIsProbedBeyondAfterTenMinutes) {
  const auto c = host.established(peer_syn());
  host.write(c, 2'920);
  (void)host.all_sent();
  const base::FourTuple flow{.local = {.address = host.local, .port = Script::kLocalPort},
                             .remote = {.address = host.remote, .port = Script::kPeerPort}};
  host.engine.too_big(host.now, flow, {.sequence = host.ours(0).value(), .mtu = 1'400});
  host.flush();
  (void)host.all_sent();
  acknowledges(2'920);
  host.pass(PathMtuDiscovery::kProbeInterval - Duration::milliseconds(10));
  EXPECT_EQ(host.engine.segment_size(c), 1'360U);
  host.pass(Duration::milliseconds(10));
  EXPECT_EQ(host.engine.segment_size(c), 1'380U);
}

// Whoever sees the connection's numbers does not make it send everything again for each byte less.
TEST_F(TcpBlackHole, ReportsAreBelievedSoManyTimes) {
  const auto c = host.established(peer_syn());
  host.write(c, 2'920);
  const base::FourTuple flow{.local = {.address = host.local, .port = Script::kLocalPort},
                             .remote = {.address = host.remote, .port = Script::kPeerPort}};
  for (std::uint32_t mtu = 1'499; mtu > 1'400; --mtu) {
    host.engine.too_big(host.now, flow, {.sequence = host.ours(0).value(), .mtu = mtu});
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuLowered), PathMtuDiscovery::kMaxReports);
  EXPECT_EQ(host.engine.segment_size(c), 1'460U - PathMtuDiscovery::kMaxReports);
}

}  // namespace
}  // namespace sluice::net::tcp::test
