#include "dataplane/net/tcp/in_flight.hpp"

namespace sluice::net::tcp {
namespace {

// Which of a segment's links leads where, while it is in the list.
constexpr std::size_t kOlder = 0;
constexpr std::size_t kNewer = 1;

}  // namespace

void InFlight::push_resent(SendSegment& segment) {
  segment.links = {};
  segment.links[kOlder].set(segment, tail_);
  if (tail_ != nullptr) {
    tail_->links[kNewer].set(*tail_, &segment);
  } else {
    head_ = &segment;
  }
  tail_ = &segment;
}

void InFlight::insert_resent(SendSegment& segment, SendSegment& rest) {
  SendSegment* const newer = segment.links[kNewer].from(segment);
  if (newer == nullptr) return push_resent(rest);
  rest.links[kOlder].set(rest, &segment);
  rest.links[kNewer].set(rest, newer);
  segment.links[kNewer].set(segment, &rest);
  newer->links[kOlder].set(*newer, &rest);
}

void InFlight::remove_resent(SendSegment& segment) {
  SendSegment* const older = segment.links[kOlder].from(segment);
  SendSegment* const newer = segment.links[kNewer].from(segment);
  if (older != nullptr) {
    older->links[kNewer].set(*older, newer);
  } else {
    head_ = newer;
  }
  if (newer != nullptr) {
    newer->links[kOlder].set(*newer, older);
  } else {
    tail_ = older;
  }
  segment.links = {};
}

SendSegment* InFlight::oldest_sent_once(const SendQueue& queue, std::uint32_t& steps) {
  SendSegment* segment = cursor_ != nullptr ? cursor_ : queue.front();
  while (segment != nullptr && segment != queue.unsent()) {
    ++steps;
    cursor_ = segment;  // the last one stays, so that what is sent next is found behind it
    if (segment->fate == Fate::kInFlight && !segment->resent) return segment;
    segment = segment->next;
  }
  return nullptr;
}

}  // namespace sluice::net::tcp
