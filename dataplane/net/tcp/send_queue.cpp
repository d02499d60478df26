#include "dataplane/net/tcp/send_queue.hpp"

namespace sluice::net::tcp {

using base::Packet;
using base::PacketPtr;

void SendQueue::append(SendSegment& segment) {
  segment.seq = end_;
  end_ += segment.length();
  bytes_ += segment.size;
  ++segments_;
  if (tail_ != nullptr) {
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
      tail_->size += size;
      end_ += size;
      bytes_ += size;
      return true;
    }
  }
  const auto handle = nodes.create();
  if (!handle) return false;
  SendSegment& segment = nodes.at(handle.index);
  segment.offset = static_cast<std::uint32_t>(payload->headroom());
  segment.size = size;
  segment.packet = payload.release();
  append(segment);
  return true;
}

bool SendQueue::push_fin(SegmentPool& nodes) {
  if (tail_ != nullptr && tail_->fate == Fate::kUnsent) {
    tail_->fin = true;
    end_ += 1;
    return true;
  }
  const auto handle = nodes.create();
  if (!handle) return false;
  SendSegment& segment = nodes.at(handle.index);
  segment.fin = true;
  append(segment);
  return true;
}

bool SendQueue::split(SegmentPool& nodes, SendSegment& segment, std::uint32_t size) {
  const auto handle = nodes.create();
  if (!handle) return false;
  SendSegment& rest = nodes.at(handle.index);
  rest = segment;
  rest.seq = segment.seq + size;
  rest.size = segment.size - size;
  rest.offset = segment.offset + size;
  if (rest.size > 0) {
    rest.packet->retain();
  } else {
    rest.packet = nullptr;  // the FIN alone
  }
  segment.size = size;
  segment.fin = false;
  segment.next = &rest;
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
  nodes.destroy(nodes.handle_of(segment));
}

void SendQueue::trim_front(std::uint32_t size) {
  head_->seq += size;
  head_->offset += size;
  head_->size -= size;
  bytes_ -= size;
}

void SendQueue::clear(SegmentPool& nodes) {
  while (head_ != nullptr) pop_front(nodes);
}

}  // namespace sluice::net::tcp
