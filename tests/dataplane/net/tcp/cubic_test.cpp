// CUBIC (RFC 9438; sections cited without a number are its): what single events do to the window,
// and how it grows over time, round by round on a path without a queue.
#include "dataplane/net/tcp/cubic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/dataplane/net/tcp/support/segments.hpp"

namespace sluice::net::tcp {
namespace {

using base::Duration;
using base::Instant;

using test::kMss;

constexpr Duration kRtt = Duration::milliseconds(50);

// --- single events ---

AckSample sample(Instant now, std::uint32_t cwnd) {
  return {.now = now,
          .acked = kMss,
          .flight_before = cwnd,
          .mss = kMss,
          .srtt = Duration::milliseconds(200)};
}

LossEvent loss(std::uint32_t flight) {
  return {.now = Instant{}, .flight = flight, .pipe = flight, .mss = kMss};
}

// Fast recovery from beginning to end.
void lose_one(Cubic& cubic, std::uint32_t flight) {
  cubic.on_loss(loss(flight));
  cubic.on_ack(sample(Instant{}, flight));
}

TEST(Cubic, SlowStartDoublesPerWindow) {
  Cubic cubic;
  cubic.start(10 * kMss);
  for (int i = 0; i < 10; ++i) cubic.on_ack(sample(Instant{}, cubic.cwnd()));
  EXPECT_EQ(cubic.cwnd(), 20 * kMss);
}

TEST(Cubic, UnusedWindowDoesNotGrow) {
  Cubic cubic;
  cubic.start(10 * kMss);
  cubic.on_ack(sample(Instant{}, 2 * kMss));
  EXPECT_EQ(cubic.cwnd(), 10 * kMss);
}

// RFC 9406 4.2: however much one acknowledgment covers, it does not let a burst of that size out.
TEST(Cubic, SlowStartCountsEightSegmentsOfOneAck) {
  Cubic cubic;
  cubic.start(100 * kMss);
  AckSample all = sample(Instant{}, cubic.cwnd());
  all.acked = 100 * kMss;
  cubic.on_ack(all);
  EXPECT_EQ(cubic.cwnd(), 108 * kMss);
}

// RFC 3465 2.3.
TEST(Cubic, SlowStartAfterATimeoutCountsOneSegmentOfOneAck) {
  Cubic cubic;
  cubic.start(100 * kMss);
  cubic.on_timeout(loss(100 * kMss));
  AckSample all = sample(Instant{}, cubic.cwnd());
  all.acked = 100 * kMss;
  cubic.on_ack(all);
  EXPECT_EQ(cubic.cwnd(), 2 * kMss);
}

// RFC 5681 3.1: above the threshold it is congestion avoidance that lets the window grow.
TEST(Cubic, SlowStartStopsAtTheThreshold) {
  Cubic cubic;
  cubic.start(10 * kMss);
  lose_one(cubic, 10 * kMss);
  cubic.on_idle(6 * kMss);
  AckSample all = sample(Instant::from_nanoseconds(1'000'000'000), cubic.cwnd());
  all.acked = 6 * kMss;
  cubic.on_ack(all);
  EXPECT_GE(cubic.cwnd(), 7 * kMss);
  EXPECT_LE(cubic.cwnd(), 7 * kMss + kMss / 2);
}

// RFC 3708 3 (C): slow start takes the window back, and no burst does.
TEST(Cubic, SpuriousLossGivesTheThresholdBackAndNotTheWindow) {
  Cubic cubic;
  cubic.start(10 * kMss);
  cubic.on_loss(loss(10 * kMss));
  AckSample during = sample(Instant{}, 10 * kMss);
  during.fast_recovery = true;
  during.delivered = kMss;
  during.pipe = 8 * kMss;
  cubic.on_ack(during);
  cubic.on_spurious();
  cubic.on_ack(sample(Instant{}, 10 * kMss));
  EXPECT_TRUE(cubic.in_slow_start());
  EXPECT_LE(cubic.cwnd(), 11 * kMss);
}

// RFC 9438 4.6.
TEST(Cubic, LossTakesThreeTenthsAndATimeoutAllButOneSegment) {
  Cubic cubic;
  cubic.start(100 * kMss);
  lose_one(cubic, 100 * kMss);
  EXPECT_EQ(cubic.cwnd(), 70 * kMss);
  EXPECT_FALSE(cubic.in_slow_start());
  cubic.on_timeout(loss(70 * kMss));
  EXPECT_EQ(cubic.cwnd(), kMss);
  EXPECT_EQ(cubic.ssthresh(), 49 * kMss);
}

// --- over time ---

class Flow {
 public:
  explicit Flow(std::uint32_t segments) { cubic.start(segments * kMss); }

  // The window comes down, and everything is repaired within a round trip.
  void lose() {
    const std::uint32_t window = cubic.cwnd();
    cubic.on_loss({.now = now, .flight = window, .pipe = window, .mss = kMss});
    now = now + kRtt;
    cubic.on_ack(sample(0));
  }
  // So many segments are acknowledged in each round trip, or with 0 as many as the window lets out.
  void run(Duration time, std::uint32_t segments = 0) {
    for (const Instant end = now + time; now < end; now = now + kRtt) {
      const std::uint32_t sent = segments > 0 ? segments : cubic.cwnd() / kMss;
      for (std::uint32_t i = 0; i < sent; ++i) {
        AckSample ack = sample(kMss);
        ack.flight_before = (sent - i) * kMss;
        ack.window_limited = segments == 0;
        cubic.on_ack(ack);
      }
    }
  }
  [[nodiscard]] double window() const { return double{1} * cubic.cwnd() / kMss; }

  Cubic cubic;
  Instant now = Instant::from_nanoseconds(1'000'000'000);

 private:
  [[nodiscard]] AckSample sample(std::uint32_t acked) const {
    return {.now = now, .acked = acked, .delivered = acked, .mss = kMss, .srtt = kRtt};
  }
};

// 4.2, figures 1 and 2: 0.7 of the window at first, all of it after K, which is flat, then beyond.
TEST(Cubic, WindowFollowsTheCurve) {
  Flow flow(1'000);
  flow.lose();
  EXPECT_NEAR(flow.window(), 700, 1);
  const double k = std::cbrt(300 / 0.4);
  const auto at = [k](double t) { return 0.4 * std::pow(t - k, 3) + 1'000; };
  for (int second = 1; second <= 15; ++second) {
    flow.run(Duration::seconds(1));
    EXPECT_NEAR(flow.window(), at(second), 10) << second << " s";
  }
}

// 4.3: where Reno would be faster, an additive increase of alpha in each round trip.
TEST(Cubic, SmallWindowGrowsAsRenoWould) {
  Flow flow(20);
  flow.lose();
  flow.run(kRtt * 8);
  EXPECT_NEAR(flow.window(), 14 + 8 * 3 * 0.3 / 1.7, 0.5);
}

// 4.7.
TEST(Cubic, FlowThatLosesGroundMakesRoom) {
  Flow flow(1'000);
  flow.lose();
  flow.run(Duration::seconds(2));
  const double before = flow.window();
  ASSERT_LT(before, 1'000);
  flow.lose();
  // Its curve is flat at the new W_max, 0.85 of the window at which it lost.
  const double plateau = 0.85 * before;
  flow.run(Duration::nanoseconds(
      static_cast<std::int64_t>(1e9 * std::cbrt((plateau - 0.7 * before) / 0.4))));
  EXPECT_NEAR(flow.window(), plateau, 10);
}

// 4.2, 5.8: a minute in which the application sends little is no time on the curve.
TEST(Cubic, TimeInWhichTheApplicationSendsLittleDoesNotCount) {
  Flow pausing(1'000);
  pausing.lose();
  pausing.run(Duration::seconds(3));
  Flow steady = pausing;
  const double before = pausing.window();
  pausing.run(Duration::seconds(60), 10);
  EXPECT_EQ(pausing.window(), before);
  pausing.run(Duration::seconds(1));
  steady.run(Duration::seconds(1));
  EXPECT_NEAR(pausing.window(), steady.window(), 5);
}

}  // namespace

namespace test {
namespace {

// How many segments are in flight after so much time of congestion avoidance.
std::uint32_t flight_after(Duration time, bool in_bursts) {
  Script::Options options;
  options.packets = 4'096;
  options.tcp.send_memory = std::size_t{64} << 20;
  Script host(options);
  (void)established_with(host, 1'000);
  host.pass(kRtt);
  for (std::uint32_t i = 2; i <= 10; ++i) host.arrives(sack_of(host, 0, 1, i));
  std::uint32_t acked = 0;
  std::uint32_t sent = 10;
  for (const Instant end = host.now + time; host.now < end;) {
    host.pass(kRtt);
    for (const std::uint32_t number : numbers_sent(host)) sent = std::max(sent, number + 1);
    if (host.now >= end) break;
    while (acked < sent) {
      Segment ack = ack_of(host, ++acked);
      in_bursts ? host.arrives_in_burst(std::move(ack)) : host.arrives(std::move(ack));
    }
    host.flush();
  }
  return sent - acked;
}

// All acknowledgments of a burst count, although what they let out goes only when it is over.
TEST(TcpCubic, AcknowledgmentsInABurstCountAsThoseOneByOne) {
  const std::uint32_t one_by_one = flight_after(Duration::seconds(2), false);
  EXPECT_GE(one_by_one, 10U);
  EXPECT_GE(flight_after(Duration::seconds(2), true), one_by_one - 1);
}

}  // namespace
}  // namespace test
}  // namespace sluice::net::tcp
