#include "dataplane/run/clock.hpp"

#include <rte_cycles.h>

namespace sluice::run {
namespace {

constexpr unsigned kFractionBits = 32;
constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

TscClock::TscClock() : TscClock(rte_get_tsc_hz()) {}

TscClock::TscClock(std::uint64_t ticks_per_second)
    : epoch_(rte_rdtsc()),
      multiplier_((kNanosecondsPerSecond << kFractionBits) / ticks_per_second) {}

base::Instant TscClock::now() const {
  const std::uint64_t ticks = rte_rdtsc() - epoch_;
  __extension__ using Wide = unsigned __int128;
  return base::Instant::from_nanoseconds(
      static_cast<std::int64_t>((Wide{ticks} * multiplier_) >> kFractionBits));
}

}  // namespace sluice::run
