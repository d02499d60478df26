#include "base/counters.hpp"

#include <gtest/gtest.h>

namespace sluice::base {

enum class TeaCounter : std::uint16_t { kPoured, kSpilled, kCount };

template <>
struct CounterTable<TeaCounter> {
  static constexpr CounterInfo kInfos[] = {
      {"poured", Severity::kInfo, "Cups poured."},
      {"spilled", Severity::kWarning, "Cups spilled."},
  };
};

namespace {

TEST(Counters, StartAtZeroAndAddUp) {
  Counters<TeaCounter> counters;
  EXPECT_EQ(counters[TeaCounter::kPoured], 0U);
  counters.add(TeaCounter::kPoured);
  counters.add(TeaCounter::kPoured, 41);
  EXPECT_EQ(counters[TeaCounter::kPoured], 42U);
  EXPECT_EQ(counters[TeaCounter::kSpilled], 0U);
}

TEST(Counters, ValuesLieInTheOrderOfTheirTexts) {
  Counters<TeaCounter> counters;
  counters.add(TeaCounter::kSpilled, 3);
  ASSERT_EQ(counters.values().size(), Counters<TeaCounter>::infos().size());
  EXPECT_EQ(Counters<TeaCounter>::infos()[1].name, "spilled");
  EXPECT_EQ(counters.values()[1], 3U);
}

}  // namespace
}  // namespace sluice::base
