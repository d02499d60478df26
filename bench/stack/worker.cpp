#include "bench/stack/worker.hpp"

#include <utility>

#include "bench/stack/peers.hpp"

namespace sluice::bench {

using base::Packet;
using base::PacketPtr;

Worker::Worker(Bed& bed, Session session)
    : bed_(bed),
      session_(std::move(session)),
      peer_pool_(base::limits::kBurst),
      link_({.depth = kDepth}, {.mac = kStackMac, .pool = bed.pool, .counters = counters_},
            {.mac = kGatewayMac, .pool = peer_pool_, .counters = counters_}) {}

void Worker::arrive(PacketPtr frame) {
  Packet* const packet = frame.get();
  if (link_.b().transmit(bed_.now, std::span(&packet, 1)) == 1) {
    (void)frame.release();
    ++waiting_;
  } else {
    ++dropped_;
  }
}

PacketPtr Worker::depart() {
  Packet* packet = nullptr;
  return link_.b().receive(bed_.now, std::span(&packet, 1)) == 1 ? PacketPtr(packet) : PacketPtr();
}

void Worker::run() {
  do {
    turn();
  } while (waiting_ > 0);
}

void Worker::turn() {
  const Stopwatch whole;
  const std::size_t received = receive();
  waiting_ -= received;
  const Stopwatch in_stack;
  bed_.stack.receive(bed_.now, bed_.interface, std::span(burst_).first(received));
  bed_.stack.advance(bed_.now);
  while (const auto event = bed_.stack.next_event()) session_(*event);
  bed_.stack.flush(bed_.now);
  const base::Duration stack_time = in_stack.elapsed();
  transmit();
  const base::Duration time = whole.elapsed();
  in_stack_ = in_stack_ + stack_time;
  in_device_ = in_device_ + (time - stack_time);
  bed_.now = bed_.now + time;
}

std::size_t Worker::receive() {
  return link_.a().receive(bed_.now, burst_);
}

// What the device does not take stays in the queue.
void Worker::transmit() {
  base::PacketQueue& outgoing = bed_.stack.outgoing(bed_.interface);
  while (!outgoing.empty()) {
    std::size_t offered = 0;
    while (offered < burst_.size() && !outgoing.empty()) {
      burst_[offered++] = outgoing.pop_front().release();
    }
    const std::size_t taken = link_.a().transmit(bed_.now, std::span(burst_).first(offered));
    if (taken == offered) continue;
    while (offered > taken) outgoing.push_front(PacketPtr(burst_[--offered]));
    return;
  }
}

}  // namespace sluice::bench
