// BBR on a path of a bottleneck, a queue and a delay, which is simulated segment by segment
// (draft-ietf-ccwg-bbr; the sections cited are its).
#include "dataplane/net/tcp/bbr.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

namespace sluice::net::tcp {
namespace {

using base::Duration;
using base::Instant;

constexpr std::uint32_t kMss = 1'000;
constexpr double kBandwidth = 5e6;  // bytes per second
constexpr Duration kRtt = Duration::milliseconds(40);
constexpr std::uint32_t kBdp = 200'000;

class Flow {
 public:
  // Sends whatever BBR permits for so long.
  void run(Duration time) {
    const Instant end = now + time;
    while (now < end) {
      send();
      const Instant ack = in_flight_.empty() ? Instant::never() : in_flight_.front().acked_at;
      now = std::max(std::min({ack, application_limit ? Instant::never() : next_send_, end}),
                     now + Duration::microseconds(1));
      acknowledge();
      longest_queue = std::max(longest_queue, free_at_ - now);
      least_cwnd = std::min(least_cwnd, bbr.cwnd());
    }
  }
  void forget() {
    longest_queue = {};
    least_cwnd = 1 << 30;
    delivered = 0;
  }
  // What it delivers in so much time, once it has had some to settle: in parts of the bandwidth.
  double utilisation(Duration settling, Duration time) {
    run(settling);
    forget();
    run(time);
    return 1e9 * static_cast<double>(delivered) / static_cast<double>(time.nanoseconds()) /
           bandwidth;
  }
  void mark() {
    bbr.on_loss({.now = now, .flight = pipe_, .pipe = pipe_, .mss = kMss, .marked = true});
  }
  [[nodiscard]] std::uint32_t pipe() const { return pipe_; }

