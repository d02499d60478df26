// The idle back-off of a worker: after a while of turns that found nothing it sleeps, longer and
// longer up to a bound, and forgets about it as soon as there is something to do.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace sluice::run {

class IdleBackoff {
 public:
  // Turns without work before the first sleep, and the length of that.
  static constexpr unsigned kPatience = 64;
  static constexpr base::Duration kFirstSleep = base::Duration::microseconds(2);

  // A bound of zero: never sleep.
  explicit IdleBackoff(base::Duration bound) : bound_(bound) {}

  // Lowers the bound.
  void shorten(base::Duration bound) { bound_ = std::min(bound_, bound); }

  // How long to sleep after a turn that was `busy` or not, when something is due in `until_due`;
  // zero for not at all.
  [[nodiscard]] base::Duration after_turn(bool busy, base::Duration until_due) {
    constexpr base::Duration kNone;
    if (busy) {
      empty_turns_ = 0;
      next_ = kFirstSleep;
      return kNone;
    }
    if (bound_ <= kNone || ++empty_turns_ <= kPatience || until_due <= kNone) return kNone;
    empty_turns_ = kPatience;  // stays there
    const base::Duration sleep = std::min({next_, bound_, until_due});
    next_ = std::min(next_ * 2, bound_);
    return sleep;
  }

 private:
  base::Duration bound_;
  unsigned empty_turns_ = 0;
  base::Duration next_ = kFirstSleep;
};

}  // namespace sluice::run
