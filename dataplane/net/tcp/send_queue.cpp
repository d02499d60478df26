#include "dataplane/net/tcp/send_queue.hpp"

#include <cassert>

namespace sluice::net::tcp {

using base::Packet;
using base::PacketPtr;

namespace {

// Bytes of a packet's buffer: no device takes larger ones.
constexpr std::size_t kMostInPacket = 0xffff;

}  // namespace

void SendQueue::append(SendSegment& segment) {
  segment.seq = end_;
  end_ += segment.length();
  bytes_ += segment.size;
  ++segments_;
  if (tail_ != nullptr) {
    segment.previous.set(segment, tail_);
    tail_->next = &segment;
  } else {
    head_ = &segment;
  }
  tail_ = &segment;
  if (unsent_ == nullptr) unsent_ = &segment;
}

bool SendQueue::push(SegmentPool& nodes, PacketPtr payload, std::uint32_t mss) {
  const auto size = static_cast<std::uint32_t>(payload->size());
  if (tail_ != nullptr && tail_->fate == Fate::kUnsent && tail_->packet != nullptr &&
      tail_->packet->exclusive() && tail_->size + size <= mss) {
    Packet& into = *tail_->packet;
    into.place(tail_->offset, tail_->size);
    if (into.tailroom() >= size) {
      base::copy(into.append(size), payload->bytes());
      tail_->size = static_cast<std::uint16_t>(tail_->size + size);
      end_ += size;
      bytes_ += size;
      return true;
    }
  }
  SendSegment* const segment = nodes.create();
  if (segment == nullptr) return false;
  assert(payload->headroom() + size <= kMostInPacket);
  segment->offset = static_cast<std::uint16_t>(payload->headroom());
  segment->size = static_cast<std::uint16_t>(size);
  segment->packet = payload.release();
  append(*segment);
  return true;
}

bool SendQueue::push_fin(SegmentPool& nodes) {
  if (tail_ != nullptr && tail_->fate == Fate::kUnsent) {
    tail_->fin = true;
    end_ += 1;
    return true;
  }
  SendSegment* const segment = nodes.create();
  if (segment == nullptr) return false;
  segment->fin = true;
  append(*segment);
  return true;
}

bool SendQueue::split(SegmentPool& nodes, SendSegment& segment, std::uint32_t size) {
  SendSegment* const node = nodes.create();
  if (node == nullptr) return false;
  SendSegment& rest = *node;
  rest = segment;
  rest.links = {};
  rest.in_heap = false;
  rest.seq = segment.seq + size;
  rest.size = static_cast<std::uint16_t>(segment.size - size);
  rest.offset = static_cast<std::uint16_t>(segment.offset + size);
  if (rest.size > 0) {
    rest.packet->retain();
  } else {
    rest.packet = nullptr;  // the FIN alone
  }
  segment.size = static_cast<std::uint16_t>(size);
  segment.fin = false;
  segment.next = &rest;
  rest.previous.set(rest, &segment);
  if (rest.next != nullptr) rest.next->previous.set(*rest.next, &rest);
  if (tail_ == &segment) tail_ = &rest;
  ++segments_;
  return true;
}

void SendQueue::pop_front(SegmentPool& nodes) {
  SendSegment& segment = *head_;
  if (unsent_ == &segment) unsent_ = segment.next;
  head_ = segment.next;
  if (head_ == nullptr) tail_ = nullptr;
  bytes_ -= segment.size;
  --segments_;
  if (segment.packet != nullptr) segment.packet->release();
  nodes.destroy(segment);
}

void SendQueue::trim_front(std::uint32_t size) {
  head_->seq += size;
  head_->offset = static_cast<std::uint16_t>(head_->offset + size);
  head_->size = static_cast<std::uint16_t>(head_->size - size);
  bytes_ -= size;
}

void SendQueue::clear(SegmentPool& nodes) {
  while (head_ != nullptr) pop_front(nodes);
}

}  // namespace sluice::net::tcp
