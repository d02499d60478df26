#include "dataplane/net/tcp/cubic.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::net::tcp {
namespace {

constexpr float kC = 0.4F;                               // RFC 9438 5
constexpr float kBeta = 0.7F;                            // RFC 9438 4.6
constexpr float kAlpha = 3 * (1 - kBeta) / (1 + kBeta);  // RFC 9438 4.3
// RFC 9406 4.2 and, for a timeout's slow start, RFC 3465 2.3: segments that one acknowledgment
// counts for, so that one which covers a whole flight lets no burst of that size out.
constexpr std::uint32_t kSlowStartLimit = 8;
constexpr std::uint32_t kSlowStartLimitAfterTimeout = 1;
constexpr std::uint32_t kMaxWindow = std::uint32_t{1} << 30;
constexpr std::uint32_t kByte = 1 << 16;  // in the units of credit_

std::uint32_t milliseconds(base::Instant now) {
  return static_cast<std::uint32_t>(now.milliseconds());
}

// RFC 5681 and 7661: a window that was not used says nothing about the path and does not grow. One
// that is nearly full may have been kept from being so by pacing.
bool was_limited(const AckSample& sample, std::uint32_t cwnd, bool slow_start) {
  if (sample.window_limited) return true;
  return slow_start ? sample.flight_before >= cwnd / 2
                    : sample.flight_before + 3 * sample.mss >= cwnd;
}

}  // namespace

void Cubic::on_ack(const AckSample& sample) {
  if (in_recovery_) return recover(sample);
  if (sample.acked == 0 || sample.echoed) return;
  const bool limited = was_limited(sample, cwnd_, in_slow_start());
  if (in_epoch_) run_clock(limited, milliseconds(sample.now));
  if (!limited) return;
  const std::uint32_t acked = in_slow_start() ? slow_start(sample) : sample.acked;
  if (acked > 0) avoid_congestion(sample, acked);
}

// RFC 6937 3.
void Cubic::recover(const AckSample& sample) {
  if (sample.fast_recovery) {
    cwnd_ = std::max(prr_.on_ack(sample, ssthresh_), sample.mss);
    return;
  }
  cwnd_ = std::min(ssthresh_, kMaxWindow);
  in_recovery_ = false;
}

// RFC 5681 3.1, up to the threshold. Returns the bytes that count beyond it.
std::uint32_t Cubic::slow_start(const AckSample& sample) {
  const std::uint32_t limit = after_timeout_ ? kSlowStartLimitAfterTimeout : kSlowStartLimit;
  const std::uint32_t counted = std::min(sample.acked, limit * sample.mss);
  const std::uint32_t growth = std::min(counted, std::min(ssthresh_, kMaxWindow) - cwnd_);
  cwnd_ += growth;
  if (!in_slow_start()) after_timeout_ = false;
  return counted - growth;
}

// RFC 9438 4.2, 5.8: an epoch's time stands still while less is sent than the window allows, or the
// window would leap when more is.
void Cubic::run_clock(bool on, std::uint32_t now_ms) {
  if (on != clock_stands_) return;
  epoch_.begin_ms = now_ms - epoch_.begin_ms;
  clock_stands_ = !on;
}

void Cubic::begin_epoch(const AckSample& sample) {
  const float window = static_cast<float>(cwnd_) / static_cast<float>(sample.mss);
  in_epoch_ = true;
  clock_stands_ = false;
  credit_ = 0;
  w_max_ = std::max(w_max_, window);
  epoch_ = {.w_est = window,
            .k = std::cbrt((w_max_ - window) / kC),
            .begin_ms = milliseconds(sample.now)};
}

// RFC 9438 4.2 to 4.5. What the RFC divides by the segment size to have windows in segments is
// compared in bytes here, so that one division is left, by the window.
void Cubic::avoid_congestion(const AckSample& sample, std::uint32_t acked_bytes) {
  if (!in_epoch_) begin_epoch(sample);
  const auto mss = static_cast<float>(sample.mss);
  const auto window = static_cast<float>(cwnd_);
  const auto acked = static_cast<float>(acked_bytes);
  const float share = acked / window;
  const float t = static_cast<float>(milliseconds(sample.now) - epoch_.begin_ms) * 1e-3F;
  const float srtt = static_cast<float>(sample.srtt.nanoseconds()) * 1e-9F;

  epoch_.w_est += (epoch_.w_est >= w_max_ ? 1.0F : kAlpha) * share;
  const auto w_cubic = [this](float at) {
    const float from_k = at - epoch_.k;
    return kC * from_k * from_k * from_k + w_max_;
  };
  float growth = 0;  // bytes
  if (w_cubic(t) < epoch_.w_est) {
    growth = epoch_.w_est * mss - window;
  } else {
    const float target = std::min(w_cubic(t + srtt) * mss, 1.5F * window);
    growth = (target - window) * share;
  }
  const auto parts = static_cast<std::int64_t>(std::clamp(growth, 0.0F, acked) * kByte) + credit_;
  credit_ = static_cast<std::uint16_t>(parts % kByte);
  cwnd_ = std::min(cwnd_ + static_cast<std::uint32_t>(parts / kByte), kMaxWindow);
}

void Cubic::reduce(std::uint32_t flight, std::uint32_t mss) {
  undo_ssthresh_ = std::max(cwnd_, ssthresh_);
  const float window = static_cast<float>(cwnd_) / static_cast<float>(mss);
  // RFC 9438 4.7, fast convergence: a flow that is losing ground makes room for a newcomer.
  w_max_ = window < w_max_ ? window * (1 + kBeta) / 2 : window;
  // RFC 9438 4.6: from what was in flight, so that an unused window is not credited.
  const float base = static_cast<float>(std::min(flight, cwnd_));
  ssthresh_ = std::max(static_cast<std::uint32_t>(base * kBeta), 2 * mss);
  in_epoch_ = false;
}

void Cubic::on_loss(const LossEvent& loss) {
  reduce(loss.flight, loss.mss);
  after_timeout_ = false;
  in_recovery_ = true;
  prr_ = Prr(loss.pipe);
}

// RFC 5681 3.1, equation 4: one segment after a timeout; and the threshold stays where it is when
// what was sent again is lost once more.
void Cubic::on_timeout(const LossEvent& loss) {
  if (!loss.again) {
    reduce(loss.flight, loss.mss);
    after_timeout_ = true;
  }
  in_recovery_ = false;
  cwnd_ = loss.mss;
}

// RFC 3708 3 (C): slow start takes the window back to where it was, so that no burst does.
void Cubic::on_spurious() {
  ssthresh_ = std::max(ssthresh_, undo_ssthresh_);
  in_epoch_ = false;
  in_recovery_ = false;
  after_timeout_ = false;
}

void Cubic::on_idle(std::uint32_t restart_window) {
  cwnd_ = std::min(cwnd_, restart_window);
  in_epoch_ = false;
}

}  // namespace sluice::net::tcp
