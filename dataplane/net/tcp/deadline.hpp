// When something is due, in four bytes of a control block: ticks of the timer wheel, which is what
// fires them, modulo 2^32. Deadlines compare with each other and with a moment of the present, no
// further than three days away.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "base/timer_wheel.hpp"

namespace sluice::net::tcp {

class Deadline {
 public:
  static constexpr base::Duration kFurthest = base::Duration::seconds(3 * 24 * 3600);
  static constexpr std::int32_t kNone = 0x7fffffff;

  constexpr Deadline() = default;  // never
  // At `at` or less than a tick later.
  constexpr Deadline(base::Instant at)
      : ticks_(at == base::Instant::never() ? kNever : or_one_more(ticks_after(at))) {}

  [[nodiscard]] constexpr bool is_set() const { return ticks_ != kNever; }
  [[nodiscard]] constexpr bool is_due(base::Instant now) const {
    return is_set() && !is_later(ticks_, ticks_before(now));
  }
  [[nodiscard]] constexpr bool is_before(Deadline other) const {
    return is_set() && (!other.is_set() || is_later(other.ticks_, ticks_));
  }
  constexpr void bring_forward_to(Deadline other) {
    if (other.is_before(*this)) *this = other;
  }
  // How far it lies ahead of the present; kNone, which is further than any, when it is not set.
  [[nodiscard]] constexpr std::int32_t ticks_ahead(base::Instant now) const {
    return is_set() ? static_cast<std::int32_t>(ticks_ - ticks_before(now)) : kNone;
  }
  static constexpr base::Instant in_ticks(base::Instant now, std::int32_t ticks) {
    return base::Instant::from_nanoseconds((now.nanoseconds() / kTick + ticks) * kTick);
  }

 private:
  static constexpr std::int64_t kTick = base::TimerWheel::kTick.nanoseconds();
  static constexpr std::uint32_t kNever = 0;

  static constexpr std::uint32_t ticks_before(base::Instant at) {
    return static_cast<std::uint32_t>(at.nanoseconds() / kTick);
  }
  static constexpr std::uint32_t ticks_after(base::Instant at) {
    return static_cast<std::uint32_t>((at.nanoseconds() + (kTick - 1)) / kTick);
  }
  static constexpr std::uint32_t or_one_more(std::uint32_t ticks) {
    return ticks == kNever ? ticks + 1 : ticks;
  }
  static constexpr bool is_later(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b) > 0;
  }

  std::uint32_t ticks_ = kNever;
};

static_assert(base::TimerWheel::kTick.nanoseconds() * (std::int64_t{1} << 31) >
              Deadline::kFurthest.nanoseconds());

}  // namespace sluice::net::tcp
