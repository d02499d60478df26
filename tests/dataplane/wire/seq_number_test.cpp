#include "dataplane/wire/seq_number.hpp"

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

// RFC 9293 3.4: all arithmetic is modulo 2^32.
TEST(SeqNumber, OrderGoesOnAcrossTheWrap) {
  const SeqNumber last(0xffffffff);
  const SeqNumber first = last + 1;
  EXPECT_EQ(first.value(), 0U);
  EXPECT_LT(last, first);
  EXPECT_GT(first, last);
  EXPECT_LE(last, last);
  EXPECT_GE(first, first);
}

TEST(SeqNumber, DifferenceIsSigned) {
  const SeqNumber a(5);
  EXPECT_EQ(a - SeqNumber(2), 3);
  EXPECT_EQ(SeqNumber(2) - a, -3);
  EXPECT_EQ(SeqNumber(1) - SeqNumber(0xfffffffe), 3);
}

TEST(SeqNumber, MovesForwardAndBack) {
  SeqNumber a(0xfffffff0);
  a += 0x20;
  EXPECT_EQ(a, SeqNumber(0x10));
  EXPECT_EQ(a - std::uint32_t{0x20}, SeqNumber(0xfffffff0));
}

}  // namespace
}  // namespace sluice::wire
