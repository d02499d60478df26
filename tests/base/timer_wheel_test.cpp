#include "base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace sluice::base {
namespace {

constexpr Duration kTick = TimerWheel::kTick;

Instant at(Duration since_start) {
  return Instant() + since_start;
}

// Advances and returns what fired, in order.
std::vector<TimerNode*> fired(TimerWheel& wheel, Instant now) {
  std::vector<TimerNode*> nodes;
  wheel.advance(now, [&](TimerNode& node) {
    EXPECT_FALSE(node.armed());
    nodes.push_back(&node);
  });
  return nodes;
}

TEST(TimerWheel, EmptyWheelHasNoDeadline) {
  TimerWheel wheel(at({}));
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
  EXPECT_TRUE(fired(wheel, at(Duration::seconds(3600))).empty());
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
}

TEST(TimerWheel, TimerFiresAtItsTickAndNotBefore) {
  TimerWheel wheel(at({}));
  TimerNode node;
  wheel.arm(node, at(kTick * 10));
  EXPECT_TRUE(node.armed());
  EXPECT_EQ(wheel.next_deadline(), at(kTick * 10));
  EXPECT_TRUE(fired(wheel, at(kTick * 10 - Duration::nanoseconds(1))).empty());
  EXPECT_EQ(fired(wheel, at(kTick * 10)).size(), 1U);
  EXPECT_FALSE(node.armed());
}

TEST(TimerWheel, DeadlineBetweenTicksFiresAtTheLaterOne) {
  TimerWheel wheel(at({}));
  TimerNode node;
  wheel.arm(node, at(kTick * 3 + Duration::nanoseconds(1)));
  EXPECT_TRUE(fired(wheel, at(kTick * 3 + Duration::nanoseconds(2))).empty());
  EXPECT_EQ(fired(wheel, at(kTick * 4)).size(), 1U);
}

TEST(TimerWheel, DeadlineInThePastFiresAtTheNextTick) {
  TimerWheel wheel(at(Duration::seconds(5)));
  TimerNode node;
  wheel.arm(node, at(Duration::seconds(1)));
  EXPECT_EQ(fired(wheel, at(Duration::seconds(5) + kTick)).size(), 1U);
}

TEST(TimerWheel, EveryWheelBoundaryFiresOnTime) {
  for (std::int64_t ticks : {1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 16777216}) {
    for (std::int64_t start : {0, 1, 63, 64, 4095, 4096}) {
      TimerWheel wheel(at(kTick * start));
      TimerNode node;
      const Instant deadline = at(kTick * (start + ticks));
      wheel.arm(node, deadline);
      EXPECT_TRUE(fired(wheel, deadline - Duration::nanoseconds(1)).empty())
          << ticks << " ticks from " << start;
      EXPECT_EQ(fired(wheel, deadline).size(), 1U) << ticks << " ticks from " << start;
    }
  }
}

TEST(TimerWheel, DeadlineBeyondTheWheelsReachWaitsForIt) {
  TimerWheel wheel(at({}));
  TimerNode far;
  const Instant deadline = at(Duration::seconds(200LL * 24 * 3600));
  wheel.arm(far, deadline);
  EXPECT_TRUE(fired(wheel, deadline - Duration::nanoseconds(1)).empty());
  EXPECT_EQ(fired(wheel, deadline).size(), 1U);
}

TEST(TimerWheel, TimerArmedForNeverStaysArmed) {
  TimerWheel wheel(at({}));
  TimerNode node;
  wheel.arm(node, Instant::never());
  EXPECT_TRUE(fired(wheel, at(Duration::seconds(365LL * 24 * 3600))).empty());
  EXPECT_TRUE(node.armed());
}

TEST(TimerWheel, CancelledTimerDoesNotFire) {
  TimerWheel wheel(at({}));
  TimerNode node;
  wheel.arm(node, at(kTick));
  node.cancel();
  EXPECT_FALSE(node.armed());
  node.cancel();  // twice is no harm
  EXPECT_TRUE(fired(wheel, at(kTick * 2)).empty());
}

TEST(TimerWheel, RearmingMovesTheDeadline) {
  TimerWheel wheel(at({}));
  TimerNode node;
  wheel.arm(node, at(kTick));
  wheel.arm(node, at(kTick * 100));
  EXPECT_EQ(node.deadline(), at(kTick * 100));
  EXPECT_TRUE(fired(wheel, at(kTick * 99)).empty());
  EXPECT_EQ(fired(wheel, at(kTick * 100)).size(), 1U);
}

TEST(TimerWheel, DyingTimerAndDyingWheelLeaveNothingBehind) {
  auto wheel = std::make_unique<TimerWheel>(at({}));
  auto dying = std::make_unique<TimerNode>();
  TimerNode survivor;
  wheel->arm(*dying, at(kTick));
  wheel->arm(survivor, at(kTick * 1000));
  dying.reset();
  EXPECT_TRUE(fired(*wheel, at(kTick)).empty());
  wheel.reset();
  EXPECT_FALSE(survivor.armed());
}

TEST(TimerWheel, FiringMayRearmCancelAndDestroy) {
  TimerWheel wheel(at({}));
  TimerNode again;
  TimerNode cancelled;
  auto destroyed = std::make_unique<TimerNode>();
  wheel.arm(again, at(kTick));
  wheel.arm(cancelled, at(kTick));
  wheel.arm(*destroyed, at(kTick));
  int calls = 0;
  wheel.advance(at(kTick), [&](TimerNode& node) {
    ++calls;
    ASSERT_EQ(&node, &again);
    wheel.arm(node, at({}));  // in the past: a later call's, or this loop would not end
    cancelled.cancel();
    destroyed.reset();
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(fired(wheel, at(kTick * 2)), std::vector<TimerNode*>{&again});
}

// The wheel beside a multimap of deadlines: random arming, re-arming, cancelling and advancing in
// steps from a fraction of a tick to hours.
class TimerWheelModel : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr std::size_t kTimers = 200;

  Duration random_duration() {
    // Uniform in magnitude, so that every wheel is met.
    const auto bits = std::uniform_int_distribution<unsigned>(0, 45)(random_);
    return Duration::nanoseconds(
        std::uniform_int_distribution<std::int64_t>(0, std::int64_t{1} << bits)(random_));
  }
  void arm(TimerNode& node) {
    forget(node);
    // One in eight lies in the past.
    const Duration offset = random_duration();
    const Instant deadline = random_() % 8 == 0 ? now_ - offset : now_ + offset;
    wheel_.arm(node, deadline);
    model_.emplace(std::max(deadline, now_), &node);
  }
  void cancel(TimerNode& node) {
    forget(node);
    node.cancel();
  }
  void forget(TimerNode& node) {
    std::erase_if(model_, [&](const auto& entry) { return entry.second == &node; });
  }
  void advance(Instant to) {
    now_ = to;
    wheel_.advance(now_, [&](TimerNode& node) {
      const auto entry = std::ranges::find(model_, &node, [](const auto& e) { return e.second; });
      ASSERT_NE(entry, model_.end()) << "fired without being armed";
      EXPECT_LE(node.deadline(), now_) << "early";
      model_.erase(entry);
    });
    // Whatever is left was due less than a tick ago at most.
    if (model_.empty()) return;
    EXPECT_GT(model_.begin()->first + kTick, now_) << "late";
  }
  void check_next_deadline() {
    const Instant next = wheel_.next_deadline();
    if (model_.empty()) {
      EXPECT_EQ(next, Instant::never());
      return;
    }
    EXPECT_LE(next, model_.begin()->first + kTick);
    // A worker that sleeps until then always gets further.
    EXPECT_GT(next, now_ - kTick);
  }

  std::mt19937 random_{GetParam()};
  Instant now_ = at(Duration::nanoseconds(static_cast<std::int64_t>(random_())));
  TimerWheel wheel_{now_};
  std::vector<TimerNode> nodes_{kTimers};
  std::multimap<Instant, TimerNode*> model_;
};

TEST_P(TimerWheelModel, RandomUseAgrees) {
  SCOPED_TRACE(::testing::Message() << "seed " << GetParam());
  for (int step = 0; step < 5'000 && !HasFailure(); ++step) {
    TimerNode& node = nodes_[random_() % kTimers];
    switch (random_() % 8) {
      case 0:
        cancel(node);
        break;
      case 1:
      case 2:
        advance(now_ + random_duration());
        break;
      case 3:
        if (!model_.empty()) advance(std::max(now_, wheel_.next_deadline()));
        break;
      default:
        arm(node);
    }
    check_next_deadline();
  }
}

TEST_P(TimerWheelModel, SleepingFromDeadlineToDeadlineFiresEverythingInFewSteps) {
  SCOPED_TRACE(::testing::Message() << "seed " << GetParam());
  for (TimerNode& node : nodes_) arm(node);
  std::size_t steps = 0;
  while (!model_.empty() && !HasFailure()) {
    advance(std::max(now_, wheel_.next_deadline()));
    // Each timer is met at most once per level of the hierarchy.
    ASSERT_LE(++steps, kTimers * 6);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerWheelModel, ::testing::Values(1U, 2U, 3U, 4U, 5U));

}  // namespace
}  // namespace sluice::base
