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
    const base::Instant begins = std::max(paid_until_, now);
    if (begins - now > debt_limit_) return false;
    paid_until_ = begins + interval_;
    return true;
  }

 private:
  base::Duration interval_;    // in which a token comes back
  base::Duration debt_limit_;  // of the tokens that may be taken at once
  base::Instant paid_until_;   // when all that were taken are back
};

// To echo requests, of each family.
inline constexpr ReplyLimit::Options kEchoReplies{.per_second = 1'000, .burst = 1'000};

}  // namespace sluice::net
