// Round-trip time and the retransmission timeout (RFC 6298).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::net::tcp {

class RttEstimator {
 public:
  // RFC 6298 2.1: before the first measurement.
  static constexpr base::Duration kInitialRto = base::Duration::seconds(1);
  // RFC 6298 2.5: a bound on RTO, at least 60 seconds.
  static constexpr base::Duration kMaxRto = base::Duration::seconds(60);

  void add(base::Duration sample);
  // A sample from a clock of milliseconds. It counts for the estimate where it says anything, and
  // never for minimum(), which is finer.
  void add_coarse(base::Duration sample);
  // RFC 6298 5.7: the SYN had to be sent again and nothing has been measured.
  void handshake_was_lossy() { lossy_handshake_ = true; }

  // RFC 6298 5.5, 5.6: each timeout doubles the next; a new acknowledgment ends that.
  void back_off() { backoff_ = static_cast<std::uint8_t>(std::min(backoff_ + 1, 16)); }
  void reset_back_off() { backoff_ = 0; }
  [[nodiscard]] std::uint8_t back_offs() const { return backoff_; }

  [[nodiscard]] base::Duration rto(base::Duration minimum) const;
  [[nodiscard]] bool measured() const { return smoothed_us_ != 0; }
  [[nodiscard]] base::Duration smoothed() const {
    return base::Duration::microseconds(smoothed_us_);
  }
  // The smallest sample so far.
  [[nodiscard]] base::Duration minimum() const { return base::Duration::microseconds(minimum_us_); }

 private:
  void smooth(std::uint32_t us);

  std::uint32_t smoothed_us_ = 0;  // SRTT; 0: nothing measured
  std::uint32_t variance_us_ = 0;  // RTTVAR
  std::uint32_t minimum_us_ = 0;   // 0: none yet
  std::uint8_t backoff_ = 0;
  bool lossy_handshake_ = false;
};

}  // namespace sluice::net::tcp
