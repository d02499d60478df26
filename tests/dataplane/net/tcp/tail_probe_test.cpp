// Tail loss probes (RFC 8985 7; the sections cited are its). The round-trip time is 100 ms.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr std::uint32_t kMss = 1'000;
constexpr Duration kRtt = Duration::milliseconds(100);

class TcpTailLoss : public testing::Test {
 protected:
  void write(std::uint32_t segments) {
    host_.write(connection_, segments * kMss);
    host_.pass(Duration::milliseconds(20));  // what pacing holds back
    host_.forget_sent();
  }
  [[nodiscard]] std::uint64_t probes() const { return host_.counted(NetCounter::kTcpTailProbes); }
  [[nodiscard]] std::uint64_t timeouts() const { return host_.counted(NetCounter::kTcpTimeouts); }

  Script host_;
  ConnectionHandle connection_ =
      host_.established(syn(Script::kPeerIss).mss(kMss).sack_permitted(), kRtt);
};

// 7.2: two round trips after the last new data, not after the first.
TEST_F(TcpTailLoss, NewDataPutsTheProbeOff) {
  write(2);
  host_.pass(Duration::milliseconds(40));
  write(2);  // at 60 ms
  host_.pass(Duration::milliseconds(140));
  EXPECT_EQ(probes(), 0U);  // it would have been due at 200 ms
  host_.pass(Duration::milliseconds(60));
  EXPECT_EQ(probes(), 1U);
  EXPECT_EQ(timeouts(), 0U);
}

// RFC 6298 5.1, 5.3: the timeout of the first segment is not put off.
TEST_F(TcpTailLoss, NewDataDoesNotPutTheTimeoutOff) {
  write(2);
  for (int i = 0; i < 8 && timeouts() == 0; ++i) {
    host_.pass(Duration::milliseconds(60));
    host_.write(connection_, 10);
  }
  EXPECT_EQ(timeouts(), 1U);  // after 300 ms: the round-trip time, and at least 200 ms
}

// 7.3: a lone segment may wait for the peer's delayed acknowledgment.
TEST_F(TcpTailLoss, LoneSegmentWaitsForADelayedAcknowledgment) {
  write(1);
  host_.pass(Duration::milliseconds(230));
  EXPECT_EQ(probes(), 0U);
}

// 7.2: what the peer has reported is recovery's business.
TEST_F(TcpTailLoss, NoProbeWhileTheScoreboardHoldsAnything) {
  write(4);
  host_.pass(Duration::milliseconds(80));
  host_.arrives(
      bare(host_.theirs(0)).ack(host_.ours(0)).sack(host_.ours(3 * kMss), host_.ours(4 * kMss)));
  host_.pass(Duration::milliseconds(400));
  EXPECT_EQ(probes(), 0U);
  EXPECT_GE(host_.counted(NetCounter::kTcpRetransmits), 1U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
