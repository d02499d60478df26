// How many answers of a kind are given, so that nobody makes us busy with them: a bucket of tokens
// (RFC 4443 2.4(f), RFC 1812 4.3.2.8), which lets a few through at once and so many per second.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::net {

class ReplyLimit {
 public:
  struct Options {
    std::int64_t per_second = 0;
    std::int64_t burst = 0;
  };
  explicit ReplyLimit(const Options& options)
      : interval_(base::Duration::seconds(1) / options.per_second),
        debt_limit_(interval_ * (options.burst - 1)) {}

  [[nodiscard]] bool permits(base::Instant now) {
    if (is_used_up(now)) return false;
    paid_until_ = std::max(paid_until_, now) + interval_;
    return true;
  }
  // What permits() would refuse.
  [[nodiscard]] bool is_used_up(base::Instant now) const {
    return paid_until_ > now && paid_until_ - now > debt_limit_;
  }

 private:
  base::Duration interval_;    // in which a token comes back
  base::Duration debt_limit_;  // of the tokens that may be taken at once
  base::Instant paid_until_;   // when all that were taken are back
};

// To echo requests, of each family.
inline constexpr ReplyLimit::Options kEchoReplies{.per_second = 1'000, .burst = 1'000};

}  // namespace sluice::net
