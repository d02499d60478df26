// What all connections of a worker may hold together, in one direction. As it runs out buffers stop
// growing, then shrink to what they began with, then to the least that a session can live on; the
// last of it is for connections that hold hardly anything, so that nobody's hoard stops the others.
#pragma once

#include <cstddef>

namespace sluice::net::tcp {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t total) : total_(total) {}

  // What somebody holds has changed; bytes.
  void change(std::size_t from, std::size_t to) { used_ += to - from; }

  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t total() const { return total_; }
  // No buffer is larger than it was at first.
  [[nodiscard]] bool is_tight() const { return used_ >= total_ - total_ / 4; }
  // What `more` would take is left for those who hold little.
  [[nodiscard]] bool is_short(std::size_t more = 0) const {
    return used_ + more > total_ - total_ / 8;
  }
  [[nodiscard]] bool is_exhausted(std::size_t more = 0) const { return used_ + more > total_; }

 private:
  std::size_t total_;
  std::size_t used_ = 0;
};

}  // namespace sluice::net::tcp
