// A hierarchical timing wheel (Varghese and Lauck, 1987): constant-time arming and cancelling for
// any number of timers. Nodes are members of what they time, so arming never allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::base {

class TimerWheel;

// One timer. Cancels itself when it dies. Not movable: the wheel links to it.
class TimerNode {
 public:
  TimerNode() = default;
  ~TimerNode() { cancel(); }
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;

  [[nodiscard]] bool armed() const { return previous_ != nullptr; }
  // The instant it was armed for. Precondition: armed().
  [[nodiscard]] Instant deadline() const { return deadline_; }
  void cancel();

 private:
  friend class TimerWheel;
  TimerNode* previous_ = nullptr;
  TimerNode* next_ = nullptr;
  Instant deadline_;
};

class TimerWheel {
 public:
  // The wheel's resolution: a timer fires at most this much late, and never early.
  static constexpr Duration kTick = Duration::nanoseconds(1 << 17);

  explicit TimerWheel(Instant start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Arms or re-arms. A deadline in the past fires at the next tick.
  void arm(TimerNode& node, Instant deadline);

  // Fires all timers due at `now`: calls fire(node) for each, disarmed. fire() may arm, re-arm,
  // cancel or destroy any timer, its own included; what it arms in the past fires at a later call.
  template <typename Fire>
  void advance(Instant now, Fire&& fire) {
    collect_due(now);
    while (TimerNode* node = pop_due()) fire(*node);
  }

  // No timer is due before this. Exact to a tick within the first wheel, conservative beyond it;
  // Instant::never() when nothing is armed.
  [[nodiscard]] Instant next_deadline() const;

 private:
  static constexpr unsigned kSlotBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kLevels = 6;  // 64^6 ticks: 104 days

  static std::uint64_t tick_at_or_after(Instant t);
  void collect_due(Instant now);
  void place(TimerNode& node);
  void cascade(std::size_t level);
  TimerNode* pop_due();
  static void link(TimerNode& list, TimerNode& node);
  static void move_all(TimerNode& from, TimerNode& to);

  std::uint64_t current_tick_;
  std::array<std::array<TimerNode, kSlots>, kLevels> slots_;  // list heads
  TimerNode due_;
};

}  // namespace sluice::base
