// The workers' clock: the processor's time-stamp counter as nanoseconds. All workers share the
// epoch, so that their instants compare.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace sluice::run {

class TscClock {
 public:
  // Takes the present as its epoch. Precondition: EAL has been started, which calibrates the
  // counter.
  TscClock();
  // For a counter whose rate is known, without EAL.
  explicit TscClock(std::uint64_t ticks_per_second);

  [[nodiscard]] base::Instant now() const;

 private:
  std::uint64_t epoch_;       // ticks
  std::uint64_t multiplier_;  // nanoseconds per tick, with 32 fractional bits
};

}  // namespace sluice::run
