#include "dataplane/net/tcp/lost_heap.hpp"

#include <cassert>
#include <utility>

namespace sluice::net::tcp {
namespace {

// Which of a segment's links leads where, while it is in the heap.
constexpr std::size_t kLeft = 0;
constexpr std::size_t kRight = 1;

SendSegment* child(SendSegment& of, std::size_t side) {
  return of.links[side].from(of);
}

}  // namespace

void LostHeap::insert(SendSegment& segment) {
  if (segment.in_heap) return;
  segment.links = {};
  segment.in_heap = true;
  top_ = merge(top_, &segment);
}

SendSegment* LostHeap::first() {
  while (top_ != nullptr && top_->fate != Fate::kLost) pop();
  return top_;
}

void LostHeap::remove_first(SendSegment& segment) {
  if (!segment.in_heap) return;
  assert(top_ == &segment);
  pop();
}

void LostHeap::pop() {
  SendSegment& segment = *top_;
  top_ = merge(child(segment, kLeft), child(segment, kRight));
  segment.links = {};
  segment.in_heap = false;
}

// Down the right sides, exchanging the children of each segment that is passed.
SendSegment* LostHeap::merge(SendSegment* one, SendSegment* other) {
  SendSegment* top = nullptr;
  SendSegment* above = nullptr;
  const auto hang = [&](SendSegment* below) {
    if (above == nullptr) {
      top = below;
    } else {
      above->links[kLeft].set(*above, below);
    }
  };
  while (one != nullptr && other != nullptr) {
    ++steps_;
    if (other->seq < one->seq) std::swap(one, other);
    SendSegment* const rest = child(*one, kRight);
    one->links[kRight].set(*one, child(*one, kLeft));
    hang(one);
    above = one;
    one = rest;
  }
  hang(one != nullptr ? one : other);
  return top;
}

std::uint32_t LostHeap::take_steps() {
  return std::exchange(steps_, 0);
}

}  // namespace sluice::net::tcp
