// What CUBIC's arithmetic, which is made to be fast, comes to: the formulas of RFC 9438.
#include "dataplane/net/tcp/cubic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

namespace sluice::net::tcp {
namespace {

using base::Duration;
using base::Instant;

// Congestion avoidance as RFC 9438 writes it: windows in segments, times in seconds.
class Formulas {
 public:
  explicit Formulas(double window) : cwnd(window) {}

  void on_loss() {
    w_max_ = cwnd < w_max_ ? cwnd * (1 + kBeta) / 2 : cwnd;  // 4.7
    cwnd *= kBeta;                                           // 4.6
    in_epoch_ = false;
  }
  void on_ack(double now, double srtt, double acked) {
    if (!in_epoch_) {
      in_epoch_ = true;
      begin_ = now;
      w_max_ = std::max(w_max_, cwnd);
      w_est_ = cwnd;
      k_ = std::cbrt((w_max_ - cwnd) / kC);  // 4.2, figure 2
    }
    const double alpha = w_est_ >= w_max_ ? 1 : 3 * (1 - kBeta) / (1 + kBeta);
    w_est_ += alpha * acked / cwnd;  // 4.3, figure 4
    if (w_cubic(now - begin_) < w_est_) {
      cwnd += std::clamp(w_est_ - cwnd, 0.0, acked);
    } else {
      const double target = std::clamp(w_cubic(now - begin_ + srtt), cwnd, 1.5 * cwnd);
      cwnd += (target - cwnd) / cwnd * acked;  // 4.4, 4.5
    }
  }

  double cwnd;

 private:
  static constexpr double kC = 0.4;
  static constexpr double kBeta = 0.7;

  // 4.2, figure 1.
  [[nodiscard]] double w_cubic(double t) const { return kC * std::pow(t - k_, 3) + w_max_; }

  bool in_epoch_ = false;
  double begin_ = 0;
  double w_max_ = 0;
  double w_est_ = 0;
  double k_ = 0;
};

TEST(CubicArithmetic, WindowFollowsTheFormulasInEveryRegion) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto between = [&random](std::uint32_t least, std::uint32_t most) {
      return std::uniform_int_distribution<std::uint32_t>(least, most)(random);
    };
    const std::uint32_t mss = between(500, 1'460);
    const std::uint32_t srtt_ms = between(1, 300);
    Cubic cubic;
    cubic.start(between(50, 3'000) * mss);
    Formulas formulas(static_cast<double>(cubic.cwnd()) / mss);
    Instant now = Instant::from_nanoseconds(5'000'000'000);
    for (int epoch = 0; epoch < 4; ++epoch) {
      cubic.on_loss({.now = now, .flight = cubic.cwnd(), .pipe = cubic.cwnd(), .mss = mss});
      formulas.on_loss();
      AckSample sample;
      sample.mss = mss;
      sample.srtt = Duration::milliseconds(srtt_ms);
      cubic.on_ack(sample);  // recovery is over
      for (int i = 0; i < 5'000; ++i) {
        now = now + Duration::milliseconds(between(0, 1 + srtt_ms / 10));
        sample.now = now;
        sample.acked = between(1, 2 * mss);
        sample.flight_before = cubic.cwnd();
        cubic.on_ack(sample);
        formulas.on_ack(static_cast<double>(now.milliseconds()) / 1e3, srtt_ms / 1e3,
                        static_cast<double>(sample.acked) / mss);
      }
      ASSERT_NEAR(static_cast<double>(cubic.cwnd()) / mss / formulas.cwnd, 1, 2e-3);
    }
  }
}

}  // namespace
}  // namespace sluice::net::tcp
