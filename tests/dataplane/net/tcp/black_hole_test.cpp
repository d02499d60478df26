// Paths that swallow large packets and say nothing (RFC 2923 2.1), and the search for what they do
// take (RFC 4821 7), in virtual time.
#include <gtest/gtest.h>

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
