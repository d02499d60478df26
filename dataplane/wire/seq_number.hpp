// A TCP sequence number: arithmetic modulo 2^32 (RFC 9293 3.4). Order is defined only between
// numbers less than 2^31 apart, by signed difference, and is not transitive: a SeqNumber is never a
// key of an ordered container.
#pragma once

#include <cstdint>

namespace sluice::wire {

class SeqNumber {
 public:
  constexpr SeqNumber() = default;
  explicit constexpr SeqNumber(std::uint32_t value) : value_(value) {}

  [[nodiscard]] constexpr std::uint32_t value() const { return value_; }

  constexpr bool operator==(const SeqNumber&) const = default;
  constexpr bool operator<(SeqNumber other) const { return *this - other < 0; }
  constexpr bool operator<=(SeqNumber other) const { return *this - other <= 0; }
  constexpr bool operator>(SeqNumber other) const { return *this - other > 0; }
  constexpr bool operator>=(SeqNumber other) const { return *this - other >= 0; }

  constexpr SeqNumber operator+(std::uint32_t n) const { return SeqNumber(value_ + n); }
  constexpr SeqNumber operator-(std::uint32_t n) const { return SeqNumber(value_ - n); }
  constexpr SeqNumber& operator+=(std::uint32_t n) {
    value_ += n;
    return *this;
  }
  // How far this lies behind (positive) or in front of (negative) the other in sequence space.
  constexpr std::int32_t operator-(SeqNumber other) const {
    return static_cast<std::int32_t>(value_ - other.value_);
  }

 private:
  std::uint32_t value_ = 0;
};

}  // namespace sluice::wire
