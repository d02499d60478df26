// The pool of expanded keys: who is evicted, who is found again, and that a claim never finds
// somebody else's key.
#include "tls/record/key_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/tls/crypto/vectors.hpp"
#include "tests/tls/record/scattered.hpp"

namespace sluice::tls {
namespace {

using test::ByteVector;

constexpr AeadAlgorithm kGcm = AeadAlgorithm::aes128_gcm;

ByteVector raw_key(unsigned number) {
  return ByteVector(16, static_cast<std::byte>(number));
}

ByteVector bytes_of_key(AeadKey key) {
  return {key.material, key.material + sizeof(ExpandedKey)};
}

// What expanding this key gives, by itself.
ByteVector expansion_of(unsigned number) {
  KeyPool alone(1);
  KeyPool::Claim claim;
  return bytes_of_key(alone.expanded(claim, kGcm, raw_key(number)));
}

TEST(KeyPool, ASecondUseFindsTheFirstExpansion) {
  KeyPool pool(4);
  KeyPool::Claim claim;
  const AeadKey first = pool.expanded(claim, kGcm, raw_key(1));
  const AeadKey second = pool.expanded(claim, kGcm, raw_key(1));
  EXPECT_EQ(first.material, second.material);
  EXPECT_EQ(pool.expansions(), 1u);
  EXPECT_EQ(pool.size(), 1u);
}

TEST(KeyPool, AFullPoolEvictsTheLeastRecentlyUsedKey) {
  KeyPool pool(3);
  KeyPool::Claim claims[4];
  for (unsigned i = 0; i < 3; ++i) (void)pool.expanded(claims[i], kGcm, raw_key(i));
  (void)pool.expanded(claims[0], kGcm, raw_key(0));  // now 1 is the oldest
  (void)pool.expanded(claims[3], kGcm, raw_key(3));
  EXPECT_EQ(pool.size(), 3u);
  EXPECT_EQ(pool.expansions(), 4u);

  for (const unsigned kept : {0u, 2u, 3u}) (void)pool.expanded(claims[kept], kGcm, raw_key(kept));
  EXPECT_EQ(pool.expansions(), 4u);
  EXPECT_EQ(bytes_of_key(pool.expanded(claims[1], kGcm, raw_key(1))), expansion_of(1));
  EXPECT_EQ(pool.expansions(), 5u);
}

TEST(KeyPool, AReleasedKeyIsWipedAndItsSlotReused) {
  KeyPool pool(2);
  KeyPool::Claim claim;
  const AeadKey key = pool.expanded(claim, kGcm, raw_key(1));
  pool.release(claim);
  EXPECT_EQ(claim.owner, 0u);
  EXPECT_EQ(pool.size(), 0u);
  EXPECT_EQ(bytes_of_key(key), ByteVector(sizeof(ExpandedKey), std::byte{0}));

  KeyPool::Claim other;
  EXPECT_EQ(pool.expanded(other, kGcm, raw_key(2)).material, key.material);
}

TEST(KeyPool, ReleasingAnEvictedClaimLeavesTheNewOwnerAlone) {
  KeyPool pool(1);
  KeyPool::Claim evicted;
  KeyPool::Claim owner;
  (void)pool.expanded(evicted, kGcm, raw_key(1));
  (void)pool.expanded(owner, kGcm, raw_key(2));
  pool.release(evicted);
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(bytes_of_key(pool.expanded(owner, kGcm, raw_key(2))), expansion_of(2));
  EXPECT_EQ(pool.expansions(), 2u);
}

TEST(KeyPool, ReleasingAnEmptyClaimDoesNothing) {
  KeyPool pool(1);
  KeyPool::Claim claim;
  pool.release(claim);
  EXPECT_EQ(pool.size(), 0u);
}

// A model keeps what the pool should hold, in order of use.
TEST(KeyPool, RandomUseAndReleaseFollowsTheModel) {
  constexpr std::size_t kCapacity = 8;
  constexpr unsigned kOwners = 24;
  KeyPool pool(kCapacity);
  std::vector<KeyPool::Claim> claims(kOwners);
  std::vector<unsigned> model;  // least recently used first
  std::vector<ByteVector> expected;
  for (unsigned i = 0; i < kOwners; ++i) expected.push_back(expansion_of(i));
  std::mt19937_64 random(7);
  std::uint64_t expansions = 0;
  for (int step = 0; step < 20000; ++step) {
    const auto owner = static_cast<unsigned>(random() % kOwners);
    const auto at = std::ranges::find(model, owner);
    const bool held = at != model.end();
    if (held) model.erase(at);
    if (random() % 8 == 0) {
      pool.release(claims[owner]);
    } else {
      if (!held) ++expansions;
      if (model.size() == kCapacity) model.erase(model.begin());
      model.push_back(owner);
      ASSERT_EQ(bytes_of_key(pool.expanded(claims[owner], kGcm, raw_key(owner))), expected[owner]);
    }
    ASSERT_EQ(pool.size(), model.size());
    ASSERT_EQ(pool.expansions(), expansions);
  }
}

}  // namespace
}  // namespace sluice::tls
