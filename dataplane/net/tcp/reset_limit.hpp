// How many segments without a connection are answered with a reset: a flood of them must not use up
// packets and the way out. Whoever has lost a connection asks again.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace sluice::net::tcp {

class ResetLimit {
 public:
  static constexpr std::uint32_t kPerSecond = 1'000;

  // Counts the reset if it is permitted.
  [[nodiscard]] bool permit(base::Instant now) {
    const std::int64_t second = now.milliseconds() / 1'000;
    if (second != second_) {
      second_ = second;
      sent_ = 0;
    }
    if (sent_ == kPerSecond) return false;
    ++sent_;
    return true;
  }

 private:
  std::int64_t second_ = 0;
  std::uint32_t sent_ = 0;
};

}  // namespace sluice::net::tcp
