// The segments of one connection that are in the network, in the order in which they went out last
// (an optimization that RFC 8985 6.2, step 5, names), so that whoever looks for losses sees those
// first that were sent first, and none twice. Segments that were sent once are in that order in the
// send queue itself, where a cursor runs ahead over the others; those sent again are linked here.
#pragma once

#include "dataplane/net/tcp/send_queue.hpp"

namespace sluice::net::tcp {

class InFlight {
 public:
  // --- segments that were sent again ---
  void push_resent(SendSegment& segment);
  // The rest of a segment that was cut behind the segment itself.
  void insert_resent(SendSegment& segment, SendSegment& rest);
  void remove_resent(SendSegment& segment);
  [[nodiscard]] SendSegment* oldest_resent() const { return head_; }

  // --- segments that were sent once ---
  // The first that is in the network, or null. Counts what it passes.
  [[nodiscard]] SendSegment* oldest_sent_once(const SendQueue& queue, std::uint32_t& steps);

  // A segment leaves the queue.
  void on_gone(const SendSegment& segment) {
    if (cursor_ == &segment) cursor_ = nullptr;
  }
  // Nothing is marked in the queue: the cursor gains nothing, and nobody has to mind it.
  void rewind() { cursor_ = nullptr; }
  // No segment that was sent again is in the network, and nobody has to mind the cursor.
  [[nodiscard]] bool is_rewound() const { return head_ == nullptr && cursor_ == nullptr; }

 private:
  SendSegment* head_ = nullptr;
  SendSegment* tail_ = nullptr;
  // No segment in front of it is in the network and was sent once; null: it is the first one.
  SendSegment* cursor_ = nullptr;
};

}  // namespace sluice::net::tcp
