#include "dataplane/net/tcp/pacer.hpp"

#include <algorithm>

#include "base/timer_wheel.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;

namespace {

// Below this round-trip time pacing would only add the timer's own granularity.
constexpr Duration kShortestPacedRtt = Duration::milliseconds(1);
// What goes out in one go under a window: a millisecond's worth, at least this many segments.
constexpr std::uint32_t kPacedSegments = 4;

}  // namespace

Pacer::Pacer(const Connection& c) {
  if (const Bbr* model = c.outbox->congestion.model()) {
    rate_ = std::max<std::uint64_t>(model->pacing_rate(), 1);
    quantum_ = model->send_quantum();
    return;
  }
  if (!c.rtt.measured() || c.rtt.smoothed() < kShortestPacedRtt) return;
  const std::uint64_t percent = c.outbox->congestion.in_slow_start() ? 200 : 125;
  rate_ = std::max<std::uint64_t>(c.outbox->congestion.cwnd() * percent * 10'000 /
                                      static_cast<std::uint64_t>(c.rtt.smoothed().microseconds()),
                                  1);
  quantum_ = std::max(kPacedSegments * c.snd.mss, static_cast<std::uint32_t>(rate_ / 1'000));
}

// From when it was allowed, where a timer was late by no more than it may be: else each tick that a
// timer takes would come off the rate.
Instant Pacer::next(Instant now, Instant previous, std::uint32_t bytes) const {
  const Instant from = std::max(previous, now - base::TimerWheel::kTick);
  return from + Duration::nanoseconds(
                    static_cast<std::int64_t>(std::uint64_t{bytes} * 1'000'000'000 / rate_));
}

}  // namespace sluice::net::tcp
