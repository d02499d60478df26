#include "tests/dataplane/net/tcp/support/transfer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::net::tcp::test {

using base::PacketPtr;
using base::PacketQueue;

void Transfer::on_event(const Event& event) {
  ASSERT_FALSE(over()) << "an event after the last one";
  if (event.what.opened) {
    EXPECT_FALSE(opened_) << "opened twice";
    opened_ = true;
  }
  if (event.what.closed) {
    closed_ = event.reason;
    // An orderly end comes after both FINs.
    if (event.reason == CloseReason::kNone) saw_end_ = true;
  }
}

void Transfer::run() {
  if (!opened_ || over()) return;
  const bool awake = world_.now >= wakes_;
  if (awake && world_.chance() < plan_.naps) {
    wakes_ =
        world_.now + base::Duration::milliseconds(static_cast<std::int64_t>(world_.up_to(3'000)));
  }
  if (world_.now >= wakes_ && world_.chance() >= plan_.idleness) read();
  write();
}

void Transfer::read() {
  PacketQueue* input = host_.engine.input(connection_);
  ASSERT_NE(input, nullptr);
  bool any = false;
  while (PacketPtr packet = input->pop_front()) {
    EXPECT_TRUE(packet->exclusive());
    for (const std::byte b : packet->bytes()) {
      ASSERT_EQ(b, byte_at(plan_.receive_seed, received_)) << "at position " << received_;
      ++received_;
    }
    any = true;
  }
  ASSERT_LE(received_, plan_.receives);
  saw_end_ = host_.engine.input_finished(connection_);
  if (any || saw_end_) host_.engine.consumed(world_.now, connection_);
}

void Transfer::write() {
  while (sent_ < plan_.sends) {
    const std::size_t room = host_.engine.send_room(connection_);
    if (room == 0) return;
    const std::uint64_t size =
        std::min({plan_.sends - sent_, 1 + world_.up_to(plan_.largest_write), std::uint64_t{room}});
    PacketQueue bytes = next_bytes(size);
    if (bytes.empty()) return;  // no packets: another turn
    host_.engine.send(world_.now, connection_, std::move(bytes));
  }
  if (finished_ || (plan_.waits_for_peer && !saw_end_)) return;
  finished_ = true;
  host_.engine.finish(world_.now, connection_);
}

// In packets with and without the headroom for headers, and of any size.
PacketQueue Transfer::next_bytes(std::uint64_t size) {
  PacketQueue queue;
  while (size > 0) {
    if (host_.pool.available() < host_.pool.capacity() / 8) return queue;
    PacketPtr packet(host_.pool.allocate());
    const std::size_t room = packet->tailroom();
    if (world_.chance() < 0.1) packet->place(20, 0);
    const std::uint64_t part = std::min<std::uint64_t>(size, 1 + world_.up_to(room - 1));
    for (std::byte& b : packet->append(part)) b = byte_at(plan_.send_seed, sent_++);
    size -= part;
    queue.push_back(std::move(packet));
  }
  return queue;
}

}  // namespace sluice::net::tcp::test
