#include "dataplane/net/tcp/rtt.hpp"

namespace sluice::net::tcp {

using base::Duration;

namespace {

// A peer chooses what it echoes: no sample counts for more than the largest timeout.
std::uint32_t bounded(Duration sample) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(sample.microseconds(), 1, RttEstimator::kMaxRto.microseconds()));
}

}  // namespace

void RttEstimator::add(Duration sample) {
  const std::uint32_t us = bounded(sample);
  minimum_us_ = minimum_us_ == 0 ? us : std::min(minimum_us_, us);
  smooth(us);
}

void RttEstimator::add_coarse(Duration sample) {
  if (sample.milliseconds() == 0 && measured()) return;  // less than a tick: nothing new
  smooth(bounded(std::max(sample, Duration::milliseconds(1))));
}

void RttEstimator::smooth(std::uint32_t us) {
  if (!measured()) {
    // RFC 6298 2.2.
    smoothed_us_ = us;
    variance_us_ = us / 2;
    return;
  }
  // RFC 6298 2.3: alpha = 1/8, beta = 1/4, RTTVAR before SRTT.
  const std::uint32_t error = us > smoothed_us_ ? us - smoothed_us_ : smoothed_us_ - us;
  variance_us_ = variance_us_ - variance_us_ / 4 + error / 4;
  smoothed_us_ = std::max<std::uint32_t>(1, smoothed_us_ - smoothed_us_ / 8 + us / 8);
}

// The minimum is one of the variance term, as Linux has it: a peer that delays its acknowledgment
// by the usual 40 to 200 ms must not look like a loss on a path whose RTT hardly varies.
Duration RttEstimator::rto(Duration minimum) const {
  Duration timeout = lossy_handshake_ ? Duration::seconds(3) : kInitialRto;
  if (measured()) {
    timeout =
        smoothed() + std::max(minimum, Duration::microseconds(std::int64_t{variance_us_} * 4));
  }
  return std::min(timeout * (std::int64_t{1} << backoff_), kMaxRto);
}

}  // namespace sluice::net::tcp
