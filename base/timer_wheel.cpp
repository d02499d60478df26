#include "base/timer_wheel.hpp"

#include <algorithm>
#include <limits>

namespace sluice::base {
namespace {

constexpr std::int64_t kTickNanoseconds = TimerWheel::kTick.nanoseconds();

}  // namespace

void TimerNode::cancel() {
  if (previous_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

TimerWheel::TimerWheel(Instant start)
    : current_tick_(static_cast<std::uint64_t>(start.nanoseconds() / kTickNanoseconds)) {
  for (auto& level : slots_) {
    for (TimerNode& head : level) head.previous_ = head.next_ = &head;
  }
  due_.previous_ = due_.next_ = &due_;
}

TimerWheel::~TimerWheel() {
  const auto empty = [](TimerNode& head) {
    while (head.next_ != &head) head.next_->cancel();
  };
  for (auto& level : slots_) std::ranges::for_each(level, empty);
  empty(due_);
}

std::uint64_t TimerWheel::tick_at_or_after(Instant t) {
  const std::int64_t n = std::max<std::int64_t>(t.nanoseconds(), 0);
  return static_cast<std::uint64_t>(n / kTickNanoseconds) + (n % kTickNanoseconds != 0 ? 1 : 0);
}

void TimerWheel::link(TimerNode& list, TimerNode& node) {
  node.previous_ = list.previous_;
  node.next_ = &list;
  list.previous_->next_ = &node;
  list.previous_ = &node;
}

void TimerWheel::move_all(TimerNode& from, TimerNode& to) {
  if (from.next_ == &from) return;
  from.next_->previous_ = to.previous_;
  from.previous_->next_ = &to;
  to.previous_->next_ = from.next_;
  to.previous_ = from.previous_;
  from.previous_ = from.next_ = &from;
}

void TimerWheel::arm(TimerNode& node, Instant deadline) {
  node.cancel();
  node.deadline_ = deadline;
  place(node);
}

// The slot is on the lowest level whose span holds the distance to the deadline. A deadline that is
// due already goes into the slot of the next tick, so that advance() never fires what fire() armed.
void TimerWheel::place(TimerNode& node) {
  const std::uint64_t tick = std::max(tick_at_or_after(node.deadline_), current_tick_ + 1);
  const std::uint64_t distance = tick - current_tick_;
  constexpr std::uint64_t kReach = (std::uint64_t{1} << (kSlotBits * kLevels)) - 1;
  const std::uint64_t target = current_tick_ + std::min(distance, kReach);
  std::size_t level = 0;
  while (level + 1 < kLevels && (distance >> (kSlotBits * (level + 1))) != 0) ++level;
  link(slots_[level][(target >> (kSlotBits * level)) & (kSlots - 1)], node);
}

void TimerWheel::cascade(std::size_t level) {
  const std::size_t slot = (current_tick_ >> (kSlotBits * level)) & (kSlots - 1);
  if (level + 1 < kLevels && slot == 0) cascade(level + 1);
  TimerNode pending;
  pending.previous_ = pending.next_ = &pending;
  move_all(slots_[level][slot], pending);
  while (pending.next_ != &pending) {
    TimerNode& node = *pending.next_;
    node.cancel();
    if (tick_at_or_after(node.deadline_) <= current_tick_) {
      link(due_, node);
    } else {
      place(node);
    }
  }
  pending.previous_ = pending.next_ = nullptr;
}

void TimerWheel::collect_due(Instant now) {
  const auto now_tick = static_cast<std::uint64_t>(now.nanoseconds() / kTickNanoseconds);
  while (current_tick_ < now_tick) {
    // Nothing is due and no slot cascades before next_deadline(): after an idle time the wheel is
    // not walked tick by tick.
    const Instant next = next_deadline();
    current_tick_ =
        next == Instant::never() ? now_tick : std::min(now_tick, tick_at_or_after(next));
    if ((current_tick_ & (kSlots - 1)) == 0) cascade(1);
    move_all(slots_[0][current_tick_ & (kSlots - 1)], due_);
  }
}

TimerNode* TimerWheel::pop_due() {
  if (due_.next_ == &due_) return nullptr;
  TimerNode* node = due_.next_;
  node->cancel();
  return node;
}

// A slot of a higher wheel is reported by its start, the moment it cascades.
Instant TimerWheel::next_deadline() const {
  std::uint64_t next = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::uint64_t position = current_tick_ >> (kSlotBits * level);
    for (std::uint64_t at = position + 1; at <= position + kSlots; ++at) {
      const TimerNode& head = slots_[level][at & (kSlots - 1)];
      if (head.next_ == &head) continue;
      next = std::min(next, at << (kSlotBits * level));
      break;
    }
  }
  if (next == std::numeric_limits<std::uint64_t>::max()) return Instant::never();
  return Instant::from_nanoseconds(static_cast<std::int64_t>(next) * kTickNanoseconds);
}

}  // namespace sluice::base
