// Fast recovery takes the window down as RFC 6937 has it, with the safe acknowledgments of RFC
// 9937. Ten segments are in flight when the peer begins to report holes, and two more go out for
// its first two reports (RFC 3042); the threshold is seven.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

constexpr std::uint32_t kMss = 1'000;

class TcpProportionalRate : public testing::Test {
 protected:
  TcpProportionalRate() : connection_(host_.established()) {
    host_.write(connection_, 40 * kMss);
    EXPECT_EQ(host_.all_sent().size(), 10U);
  }

  // The peer acknowledges the first segments and holds those from `left` up to `right`. Returns how
  // many we send then.
  std::size_t report(std::uint32_t acked, std::uint32_t left, std::uint32_t right) {
    host_.now = host_.now + base::Duration::microseconds(10);
    host_.arrives(bare(host_.theirs(0))
                      .ack(host_.ours(acked * kMss))
                      .sack(host_.ours(left * kMss), host_.ours(right * kMss)));
    return host_.all_sent().size();
  }
  // The first six of twelve; four of them are sent again.
  void lose_six() {
    std::size_t sent = 0;
    for (const std::uint32_t right : {7U, 8U, 9U, 10U, 12U}) sent += report(0, 6, right);
    EXPECT_EQ(sent, 2U + 4U);
  }
  std::size_t acknowledge(std::uint32_t acked) {
    host_.arrives(bare(host_.theirs(0)).ack(host_.ours(acked * kMss)));
    return host_.all_sent().size();
  }

  Script host_;
  ConnectionHandle connection_;
};

// RFC 6937 3: above the threshold seven segments go out for ten that arrive, one after the other,
// and not none for three and then one for each.
TEST_F(TcpProportionalRate, AboveTheThresholdAShareOfWhatArrivesGoesOut) {
  EXPECT_EQ(report(0, 1, 2), 1U);
  EXPECT_EQ(report(0, 1, 3), 1U);
  EXPECT_EQ(report(0, 1, 4), 1U);  // the lost one; 8 are in the network, and with it 9
  EXPECT_EQ(host_.counted(NetCounter::kTcpFastRecoveries), 1U);
  EXPECT_EQ(report(0, 1, 5), 0U);  // ceil(2 * 0.7) - 1 = 0.4 of a segment more
  EXPECT_EQ(report(0, 1, 6), 0U);  // 7 are left: the threshold
  for (std::uint32_t right = 7; right <= 12; ++right) EXPECT_EQ(report(0, 1, right), 1U);
}

// The first retransmission of an episode waits for no share.
TEST_F(TcpProportionalRate, FirstRetransmissionGoesOutAtOnce) {
  host_.arrives(
      bare(host_.theirs(0)).ack(host_.ours(0)).sack(host_.ours(kMss), host_.ours(4 * kMss)));
  EXPECT_EQ(host_.sent().header.sequence, host_.ours(0));
}

// RFC 6937 3.1, PRR-CRB: losses have taken more than the threshold asks for. The gap is not filled
// at once: as much goes out as arrives.
TEST_F(TcpProportionalRate, BelowTheThresholdNoMoreGoesOutThanArrives) {
  EXPECT_EQ(report(0, 6, 7), 1U);
  EXPECT_EQ(report(0, 6, 8), 1U);
  EXPECT_EQ(report(0, 6, 9), 1U);  // six are lost, three in the network: room for four
  EXPECT_EQ(report(0, 6, 10), 1U);
  EXPECT_EQ(report(0, 6, 12), 2U);
}

// PRR-SSRB, under RFC 9937 with safe acknowledgments only: SND.UNA moves and nothing more is lost.
TEST_F(TcpProportionalRate, SafeAcknowledgmentLetsOneMoreOut) {
  lose_six();
  EXPECT_EQ(report(1, 6, 12), 2U);
  EXPECT_EQ(report(2, 6, 12), 2U);
}

// Never beyond the threshold.
TEST_F(TcpProportionalRate, SafeAcknowledgmentsStopAtTheThreshold) {
  lose_six();
  std::size_t in_network = 4;
  for (std::uint32_t acked = 1; acked <= 5; ++acked) {
    in_network += report(acked, 6, 12) - 1;
    EXPECT_LE(in_network, 7U);
  }
  EXPECT_EQ(in_network, 7U);
}

// RFC 6937 3, at the end of recovery: the window is the threshold.
TEST_F(TcpProportionalRate, WindowIsTheThresholdAfterwards) {
  (void)report(0, 6, 7);
  (void)report(0, 6, 8);
  (void)report(0, 6, 9);
  EXPECT_EQ(acknowledge(12), 7U);
}

// A peer without SACK: each duplicate stands for a segment that has arrived.
TEST(TcpProportionalRateWithoutSack, DuplicatesLetAShareOut) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(kMss));
  host.write(c, 40 * kMss);
  EXPECT_EQ(host.all_sent().size(), 10U);
  const auto duplicate = [&] {
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
    return host.all_sent().size();
  };
  EXPECT_EQ(duplicate(), 1U);
  EXPECT_EQ(duplicate(), 1U);
  EXPECT_EQ(duplicate(), 1U);  // the lost one
  std::size_t sent = 0;
  for (int i = 0; i < 7; ++i) sent += duplicate();
  EXPECT_GE(sent, 4U);
  EXPECT_LE(sent, 6U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(12 * kMss)));
  EXPECT_EQ(host.all_sent().size(), 7U - sent);
}

}  // namespace
}  // namespace sluice::net::tcp::test
