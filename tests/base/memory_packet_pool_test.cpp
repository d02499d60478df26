#include "base/memory_packet_pool.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/spsc_ring.hpp"

namespace sluice::base {
namespace {

// As between two workers: one allocates, the other one releases what it was handed.
TEST(MemoryPacketPool, PacketsComeHomeFromAnotherThread) {
  constexpr int kRounds = 20'000;
  MemoryPacketPool pool(32, 64);
  SpscRing<Packet*> ring(16);
  std::thread consumer([&] {
    for (int i = 0; i < kRounds;) {
      const auto packet = ring.pop();
      if (!packet) {
        std::this_thread::yield();
        continue;
      }
      (*packet)->release();
      ++i;
    }
  });
  for (int i = 0; i < kRounds;) {
    Packet* packet = pool.allocate();
    if (packet == nullptr) {
      std::this_thread::yield();
      continue;
    }
    (void)packet->append(1);
    while (!ring.push(packet)) std::this_thread::yield();
    ++i;
  }
  consumer.join();
  EXPECT_EQ(pool.available(), pool.capacity());
}

// Two holders in two threads: whoever is last returns the packet, once.
TEST(MemoryPacketPool, SharedPacketIsReturnedOnceByTheLastHolder) {
  constexpr int kRounds = 20'000;
  MemoryPacketPool pool(32, 64);
  SpscRing<Packet*> ring(16);
  std::thread other([&] {
    for (int i = 0; i < kRounds;) {
      const auto packet = ring.pop();
      if (!packet) {
        std::this_thread::yield();
        continue;
      }
      (*packet)->release();
      ++i;
    }
  });
  for (int i = 0; i < kRounds;) {
    PacketPtr packet(pool.allocate());
    if (!packet) {
      std::this_thread::yield();
      continue;
    }
    packet->retain();
    while (!ring.push(packet.get())) std::this_thread::yield();
    ++i;
  }
  other.join();
  EXPECT_EQ(pool.available(), pool.capacity());
}

}  // namespace
}  // namespace sluice::base
