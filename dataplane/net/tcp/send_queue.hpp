// A connection's send queue: what was sent and not acknowledged, then what was not sent yet, one
// SendSegment per segment. The queue has nodes of its own and not a chain of packets because a
// transmitted packet is, at the same time, in a chain of the layers below; for the same reason a
// node remembers where in the buffer its payload lies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "base/node_pool.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

enum class Fate : std::uint8_t {
  kUnsent,
  kInFlight,
  kSacked,  // the peer holds it, out of order (RFC 2018)
  kLost,    // to be sent again
};

// What delivery rates are measured with (delivery_rate.hpp), noted when a segment goes out.
struct DeliveryNote {
  std::uint32_t delivered = 0;        // bytes that had arrived
  std::uint32_t delivered_us = 0;     // when the last of them were known to have
  std::uint32_t first_sent_us = 0;    // when the last of them had been sent
  std::uint32_t in_flight : 31 = 0;   // bytes in the network, the segment's included; 0: no note
  std::uint32_t app_limited : 1 = 0;  // there had been less to send than the path takes
};

struct SendSegment {
  using Link = base::NodeLink<SendSegment>;

  base::Packet* packet = nullptr;  // holds one reference; null for a FIN without payload
  SendSegment* next = nullptr;
  base::Instant sent_at;  // last transmission
  union {
    DeliveryNote note{};   // of no use any more once the peer has the segment
    SendSegment* run_end;  // while kSacked: the other end of its run, see scoreboard.hpp
  };
  wire::SeqNumber seq;
  Link previous;              // in the queue; of no meaning in the first one
  std::array<Link, 2> links;  // in the list or heap that it is in, see in_flight.hpp, lost_heap.hpp
  std::uint16_t offset = 0;   // of the payload in the packet's buffer, bytes
  std::uint16_t size = 0;     // of the payload, bytes
  std::uint16_t lost_before = 0;  // segments of the connection, when it was sent; wraps
  Fate fate : 2 = Fate::kUnsent;
  bool fin : 1 = false;      // behind the payload
  bool resent : 1 = false;   // transmitted more than once
  bool in_heap : 1 = false;  // of the lost ones
  // Longer than what the path is known to take, to see whether it does (RFC 4821 7); until it is
  // sent again.
  bool path_probe : 1 = false;

  // In sequence space.
  [[nodiscard]] std::uint32_t length() const { return std::uint32_t{size} + (fin ? 1 : 0); }
  [[nodiscard]] wire::SeqNumber end() const { return seq + length(); }
  [[nodiscard]] base::Bytes payload() const {
    if (packet == nullptr) return {};
    return {packet->data() - packet->headroom() + offset, size};
  }
};

static_assert(sizeof(SendSegment) == base::kCacheLine);

using SegmentPool = base::NodePool<SendSegment>;

class SendQueue {
 public:
  // The sequence number of the first byte to be queued.
  void start(wire::SeqNumber seq) { end_ = seq; }

  // Queues one packet's bytes; those of a small one go into the tail of the last unsent segment,
  // if it stays within `mss`. False, and nothing queued, when there is no node left.
  [[nodiscard]] bool push(SegmentPool& nodes, base::PacketPtr payload, std::uint32_t mss);
  // Queues the FIN. False when there is no node left.
  [[nodiscard]] bool push_fin(SegmentPool& nodes);

  // Cuts a segment in two behind `size` bytes; what is left over follows it in the queue. Both hold
  // the packet then. False, and nothing done, when there is no node left.
  // Precondition: 0 < size < segment.length(), and size <= segment.size.
  [[nodiscard]] bool split(SegmentPool& nodes, SendSegment& segment, std::uint32_t size);

  // Notes that the first unsent segment has been sent.
  void advance_unsent() { unsent_ = unsent_->next; }
  // Drops the first segment.
  void pop_front(SegmentPool& nodes);
  // Drops the first bytes of the first segment. Precondition: size <= front()->size, and something
  // of the segment is left.
  void trim_front(std::uint32_t size);
  void clear(SegmentPool& nodes);

  [[nodiscard]] SendSegment* front() const { return head_; }
  [[nodiscard]] SendSegment* back() const { return tail_; }
  [[nodiscard]] SendSegment* unsent() const { return unsent_; }
  // In front of `segment`; null for the first one.
  [[nodiscard]] SendSegment* before(SendSegment& segment) const {
    return &segment == head_ ? nullptr : segment.previous.from(segment);
  }
  // The last one that is not unsent; null where there is none.
  [[nodiscard]] SendSegment* last_sent() const {
    return unsent_ == nullptr ? tail_ : before(*unsent_);
  }
  [[nodiscard]] bool empty() const { return head_ == nullptr; }
  [[nodiscard]] std::uint32_t bytes() const { return bytes_; }  // payload
  [[nodiscard]] std::uint32_t segments() const { return segments_; }
  [[nodiscard]] wire::SeqNumber end() const { return end_; }

 private:
  void append(SendSegment& segment);

  SendSegment* head_ = nullptr;
  SendSegment* tail_ = nullptr;
  SendSegment* unsent_ = nullptr;  // the first one; null when all are sent
  std::uint32_t bytes_ = 0;
  std::uint32_t segments_ = 0;
  wire::SeqNumber end_;
};

}  // namespace sluice::net::tcp
