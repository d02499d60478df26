// What a peer's report of a duplicate (D-SACK, RFC 2883) tells of the losses that were seen: the
// segment was only late. RACK becomes more patient (RFC 8985 6.2, step 4), and an episode whose
// retransmissions all turn out as duplicates was no congestion (RFC 3708).
#include <algorithm>
#include <optional>

#include "dataplane/net/tcp/recovery.hpp"

namespace sluice::net::tcp {
namespace {

constexpr std::uint8_t kPersistence = 16;  // RACK.reo_wnd_persist, in episodes

// RFC 2883 4: the first block, below the acknowledgment or inside the second block.
std::optional<wire::SackBlock> duplicate_in(const AckArrival& arrival) {
  if (arrival.sack.empty()) return std::nullopt;
  const wire::SackBlock& first = arrival.sack[0];
  if (first.left >= first.right) return std::nullopt;
  if (first.right <= arrival.ack) return first;
  if (arrival.sack.size() < 2) return std::nullopt;
  const wire::SackBlock& second = arrival.sack[1];
  const bool inside =
      first.left >= second.left && first.right <= second.right && second.right <= arrival.snd_nxt;
  return inside ? std::optional(first) : std::nullopt;
}

}  // namespace

// True when it may be of something that was sent again without need, in whichever episode: what a
// peer has twice before anything was sent again the network has doubled.
bool Recovery::take_duplicate(const AckArrival& arrival, AckOutcome& outcome) {
  const auto duplicate = duplicate_in(arrival);
  if (!duplicate) return false;
  outcome.duplicate_end = duplicate->right;
  explain(*duplicate, arrival.mss, outcome);
  return marked_;
}

// RFC 3708 3: only what the latest episode sent again can show that there was no need for it.
void Recovery::explain(const wire::SackBlock& duplicate, std::uint32_t mss, AckOutcome& outcome) {
  if (unexplained_ == 0 || unexplained_ == kTooMany) return;
  if (duplicate.left < episode_start_ || duplicate.right > recovery_point_) return;
  const auto size = static_cast<std::uint32_t>(duplicate.right - duplicate.left);
  const std::uint32_t segments = (size + mss - 1) / mss;
  unexplained_ =
      static_cast<std::uint8_t>(unexplained_ - std::min<std::uint32_t>(unexplained_, segments));
  // RFC 3708 3 (B). What is still to be sent again has yet to be explained.
  outcome.spurious = unexplained_ == 0 && lost_ == 0;
}

// RFC 8985 3.3.2 (2) and 6.2, step 4: wider with each round trip in which any duplicate is
// reported, as before after sixteen episodes without.
void Recovery::adapt_reordering_window(const AckArrival& arrival, bool duplicate,
                                       bool episode_over) {
  if (in_dsack_round_ && arrival.ack >= dsack_round_) in_dsack_round_ = false;
  if (duplicate && !in_dsack_round_) {
    in_dsack_round_ = true;
    dsack_round_ = arrival.snd_nxt;
    reordering_mult_ = static_cast<std::uint8_t>(std::min(reordering_mult_ + 1, 0xff));
    reordering_persist_ = kPersistence;
  } else if (episode_over && reordering_persist_ > 0 && --reordering_persist_ == 0) {
    reordering_mult_ = 1;
  }
}

}  // namespace sluice::net::tcp
