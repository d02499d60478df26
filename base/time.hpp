// Time as the sans-IO layers see it: it is always handed in. Instants count nanoseconds from an
// arbitrary start (the worker's TSC epoch, or zero in a simulation) and never go backwards.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace sluice::base {

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration nanoseconds(std::int64_t n) { return Duration(n); }
  static constexpr Duration microseconds(std::int64_t n) { return Duration(n * 1'000); }
  static constexpr Duration milliseconds(std::int64_t n) { return Duration(n * 1'000'000); }
  static constexpr Duration seconds(std::int64_t n) { return Duration(n * 1'000'000'000); }

  [[nodiscard]] constexpr std::int64_t nanoseconds() const { return nanoseconds_; }
  [[nodiscard]] constexpr std::int64_t microseconds() const { return nanoseconds_ / 1'000; }
  [[nodiscard]] constexpr std::int64_t milliseconds() const { return nanoseconds_ / 1'000'000; }

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration o) const { return Duration(nanoseconds_ + o.nanoseconds_); }
  constexpr Duration operator-(Duration o) const { return Duration(nanoseconds_ - o.nanoseconds_); }
  constexpr Duration operator*(std::int64_t k) const { return Duration(nanoseconds_ * k); }
  constexpr Duration operator/(std::int64_t k) const { return Duration(nanoseconds_ / k); }

 private:
  explicit constexpr Duration(std::int64_t n) : nanoseconds_(n) {}
  std::int64_t nanoseconds_ = 0;
};

class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant from_nanoseconds(std::int64_t n) { return Instant(n); }
  // Later than any instant that happens: "no deadline".
  static constexpr Instant never() { return Instant(std::numeric_limits<std::int64_t>::max()); }

  [[nodiscard]] constexpr std::int64_t nanoseconds() const { return nanoseconds_; }
  [[nodiscard]] constexpr std::int64_t milliseconds() const { return nanoseconds_ / 1'000'000; }

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return Instant(nanoseconds_ + d.nanoseconds()); }
  constexpr Instant operator-(Duration d) const { return Instant(nanoseconds_ - d.nanoseconds()); }
  constexpr Duration operator-(Instant o) const {
    return Duration::nanoseconds(nanoseconds_ - o.nanoseconds_);
  }

 private:
  explicit constexpr Instant(std::int64_t n) : nanoseconds_(n) {}
  std::int64_t nanoseconds_ = 0;
};

}  // namespace sluice::base
