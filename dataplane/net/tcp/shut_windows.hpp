// Connections whose peer has had its window shut in front of queued data, the longest first: who is
// to go when the send budget is used up. Entries are checked when they are looked at, not when
// their connection moves on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/net/stack.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

class ShutWindows {
 public:
  struct Entry {
    ConnectionHandle connection;
    wire::SeqNumber una;         // when it was noted
    std::uint32_t since_ms = 0;  // and when that was
  };

  explicit ShutWindows(std::size_t connections)
      : capacity_(std::min(connections, kMost)), entries_(std::make_unique<Entry[]>(capacity_)) {}

  // False when there is no room; those that come later find some.
  bool push(const Entry& entry) {
    if (size_ == capacity_) return false;
    entries_[(first_ + size_++) % capacity_] = entry;
    return true;
  }
  [[nodiscard]] const Entry& front() const { return entries_[first_]; }
  void pop() {
    first_ = (first_ + 1) % capacity_;
    --size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kMost = 16'384;

  std::size_t capacity_;
  std::unique_ptr<Entry[]> entries_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice::net::tcp
