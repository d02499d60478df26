#include "base/pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <unordered_map>
#include <vector>

namespace sluice::base {
namespace {

struct alignas(64) Block {
  explicit Block(int v, int* alive = nullptr) : value(v), alive_count(alive) {
    if (alive_count != nullptr) ++*alive_count;
  }
  ~Block() {
    if (alive_count != nullptr) --*alive_count;
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  int value;
  int* alive_count;
};

using BlockHandle = Pool<Block>::HandleType;

TEST(Pool, DefaultHandleNamesNothing) {
  Pool<Block> pool(4);
  EXPECT_FALSE(BlockHandle{});
  EXPECT_EQ(pool.find({}), nullptr);
}

TEST(Pool, CreatedObjectIsFoundAlignedAndKnowsItsHandle) {
  Pool<Block> pool(4);
  (void)pool.create(1);
  const BlockHandle handle = pool.create(2);
  ASSERT_TRUE(handle);
  Block* block = pool.find(handle);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->value, 2);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(Block), 0U);
  EXPECT_EQ(pool.handle_of(*block), handle);
  EXPECT_EQ(&pool.at(handle.index), block);
}

TEST(Pool, StaleHandleFindsNothingAfterTheSlotWasReused) {
  Pool<Block> pool(1);
  const BlockHandle old_handle = pool.create(1);
  pool.destroy(old_handle);
  EXPECT_EQ(pool.find(old_handle), nullptr);
  const BlockHandle new_handle = pool.create(2);
  EXPECT_EQ(new_handle.index, old_handle.index);
  EXPECT_NE(new_handle, old_handle);
  EXPECT_EQ(pool.find(old_handle), nullptr);
  EXPECT_EQ(pool.find(new_handle)->value, 2);
}

TEST(Pool, ForgedHandlesFindNothing) {
  Pool<Block> pool(4);
  const BlockHandle handle = pool.create(1);
  EXPECT_EQ(pool.find({handle.index, handle.generation + 1}), nullptr);
  EXPECT_EQ(pool.find({handle.index + 1, handle.generation}), nullptr);
  EXPECT_EQ(pool.find({0xffffffff, handle.generation}), nullptr);
}

TEST(Pool, FullPoolGivesANullHandleAndRecovers) {
  Pool<Block> pool(2);
  const BlockHandle first = pool.create(1);
  (void)pool.create(2);
  EXPECT_FALSE(pool.create(3));
  EXPECT_EQ(pool.size(), 2U);
  pool.destroy(first);
  EXPECT_TRUE(pool.create(3));
}

TEST(Pool, LargeCapacityCostsNoMemoryUntilTouched) {
  // A terabyte of address space; touching it would end the test.
  Pool<Block> pool(std::size_t{1} << 32 >> 1);
  EXPECT_TRUE(pool.create(1));
}

TEST(Pool, ForEachMayDestroyWhatItIsGiven) {
  int alive = 0;
  Pool<Block> pool(8);
  for (int i = 0; i < 8; ++i) (void)pool.create(i, &alive);
  pool.for_each([&](BlockHandle handle, Block& block) {
    if (block.value % 2 == 0) pool.destroy(handle);
  });
  EXPECT_EQ(alive, 4);
  int sum = 0;
  pool.for_each([&](BlockHandle, Block& block) { sum += block.value; });
  EXPECT_EQ(sum, 1 + 3 + 5 + 7);
}

TEST(Pool, DestructionDestroysWhatIsLeft) {
  int alive = 0;
  {
    Pool<Block> pool(4);
    const BlockHandle handle = pool.create(1, &alive);
    (void)pool.create(2, &alive);
    pool.destroy(handle);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Pool, RandomUseAgreesWithAMap) {
  constexpr std::uint32_t kSeed = 20240817;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  Pool<Block> pool(64);
  std::vector<std::pair<BlockHandle, int>> live;
  std::vector<BlockHandle> dead;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const BlockHandle handle = pool.create(step);
      ASSERT_EQ(static_cast<bool>(handle), live.size() < 64);
      if (handle) live.emplace_back(handle, step);
    } else if (!live.empty()) {
      const std::size_t at = random() % live.size();
      pool.destroy(live[at].first);
      dead.push_back(live[at].first);
      live[at] = live.back();
      live.pop_back();
    }
    ASSERT_EQ(pool.size(), live.size());
  }
  for (const auto& [handle, value] : live) ASSERT_EQ(pool.find(handle)->value, value);
  for (const BlockHandle handle : dead) ASSERT_EQ(pool.find(handle), nullptr);
}

}  // namespace
}  // namespace sluice::base
