#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluice::base {
namespace {

enum class Fault { kOdd, kNegative };

Result<int, Fault> half(int n) {
  if (n % 2 != 0) return Unexpected{Fault::kOdd};
  return n / 2;
}

Result<void, Fault> positive(int n) {
  if (n < 0) return Unexpected{Fault::kNegative};
  return {};
}

Result<std::string, Fault> quarter(int n) {
  TRY(positive(n));
  TRY_ASSIGN(const int once, half(n));
  TRY_ASSIGN(const int twice, half(once));
  return std::to_string(twice);
}

TEST(Result, HoldsAValue) {
  const auto result = half(4);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 2);
}

TEST(Result, HoldsAnError) {
  const auto result = half(3);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), Fault::kOdd);
}

TEST(Result, VoidResultIsTrueWithoutAValue) {
  EXPECT_TRUE(positive(1).has_value());
  EXPECT_EQ(positive(-1).error(), Fault::kNegative);
}

TEST(Result, TryGoesOnWithValuesAndLeavesWithTheFirstError) {
  EXPECT_EQ(*quarter(8), "2");
  EXPECT_EQ(quarter(-8).error(), Fault::kNegative);
  EXPECT_EQ(quarter(7).error(), Fault::kOdd);
  EXPECT_EQ(quarter(6).error(), Fault::kOdd);
}

TEST(Result, ValueAndErrorMayBeOfOneType) {
  const Result<int, int> value = 1;
  const Result<int, int> error = Unexpected{1};
  EXPECT_TRUE(value);
  EXPECT_FALSE(error);
}

TEST(Result, MoveOnlyValuesMoveOut) {
  Result<std::unique_ptr<int>, Fault> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

}  // namespace
}  // namespace sluice::base
