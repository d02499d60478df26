// When text that arrived in order is acknowledged (RFC 9293 3.8.6.3, RFC 5681 4.2): at once where
// it is more than one full-sized segment, else after a delay, so that an answer can take the
// acknowledgment along. A peer whose congestion window is small, at the start and after it was
// idle, hears of each segment at once; not where a session answers anyway.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::net::tcp {

class DelayedAck {
 public:
  // Less than half a second (MUST-40), and no longer than Linux's shortest.
  static constexpr base::Duration kDelay = base::Duration::milliseconds(40);
  // The silence after which a peer has started its window over (RFC 5681 4.1).
  static constexpr std::uint32_t kIdleMs = 1'000;

  // Text arrived in order. `full`: the largest segment that the peer may send, asked for only where
  // the segment is larger than any so far.
  template <typename Full>
  void on_text(std::uint32_t size, bool push, const Full& full) {
    if (size > segment_) {
      segment_ = static_cast<std::uint16_t>(std::min<std::uint32_t>(size, full()));
    } else if (!push) {
      // More follows it, so the peer's segments are no larger any more (its path's MTU fell).
      segment_ = static_cast<std::uint16_t>(
          std::max<std::uint32_t>(segment_ - (segment_ - size + 7) / 8, kLeastSegment));
    }
  }
  // Whether so much text is acknowledged at once. SHLD-18: at least every second full-sized
  // segment; small ones wait, however many they are.
  [[nodiscard]] bool due(std::uint32_t unacknowledged) const {
    return unacknowledged > segment_ || at_once();
  }

  void on_ack_sent() { quick_ = at_once() ? static_cast<std::uint8_t>(quick_ - 1) : quick_; }
  // An answer takes acknowledgments along.
  void on_text_sent() { quick_ = kAnswers; }
  // It did not come in time.
  void on_delay_over() {
    if (quick_ == kAnswers) quick_ = 0;
  }
  void on_idle() {
    if (quick_ != kAnswers) quick_ = kQuickAcks;
  }

 private:
  static constexpr std::uint16_t kDefaultSegment = 536;  // RFC 9293 3.7.1
  static constexpr std::uint32_t kLeastSegment = 88;
  static constexpr std::uint8_t kQuickAcks = 16;
  static constexpr std::uint8_t kAnswers = 0xff;

  [[nodiscard]] bool at_once() const { return quick_ > 0 && quick_ != kAnswers; }

  std::uint16_t segment_ = kDefaultSegment;  // the largest that came lately, bytes of text
  std::uint8_t quick_ = kQuickAcks;          // acknowledgments that do not wait
};

}  // namespace sluice::net::tcp
