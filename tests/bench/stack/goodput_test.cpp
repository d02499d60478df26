// What bulk transfers get of a lossy path, in virtual time: the floors that the recovery benchmark
// reports at length, at a scale that takes seconds.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/stack/bulk.hpp"

namespace sluice::bench {
namespace {

using base::Duration;

constexpr Duration kRtt = Duration::milliseconds(20);

double goodput(const Bulk::Options& options, Duration warm_up, Duration time) {
  Bulk bulk(options);
  EXPECT_TRUE(bulk.open());
  (void)bulk.run(warm_up);
  const Bulk::Outcome outcome = bulk.run(time);
  EXPECT_TRUE(outcome.alive);
  return outcome.goodput;
}

// RFC 9438 5.1 for a path on which CUBIC is in its Reno-friendly region: 4.3, figure 3.
TEST(Goodput, CubicWithRandomLossIsWhatItsModelSays) {
  constexpr double kLoss = 0.01;
  constexpr double kSegment = 1448;
  const double model = std::sqrt(3 / (2 * kLoss)) * kSegment * 8 / 0.02;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    const double reached =
        goodput({.bits_per_second = 1'000'000'000, .rtt = kRtt, .loss = kLoss, .seed = seed},
                Duration::seconds(2), Duration::seconds(40));
    EXPECT_GE(reached, 0.9 * model);
  }
}

TEST(Goodput, BbrWithRandomLossFillsTheLink) {
  constexpr std::int64_t kRate = 100'000'000;
  for (const std::uint64_t seed : {1U, 2U}) {
    SCOPED_TRACE(seed);
    const double reached = goodput({.bits_per_second = kRate,
                                    .rtt = kRtt,
                                    .loss = 0.01,
                                    .congestion = net::CongestionControl::kBbr,
                                    .seed = seed},
                                   Duration::seconds(1), Duration::seconds(4));
    EXPECT_GE(reached, 0.9 * kRate);
  }
}

// Without loss neither leaves more of the link unused than headers, pacing and probes take.
TEST(Goodput, CleanLinkIsFilled) {
  constexpr std::int64_t kRate = 100'000'000;
  for (const auto congestion : {net::CongestionControl::kCubic, net::CongestionControl::kBbr}) {
    const double reached =
        goodput({.bits_per_second = kRate, .rtt = kRtt, .congestion = congestion},
                Duration::seconds(1), Duration::seconds(2));
    EXPECT_GE(reached, 0.91 * kRate);
  }
}

// RFC 3168: marks are to a sender what losses are, and nothing has to be sent again.
TEST(Goodput, MarksAreObeyedAndCostNoRetransmission) {
  // So fast that there are marks long before the path's queue is full.
  constexpr std::int64_t kRate = 500'000'000;
  for (const auto congestion : {net::CongestionControl::kCubic, net::CongestionControl::kBbr}) {
    Bulk bulk({.bits_per_second = kRate, .rtt = kRtt, .marking = 0.01, .congestion = congestion});
    ASSERT_TRUE(bulk.open());
    const Bulk::Outcome outcome = bulk.run(Duration::seconds(10));
    const auto& counters = bulk.sender().counters();
    EXPECT_GE(outcome.goodput, 4e6);
    EXPECT_LE(outcome.goodput, 0.9 * kRate);
    EXPECT_GE(counters[net::NetCounter::kTcpCongestionReductions], 10U);
    EXPECT_EQ(counters[net::NetCounter::kTcpFastRecoveries], 0U);
  }
}

// Loss of a tenth: more than BBR takes for random, but never a standstill.
TEST(Goodput, HeavyLossKeepsMakingProgress) {
  constexpr std::int64_t kRate = 100'000'000;
  for (const auto congestion : {net::CongestionControl::kCubic, net::CongestionControl::kBbr}) {
    Bulk bulk({.bits_per_second = kRate, .rtt = kRtt, .loss = 0.1, .congestion = congestion});
    ASSERT_TRUE(bulk.open());
    const Bulk::Outcome outcome = bulk.run(Duration::seconds(20));
    EXPECT_TRUE(outcome.alive);
    EXPECT_GE(outcome.goodput, 500'000);
    EXPECT_LE(outcome.longest_stall, Duration::seconds(5));
  }
}

}  // namespace
}  // namespace sluice::bench
