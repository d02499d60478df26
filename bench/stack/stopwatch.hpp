// What a stage of a benchmark took: on-the-clock pieces added up, and what they were spent on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::bench {

class Stopwatch {
 public:
  [[nodiscard]] base::Duration elapsed() const {
    const auto time = std::chrono::steady_clock::now() - begin_;
    return base::Duration::nanoseconds(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

[[nodiscard]] inline double seconds(base::Duration time) {
  return static_cast<double>(time.nanoseconds()) / 1e9;
}

struct Tally {
  base::Duration time;
  std::uint64_t count = 0;

  void add(base::Duration spent, std::size_t on) {
    time = time + spent;
    count += on;
  }
  void add(const Tally& other) { add(other.time, other.count); }
  [[nodiscard]] double nanoseconds_each() const {
    return count == 0 ? 0 : static_cast<double>(time.nanoseconds()) / static_cast<double>(count);
  }
};

}  // namespace sluice::bench