  Instant now = Instant::from_nanoseconds(1'000'000'000);
  Bbr bbr{{.now = now, .window = 10 * kMss, .mss = kMss, .rtt = kRtt}};
  double bandwidth = kBandwidth;
  Duration rtt = kRtt;
  Duration buffer = Duration::milliseconds(80);  // of the queue, in time
  std::function<bool()> drops = [] { return false; };
  bool application_limit = false;  // a segment at a time

  Duration longest_queue;
  std::uint32_t least_cwnd = 1 << 30;
  std::uint64_t delivered = 0;

 private:
  struct Sent {
    SendSegment segment;
    Instant acked_at;
    bool lost = false;
  };

  void send() {
    const std::uint32_t window = application_limit ? kMss : bbr.cwnd();
    while (now >= next_send_ && pipe_ + kMss <= window) {
      Sent sent;
      sent.segment.size = kMss;
      sent.segment.sent_at = now;
      bbr.on_transmit(sent.segment, now, pipe_);
      pipe_ += kMss;
      const Instant begin = std::max(free_at_, now);
      sent.lost = drops() || begin - now > buffer;
      if (begin - now <= buffer) free_at_ = begin + time_for(kMss, bandwidth);
      sent.acked_at = free_at_ + rtt;
      in_flight_.push_back(sent);
      next_send_ = std::max(next_send_, now - Duration::milliseconds(1)) +
                   time_for(kMss, static_cast<double>(bbr.pacing_rate()));
    }
    if (application_limit) bbr.on_app_limited(pipe_);
  }
  void acknowledge() {
    while (!in_flight_.empty() && in_flight_.front().acked_at <= now) {
      const Sent sent = in_flight_.front();
      in_flight_.pop_front();
      AckSample ack{.now = now, .mss = kMss, .min_rtt = kRtt, .sees_each_loss = true};
      const SentSegment segment(sent.segment);
      ack.pipe_before = pipe_;
      pipe_ -= kMss;
      ack.pipe = pipe_;
      if (sent.lost) {
        if (!recovering_) bbr.on_loss({.now = now, .flight = pipe_, .pipe = pipe_, .mss = kMss});
        recovering_ = true;
        recovered_at_ = now + rtt;
        ack.lost = kMss;
        ack.lost_segments = 1;
        ack.newest_lost = &segment;
      } else {
        if (recovering_ && now > recovered_at_) recovering_ = false;
        ack.acked = ack.delivered = kMss;
        ack.rtt = now - sent.segment.sent_at;
        ack.newest = &segment;
        delivered += kMss;
      }
      ack.fast_recovery = recovering_;
      bbr.on_ack(ack);
    }
  }
  static Duration time_for(std::uint32_t size, double rate) {
    return Duration::nanoseconds(static_cast<std::int64_t>(1e9 * size / rate));
  }

  std::deque<Sent> in_flight_;
  std::uint32_t pipe_ = 0;
  Instant free_at_;
  Instant next_send_;
  Instant recovered_at_;
  bool recovering_ = false;
};

// Drops one of so many.
std::function<bool()> one_of(int n) {
  return [n, count = 0]() mutable { return ++count % n == 0; };
}

// "Startup": twice as fast each round; "Drain"; then at the bandwidth of the path.
TEST(Bbr, FindsTheBandwidthOfThePath) {
  Flow flow;
  flow.run(Duration::milliseconds(600));
  EXPECT_FALSE(flow.bbr.in_startup());
  EXPECT_GE(flow.utilisation(Duration::milliseconds(500), Duration::seconds(4)), 0.97);
  EXPECT_LE(flow.bbr.cwnd(), 2.6 * kBdp);
}

// The reason to model the path: the queue stays short, however long it may become.
TEST(Bbr, LeavesTheQueueShort) {
  Flow flow;
  flow.buffer = Duration::seconds(10);
  flow.run(Duration::seconds(2));
  flow.forget();
  flow.run(Duration::seconds(10));
  EXPECT_LE(flow.longest_queue, kRtt);
}

TEST(Bbr, FollowsABandwidthThatGrows) {
  Flow flow;
  flow.run(Duration::seconds(3));
  flow.bandwidth = 4 * kBandwidth;
  EXPECT_GE(flow.utilisation(Duration::seconds(8), Duration::seconds(2)), 0.9);
}

TEST(Bbr, FollowsABandwidthThatFalls) {
  Flow flow;
  flow.run(Duration::seconds(3));
  flow.bandwidth = kBandwidth / 4;
  EXPECT_GE(flow.utilisation(Duration::seconds(10), Duration::seconds(2)), 0.85);
  EXPECT_LE(flow.longest_queue, kRtt * 3);
}

// Below LossThresh losses teach it nothing.
TEST(Bbr, LossOfOneInAHundredCostsNoMoreThanItself) {
  Flow flow;
  flow.drops = one_of(100);
  EXPECT_GE(flow.utilisation(Duration::seconds(2), Duration::seconds(8)), 0.95);
}

// "When not Probing for Bandwidth": far above LossThresh it gives way in each round.
TEST(Bbr, HeavyLossTakesTheRateDown) {
  Flow flow;
  flow.run(Duration::seconds(3));
  flow.drops = one_of(5);
  const double share = flow.utilisation(Duration::seconds(2), Duration::seconds(2));
  EXPECT_LE(share, 0.7);
  EXPECT_GE(share, 0.02);
}

// "Probing for Bandwidth In ProbeBW": what is in flight stays within a queue that is short.
TEST(Bbr, ShallowQueueBoundsWhatIsInFlight) {
  Flow flow;
  flow.buffer = Duration::milliseconds(4);
  EXPECT_GE(flow.utilisation(Duration::seconds(5), Duration::seconds(10)), 0.8);
  EXPECT_LE(flow.bbr.cwnd(), 1.5 * kBdp);
}

// "ECN": marks are congestion, however few: what is in flight beyond the path's product goes.
TEST(Bbr, MarksTakeTheWindowDown) {
  Flow flow;
  flow.run(Duration::seconds(3));
  EXPECT_GE(flow.bbr.cwnd(), 1.9 * kBdp);
  for (int i = 0; i < 3; ++i) {
    flow.mark();
    flow.run(kRtt);
  }
  EXPECT_LE(flow.bbr.cwnd(), 1.3 * kBdp);
}

TEST(Bbr, MarkEndsStartup) {
  Flow flow;
  flow.run(Duration::milliseconds(90));
  EXPECT_TRUE(flow.bbr.in_startup());
  flow.mark();
  flow.run(Duration::milliseconds(10));
  EXPECT_FALSE(flow.bbr.in_startup());
}

// "ProbeRTT": every five seconds, where a queue hides the round-trip time of the path.
TEST(Bbr, LongerRoundTripsAreLookedThroughEveryFiveSeconds) {
  Flow flow;
  flow.run(Duration::seconds(2));
  flow.rtt = kRtt * 2;
  flow.forget();
  flow.run(Duration::seconds(6));
  EXPECT_LE(flow.least_cwnd, kBdp * 6 / 10);
}

TEST(Bbr, RoundTripsNearTheMinimumPutTheProbeOff) {
  Flow flow;
  flow.run(Duration::seconds(2));
  flow.forget();
  flow.run(Duration::seconds(12));
  EXPECT_GE(flow.least_cwnd, kBdp);
}

// "BBR.max_bw and Application-limited Delivery Rate Samples".
TEST(Bbr, WhatTheApplicationSendsSlowlyTeachesNothingOfThePath) {
  Flow flow;
  flow.run(Duration::seconds(2));
  const std::uint64_t rate = flow.bbr.pacing_rate();
  flow.application_limit = true;
  flow.run(Duration::seconds(8));
  EXPECT_GE(flow.bbr.pacing_rate(), rate / 2);
  flow.application_limit = false;
  EXPECT_GE(flow.utilisation({}, Duration::seconds(1)), 0.8);
}

// "Modulating cwnd in Loss Recovery".
TEST(Bbr, TimeoutLeavesOneSegmentUntilSomethingArrives) {
  Flow flow;
  flow.run(Duration::seconds(2));
  const std::uint32_t before = flow.bbr.cwnd();
  flow.bbr.on_timeout({.now = flow.now, .flight = flow.pipe(), .mss = kMss});
  EXPECT_EQ(flow.bbr.cwnd(), kMss);
  flow.run(Duration::seconds(1));
  EXPECT_GE(flow.bbr.cwnd(), before / 2);
}

// "Handling a Spurious Loss Recovery".
TEST(Bbr, SpuriousTimeoutGivesTheWindowBack) {
  Flow flow;
  flow.run(Duration::seconds(2));
  const std::uint32_t before = flow.bbr.cwnd();
  flow.bbr.on_timeout({.now = flow.now, .flight = flow.pipe(), .mss = kMss});
  flow.bbr.on_spurious();
  EXPECT_EQ(flow.bbr.cwnd(), before);
}

}  // namespace
}  // namespace sluice::net::tcp
