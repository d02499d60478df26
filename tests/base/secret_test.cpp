#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <new>
#include <ostream>
#include <type_traits>
#include <utility>

namespace sluice::base {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<Secret<32>>);
static_assert(!std::is_copy_assignable_v<Secret<32>>);
static_assert(!Printable<Secret<32>>);

bool all_zero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

TEST(Secret, HoldsWhatItWasGiven) {
  const Secret<16> secret(bytes_of("hunter2"));
  EXPECT_EQ(text_of(secret.bytes()), "hunter2");
  EXPECT_EQ(secret.size(), 7U);
  EXPECT_EQ(Secret<16>::capacity(), 16U);
}

TEST(Secret, MoveLeavesNothingBehind) {
  Secret<16> from(bytes_of("hunter2"));
  const Bytes storage = from.bytes();
  const Secret<16> to(std::move(from));
  EXPECT_EQ(text_of(to.bytes()), "hunter2");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what a move leaves is the point
  EXPECT_TRUE(all_zero(storage));
}

TEST(Secret, MoveAssignmentWipesBothOldValues) {
  Secret<16> from(bytes_of("new"));
  Secret<16> to(bytes_of("old-and-longer"));
  const Bytes target_storage = to.bytes();
  const Bytes source_storage = from.bytes();
  to = std::move(from);
  EXPECT_EQ(text_of(to.bytes()), "new");
  EXPECT_TRUE(all_zero(target_storage.subspan(3)));
  EXPECT_TRUE(all_zero(source_storage));
}

TEST(Secret, AssignmentOfAShorterValueLeavesNoTail) {
  Secret<16> secret(bytes_of("long-lived-value"));
  const Bytes storage = secret.bytes();
  secret.assign(bytes_of("x"));
  EXPECT_EQ(secret.size(), 1U);
  EXPECT_TRUE(all_zero(storage.subspan(1)));
}

TEST(Secret, DestructionWipesTheStorage) {
  alignas(Secret<32>) std::array<std::byte, sizeof(Secret<32>)> storage{};
  auto* secret = ::new (storage.data()) Secret<32>(bytes_of("0123456789abcdef"));
  const std::size_t at = static_cast<std::size_t>(secret->bytes().data() - storage.data());
  secret->~Secret();
  EXPECT_TRUE(all_zero(Bytes(storage).subspan(at, 32)));
}

TEST(Secret, ResizedSecretIsFilledInPlace) {
  Secret<8> secret;
  copy(secret.resize(4), bytes_of("abcd"));
  EXPECT_EQ(text_of(secret.bytes()), "abcd");
}

TEST(ConstantTimeEqual, ComparesAllBytes) {
  EXPECT_TRUE(constant_time_equal(bytes_of("same"), bytes_of("same")));
  EXPECT_FALSE(constant_time_equal(bytes_of("same"), bytes_of("samE")));
  EXPECT_FALSE(constant_time_equal(bytes_of("same"), bytes_of("Same")));
  EXPECT_FALSE(constant_time_equal(bytes_of("same"), bytes_of("same ")));
  EXPECT_TRUE(constant_time_equal({}, {}));
}

}  // namespace
}  // namespace sluice::base
