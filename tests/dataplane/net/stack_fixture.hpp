// A stack and the frames that a test makes for it and takes from it; the two hosts of the tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/stack.hpp"
#include "tests/support/frames.hpp"

namespace sluice::net {

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}
inline base::Ipv6Address v6(std::string_view text) {
  return *base::Ipv6Address::parse(text);
}

inline constexpr auto kOurMac = mac(2);
inline constexpr auto kPeerMac = mac(1);

class StackFixture : public ::testing::Test {
 protected:
  // `data_room` of the packets, for frames that are longer than usual.
  explicit StackFixture(std::size_t data_room = 2048) : pool_(2048, data_room) {}

  void receive(const test::ByteVector& frame, base::Packet::Checksum checksum = {}) {
    base::Packet* packet = pool_.allocate();
    base::copy(packet->append(frame.size()), frame);
    packet->checksum = checksum;
    stack_.receive(now_, interface_, std::span(&packet, 1));
    pass({});
  }
  void pass(base::Duration time) {
    now_ = now_ + time;
    stack_.advance(now_);
    stack_.flush(now_);
  }
  std::vector<test::ByteVector> outgoing() {
    std::vector<test::ByteVector> frames;
    while (const base::PacketPtr packet = stack_.outgoing(interface_).pop_front()) {
      frames.emplace_back(packet->bytes().begin(), packet->bytes().end());
    }
    return frames;
  }
  // Opens a connection and returns the frame of its SYN.
  test::ByteVector connect(const base::IpAddress& from, const base::IpAddress& to) {
    EXPECT_TRUE(stack_.connect(now_, {.source = from,
                                      .remote = {.address = to, .port = 8080},
                                      .timeout = base::Duration::seconds(30)}));
    stack_.flush(now_);
    const auto sent = outgoing();
    EXPECT_EQ(sent.size(), 1U);
    return sent.empty() ? test::ByteVector{} : sent.front();
  }
  // The open ends once its neighbour has been asked for in vain.
  void expect_unreachable() {
    std::optional<Event> event;
    for (int i = 0; i < 50 && !event; ++i) {
      pass(base::Duration::milliseconds(100));
      event = next_event();
    }
    ASSERT_TRUE(event);
    EXPECT_EQ(event->reason, CloseReason::kUnreachable);
    EXPECT_EQ(count(NetCounter::kNeighbourUnresolved), 1U);
    (void)outgoing();
    EXPECT_EQ(pool_.available(), pool_.capacity());
  }
  std::uint64_t count(NetCounter counter) const { return stack_.counters()[counter]; }
  std::optional<Event> next_event() { return stack_.next_event(); }

  base::Instant now_ = base::Instant::from_nanoseconds(1'000'000'000);
  base::MemoryPacketPool pool_;
  Stack stack_{{.tcp = {.max_connections = 64, .max_half_open = 16, .max_time_wait = 16},
                .hash_key = {},
                .owns_flow = {}},
               pool_,
               now_};
  InterfaceId interface_ = 0;
};

}  // namespace sluice::net
