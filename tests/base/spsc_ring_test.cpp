#include "base/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace sluice::base {
namespace {

TEST(SpscRing, CapacityIsRoundedUpToAPowerOfTwo) {
  EXPECT_EQ(SpscRing<int>(1).capacity(), 1U);
  EXPECT_EQ(SpscRing<int>(5).capacity(), 8U);
  EXPECT_EQ(SpscRing<int>(8).capacity(), 8U);
}

TEST(SpscRing, FullRingRefusesAndEmptyRingGivesNothing) {
  SpscRing<int> ring(2);
  EXPECT_TRUE(ring.empty());
  EXPECT_FALSE(ring.pop());
  EXPECT_TRUE(ring.push(1));
  EXPECT_TRUE(ring.push(2));
  EXPECT_FALSE(ring.push(3));
  EXPECT_EQ(ring.pop(), 1);
  EXPECT_TRUE(ring.push(3));
  EXPECT_EQ(ring.pop(), 2);
  EXPECT_EQ(ring.pop(), 3);
  EXPECT_TRUE(ring.empty());
}

TEST(SpscRing, OrderIsKeptOverManyLaps) {
  SpscRing<std::uint64_t> ring(4);
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < 1'000;) {
    while (ring.push(i)) ++i;
    while (const auto item = ring.pop()) ASSERT_EQ(*item, expected++);
  }
}

// What one thread writes before push() the other one sees after pop().
TEST(SpscRing, TwoThreadsHandOverEverythingInOrder) {
  struct Item {
    std::uint64_t number;
    const std::uint64_t* payload;
  };
  constexpr std::uint64_t kItems = 200'000;
  SpscRing<Item> ring(64);
  std::unique_ptr<std::uint64_t[]> payloads = std::make_unique<std::uint64_t[]>(kItems);
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kItems; ++i) {
      payloads[i] = i * 3;
      while (!ring.push({i, &payloads[i]})) std::this_thread::yield();
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kItems;) {
    const auto item = ring.pop();
    if (!item) {
      std::this_thread::yield();
      continue;
    }
    if (item->number != i || *item->payload != i * 3) ++wrong;
    ++i;
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace sluice::base
