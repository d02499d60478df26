#include "dataplane/run/idle.hpp"

#include <gtest/gtest.h>

namespace sluice::run {
namespace {

constexpr base::Duration kNone;
constexpr base::Duration kBound = base::Duration::microseconds(200);
constexpr base::Duration kFar = base::Duration::seconds(60);

// A worker that has found nothing for as long as it is patient.
IdleBackoff impatient(base::Duration bound = kBound) {
  IdleBackoff idle(bound);
  for (unsigned i = 0; i < IdleBackoff::kPatience; ++i) {
    EXPECT_EQ(idle.after_turn(false, kFar), kNone);
  }
  return idle;
}

TEST(IdleBackoff, EmptyTurnsSleepLongerUpToTheBound) {
  IdleBackoff idle = impatient();
  base::Duration last = kNone;
  for (int i = 0; i < 20; ++i) {
    const base::Duration sleep = idle.after_turn(false, kFar);
    EXPECT_GE(sleep, last);
    EXPECT_LE(sleep, kBound);
    last = sleep;
  }
  EXPECT_EQ(last, kBound);
}

TEST(IdleBackoff, BusyTurnBeginsAnew) {
  IdleBackoff idle = impatient();
  for (int i = 0; i < 20; ++i) (void)idle.after_turn(false, kFar);
  EXPECT_EQ(idle.after_turn(true, kFar), kNone);
  for (unsigned i = 0; i < IdleBackoff::kPatience; ++i) {
    EXPECT_EQ(idle.after_turn(false, kFar), kNone);
  }
  EXPECT_EQ(idle.after_turn(false, kFar), IdleBackoff::kFirstSleep);
}

TEST(IdleBackoff, NearDeadlineShortensTheSleep) {
  IdleBackoff idle = impatient();
  for (int i = 0; i < 20; ++i) (void)idle.after_turn(false, kFar);
  constexpr auto kNear = base::Duration::microseconds(7);
  EXPECT_EQ(idle.after_turn(false, kNear), kNear);
}

TEST(IdleBackoff, PassedDeadlineDoesNotSleep) {
  IdleBackoff idle = impatient();
  EXPECT_EQ(idle.after_turn(false, kNone), kNone);
  EXPECT_EQ(idle.after_turn(false, base::Duration::microseconds(-1)), kNone);
}

TEST(IdleBackoff, BoundOfZeroNeverSleeps) {
  IdleBackoff idle = impatient(kNone);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(idle.after_turn(false, kFar), kNone);
}

TEST(IdleBackoff, LoweredBoundHoldsFromTheNextSleepOn) {
  IdleBackoff idle = impatient();
  for (int i = 0; i < 20; ++i) (void)idle.after_turn(false, kFar);
  constexpr auto kLower = base::Duration::microseconds(50);
  idle.shorten(kLower);
  EXPECT_EQ(idle.after_turn(false, kFar), kLower);
  idle.shorten(kBound);
  EXPECT_EQ(idle.after_turn(false, kFar), kLower);
}

}  // namespace
}  // namespace sluice::run
