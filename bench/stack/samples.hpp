// Figures of one kind, taken piece by piece: their median is not disturbed by the pieces during
// which the machine did something else.
#pragma once

#include <algorithm>
#include <vector>

namespace sluice::bench {

class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  // Precondition of all: there is one.
  [[nodiscard]] double last() const { return values_.back(); }
  [[nodiscard]] double median() const {
    std::vector<double> sorted = values_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::ranges::nth_element(sorted, middle);
    return *middle;
  }
  [[nodiscard]] double least() const { return *std::ranges::min_element(values_); }

 private:
  std::vector<double> values_;
};

}  // namespace sluice::bench
