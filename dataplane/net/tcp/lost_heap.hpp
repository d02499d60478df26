// The segments of one connection that are to be sent again, the first in sequence space on top: a
// skew heap (Sleator and Tarjan, 1986) through the segments themselves, so that a peer that has
// losses found in the worst order costs the logarithm of their number each, and not their number.
// A segment that the peer reports after all stays until it comes to the top.
#pragma once

#include <cstdint>

#include "dataplane/net/tcp/send_queue.hpp"

namespace sluice::net::tcp {

class LostHeap {
 public:
  // Does nothing where it is in already.
  void insert(SendSegment& segment);
  // The first segment that is still kLost, or null. Drops those in front of it.
  [[nodiscard]] SendSegment* first();
  // A segment leaves the queue or goes out again, if it is in. Precondition: in sequence space,
  // none that is in lies in front of it.
  void remove_first(SendSegment& segment);

  [[nodiscard]] bool empty() const { return top_ == nullptr; }
  // Segments looked at since the last call.
  [[nodiscard]] std::uint32_t take_steps();

 private:
  SendSegment* merge(SendSegment* one, SendSegment* other);
  void pop();

  SendSegment* top_ = nullptr;
  std::uint32_t steps_ = 0;
};

}  // namespace sluice::net::tcp
