#include "dataplane/net/tcp/recovery.hpp"

#include <algorithm>

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;
using wire::SeqNumber;

namespace {

constexpr std::uint32_t kDuplicateThreshold = 3;  // RFC 5681 3.2, RFC 8985 3.3.2 (1)

// RFC 8985 6.2, step 2, RACK_sent_after(): by time, and by sequence within one burst.
bool sent_after(Instant a_time, SeqNumber a_end, Instant b_time, SeqNumber b_end) {
  return a_time > b_time || (a_time == b_time && a_end > b_end);
}

// RFC 8985 6.2, step 2: the peer had not seen what was sent then.
bool echoes_earlier(const AckArrival& arrival, Instant sent_at) {
  if (!arrival.echo_ms) return false;
  const auto sent_ms = static_cast<std::uint32_t>(sent_at.milliseconds());
  return static_cast<std::int32_t>(*arrival.echo_ms - sent_ms) < 0;
}

}  // namespace

// What one acknowledgment has shown to have arrived.
struct Recovery::Delivery {
  // RACK.fack in front of it, if anything was delivered then. What one acknowledgment shows, in its
  // blocks and by its number, may have arrived in any order.
  std::optional<SeqNumber> highest_before;
  bool any = false;
  std::optional<Instant> newest;  // sent_at of the one of them that went out last, if that is known
  Instant newest_once = Instant::from_nanoseconds(-1);  // sent_at of one that was sent once
};

AckOutcome Recovery::on_ack(SendQueue& queue, SegmentPool& nodes, const AckArrival& arrival) {
  AckOutcome outcome;
  if (is_ordinary(queue, arrival)) {
    take_ordinary(queue, nodes, arrival, outcome);
    return outcome;
  }
  Delivery delivery;
  if (any_delivered_) delivery.highest_before = highest_delivered_;
  take_blocks(queue, arrival, outcome, delivery);
  remove_acked(queue, nodes, arrival, outcome, delivery);
  outcome.news = delivery.any || outcome.acked > 0;
  if (delivery.newest_once.nanoseconds() >= 0) {
    outcome.rtt = arrival.now - delivery.newest_once;
  } else {
    outcome.only_resent = outcome.acked > 0;
  }
  count_delivered(arrival, outcome);
  if (outcome.acked > 0) first_retransmission_due_ = false;
  const bool episode_over = phase_ != Phase::kOpen && arrival.ack >= recovery_point_;
  adapt_reordering_window(arrival, take_duplicate(arrival, outcome), episode_over && repairing());
  if (episode_over) phase_ = Phase::kOpen;
  if (arrival.ack > recovery_point_) reduced_ = false;

  if (arrival.sack_negotiated) {
    detect_by_time(queue, arrival, outcome);
  } else {
    detect_by_duplicates(queue, outcome);
  }
  if (outcome.lost_segments > 0 && !repairing()) enter(arrival, outcome);
  settle(outcome);
  return outcome;
}

// The ordinary course: segments that were sent once arrive in their order, and nothing suggests
// anything else.
bool Recovery::is_ordinary(const SendQueue& queue, const AckArrival& arrival) const {
  if (phase_ != Phase::kOpen || !nothing_marked() || in_flight_ == 0) return false;
  if (!arrival.sack.empty() || arrival.duplicate || duplicate_acks_ > 0 || in_dsack_round_) {
    return false;
  }
  return queue.front()->end() <= arrival.ack;
}

// All that on_ack() would find out, in fewer steps.
void Recovery::take_ordinary(SendQueue& queue, SegmentPool& nodes, const AckArrival& arrival,
                             AckOutcome& outcome) {
  Instant sent_at;
  SeqNumber end;
  do {
    const SendSegment& segment = *queue.front();
    sent_at = segment.sent_at;
    end = segment.end();
    outcome.acked += segment.length();
    if (segment.note.in_flight > 0) outcome.newest.emplace(segment);
    queue.pop_front(nodes);
  } while (queue.front() != queue.unsent() && queue.front()->end() <= arrival.ack);
  if (queue.front() != queue.unsent() && queue.front()->seq < arrival.ack) {
    const auto part = static_cast<std::uint32_t>(arrival.ack - queue.front()->seq);
    queue.trim_front(part);
    outcome.acked += part;
  }
  in_flight_ -= outcome.acked;
  outcome.unreported = outcome.delivered = outcome.acked;
  outcome.news = true;
  outcome.rtt = arrival.now - sent_at;
  if (!any_delivered_ || sent_after(sent_at, end, rack_sent_at_, rack_end_)) {
    rack_sent_at_ = sent_at;
    rack_end_ = end;
  }
  rack_rtt_us_ = static_cast<std::uint32_t>(outcome.rtt->microseconds());
  if (!any_delivered_ || end > highest_delivered_) highest_delivered_ = end;
  any_delivered_ = true;
  if (arrival.ack > recovery_point_) reduced_ = false;
}

// While nothing is marked nobody needs to know where it was, see nothing_marked().
void Recovery::settle(AckOutcome& outcome) {
  outcome.steps += to_resend_.take_steps();
  if (outcome.late_blocks > 0) return;  // and the next search goes on from there
  if (sacked_ > 0 || lost_ > 0 || network_.oldest_resent() != nullptr) return;
  scoreboard_.forget();
  network_.rewind();
}

// With SACK it is plain what has arrived. Without, each duplicate acknowledgment stands for a
// segment, and the acknowledgment that covers them in the end does not tell of them again (RFC 6937
// 3).
void Recovery::count_delivered(const AckArrival& arrival, AckOutcome& outcome) {
  outcome.delivered += outcome.unreported;
  if (arrival.sack_negotiated) {
    if (outcome.acked > 0) duplicate_acks_ = 0;
  } else if (outcome.acked > 0) {
    // RFC 6582 3.2, step 3: a partial acknowledgment takes back what stood for its own segments. A
    // peer that acknowledges next to nothing gains no new duplicates by it.
    const bool partial = phase_ == Phase::kFastRecovery && arrival.ack < recovery_point_;
    const std::uint32_t counted =
        partial ? std::min<std::uint32_t>(duplicate_acks_, outcome.acked / arrival.mss)
                : duplicate_acks_;
    outcome.delivered -= std::min(outcome.delivered, counted * arrival.mss);
    duplicate_acks_ = static_cast<std::uint16_t>(duplicate_acks_ - counted);
  } else if (arrival.duplicate && count_duplicate(arrival.mss)) {
    outcome.delivered += std::min(arrival.mss, in_flight_);
  }
}

// RFC 5681 4: a receiver that invents duplicates must not empty the pipe. No more of them count
// than there were segments in the network when the first one came, or when the episode began.
bool Recovery::count_duplicate(std::uint32_t mss) {
  if (duplicate_acks_ == 0 && phase_ != Phase::kFastRecovery) {
    most_duplicates_ = static_cast<std::uint16_t>(std::min(in_flight_ / mss + 1, 0xffffU));
  }
  if (duplicate_acks_ >= most_duplicates_) return false;
  ++duplicate_acks_;
  return true;
}

AckOutcome Recovery::on_reordering_timer(SendQueue& queue, const AckArrival& arrival) {
  AckOutcome outcome;
  if (arrival.sack_negotiated) detect_by_time(queue, arrival, outcome);
  if (outcome.lost_segments > 0 && !repairing()) enter(arrival, outcome);
  settle(outcome);
  return outcome;
}

// Where the window is coming down already, it does not once more (RFC 3168 6.1.2).
void Recovery::enter(const AckArrival& arrival, AckOutcome& outcome) {
  outcome.entered = phase_ == Phase::kOpen;
  begin_episode(arrival.ack, arrival.snd_nxt);
  phase_ = Phase::kFastRecovery;
  first_retransmission_due_ = true;
}

bool Recovery::begin_reduction(SeqNumber snd_una, SeqNumber snd_nxt) {
  if (phase_ != Phase::kOpen || reduced_) return false;
  begin_episode(snd_una, snd_nxt);
  if (snd_una != snd_nxt) phase_ = Phase::kReduction;
  return true;
}

// A timeout in the middle of an episode carries it on.
void Recovery::begin_episode(SeqNumber snd_una, SeqNumber snd_nxt) {
  recovery_point_ = snd_nxt;
  marked_ = true;
  reduced_ = true;
  if (repairing()) return;
  episode_start_ = snd_una;
  unexplained_ = 0;
}

void Recovery::on_timeout(SendQueue& queue, const AckArrival& arrival) {
  // RFC 2018 8: the peer may have dropped what it reported; it did so if it holds our first byte
  // and does not acknowledge it.
  SendSegment* const first = queue.front();
  reneged_ = first != nullptr && first->fate == Fate::kSacked;
  if (reneged_ || !arrival.sack_negotiated) {
    for (SendSegment* s = first; s != nullptr && s != queue.unsent(); s = s->next) {
      if (s->fate == Fate::kInFlight || s->fate == Fate::kSacked) lose(*s);
    }
    scoreboard_.forget();
  } else if (first != nullptr) {
    if (first->fate == Fate::kInFlight) lose(*first);
    detect_on_timeout(queue, arrival);
  }
  begin_episode(first != nullptr ? first->seq : arrival.snd_nxt, arrival.snd_nxt);
  phase_ = Phase::kTimeout;
  duplicate_acks_ = 0;
  first_retransmission_due_ = true;
}

void Recovery::on_transmit(SendSegment& segment, Instant now) {
  if (segment.fate != Fate::kUnsent) on_retransmit(segment);
  segment.fate = Fate::kInFlight;
  segment.sent_at = now;
  in_flight_ += segment.length();
}

void Recovery::on_retransmit(SendSegment& segment) {
  if (segment.fate == Fate::kLost && repairing() && unexplained_ < kTooMany) ++unexplained_;
  leave(segment);
  to_resend_.remove_first(segment);
  network_.push_resent(segment);
  segment.resent = marked_ = true;
  segment.path_probe = false;
  first_retransmission_due_ = false;
}

void Recovery::give_up(SendSegment& segment) {
  if (segment.fate == Fate::kInFlight) lose(segment);
}

void Recovery::on_split(SendSegment& segment) {
  SendSegment& rest = *segment.next;
  if (segment.in_heap) to_resend_.insert(rest);
  if (segment.fate == Fate::kInFlight && segment.resent) network_.insert_resent(segment, rest);
  if (segment.fate == Fate::kSacked) Scoreboard::on_split(segment);
}

SendSegment* Recovery::next_lost() {
  return lost_ == 0 ? nullptr : to_resend_.first();
}

// Without SACK each duplicate acknowledgment says that one more segment has left the network; with
// SACK in_flight_ knows it already.
std::uint32_t Recovery::pipe(std::uint32_t mss) const {
  return in_flight_ - std::min(in_flight_, duplicate_acks_ * mss);
}

std::uint32_t& Recovery::bytes_of(Fate fate) {
  return fate == Fate::kInFlight ? in_flight_ : fate == Fate::kSacked ? sacked_ : lost_;
}

// Takes a segment that was sent out of the count of its fate, and out of what goes with that.
void Recovery::leave(SendSegment& segment) {
  bytes_of(segment.fate) -= segment.length();
  if (segment.fate == Fate::kInFlight && segment.resent) network_.remove_resent(segment);
  if (segment.fate != Fate::kSacked) return;
  scoreboard_.on_first_leaves(segment);
  segment.note = {};
}

void Recovery::lose(SendSegment& segment) {
  leave(segment);
  segment.fate = Fate::kLost;
  lost_ += segment.length();
  to_resend_.insert(segment);
}

// RFC 4821 7.6.2: the loss of a probe of the path shows how much that takes, and no congestion;
// what else is lost does.
void Recovery::lose(SendSegment& segment, AckOutcome& outcome) {
  lose(segment);
  if (segment.path_probe) return;
  outcome.lost += segment.length();
  ++outcome.lost_segments;
  if (!outcome.newest_lost || segment.sent_at >= outcome.newest_lost->at) {
    outcome.newest_lost.emplace(segment);
  }
}

// RFC 2018 4, RFC 2883 4: what lies below the acknowledgment can only be the report of a duplicate,
// which comes first. Nothing else is said of that, or of what was never sent.
bool Recovery::is_legal(std::size_t index, const AckArrival& arrival) {
  const wire::SackBlock& block = arrival.sack[index];
  if (block.left >= block.right || block.right > arrival.snd_nxt) return false;
  return block.left > arrival.ack || (index == 0 && block.right <= arrival.ack);
}

void Recovery::take_blocks(SendQueue& queue, const AckArrival& arrival, AckOutcome& outcome,
                           Delivery& delivery) {
  std::uint32_t steps = 0;
  for (std::size_t i = 0; i < arrival.sack.size(); ++i) {
    const wire::SackBlock& block = arrival.sack[i];
    if (!is_legal(i, arrival)) {
      ++outcome.bad_blocks;
      continue;
    }
    if (block.left <= arrival.ack) continue;
    const Scoreboard::Found found = scoreboard_.find(queue, block.left, steps);
    if (found.gave_up) {
      outcome.late_blocks = static_cast<std::uint8_t>(arrival.sack.size() - i);
      break;
    }
    mark_sacked(queue, found.segment, block.right, arrival, outcome, delivery);
  }
  outcome.steps += steps;
}

// Each segment is marked once, and behind each run there is one to be marked, or the end.
void Recovery::mark_sacked(SendQueue& queue, SendSegment* segment, SeqNumber right,
                           const AckArrival& arrival, AckOutcome& outcome, Delivery& delivery) {
  while (segment != nullptr && segment != queue.unsent() && segment->end() <= right) {
    ++outcome.steps;
    if (segment->fate == Fate::kSacked) {
      segment = Scoreboard::behind_run(*segment);
      continue;
    }
    deliver(*segment, arrival, outcome, delivery);
    leave(*segment);
    scoreboard_.mark(queue, *segment);
    sacked_ += segment->length();
    outcome.delivered += segment->length();
    segment = segment->next;
  }
}

void Recovery::remove_acked(SendQueue& queue, SegmentPool& nodes, const AckArrival& arrival,
                            AckOutcome& outcome, Delivery& delivery) {
  while (!queue.empty() && queue.front() != queue.unsent()) {
    SendSegment& segment = *queue.front();
    if (arrival.ack <= segment.seq) return;
    const bool unreported = segment.fate != Fate::kSacked;
    if (segment.end() <= arrival.ack) {
      if (unreported) {
        deliver(segment, arrival, outcome, delivery);
        outcome.unreported += segment.length();
      }
      leave(segment);
      if (segment.in_heap) to_resend_.remove_first(segment);
      network_.on_gone(segment);
      scoreboard_.on_gone(segment);
      outcome.acked += segment.length();
      queue.pop_front(nodes);
      continue;
    }
    const auto part = static_cast<std::uint32_t>(arrival.ack - segment.seq);
    bytes_of(segment.fate) -= part;
    queue.trim_front(part);
    outcome.acked += part;
    if (unreported) outcome.unreported += part;
    return;
  }
}

// RFC 8985 6.2, steps 2 and 3.
void Recovery::deliver(const SendSegment& segment, const AckArrival& arrival, AckOutcome& outcome,
                       Delivery& delivery) {
  delivery.any = true;
  if (segment.note.in_flight > 0 && (!outcome.newest || segment.sent_at >= outcome.newest->at)) {
    outcome.newest.emplace(segment);
  }
  const Duration rtt = arrival.now - segment.sent_at;
  if (!segment.resent) {
    delivery.newest_once = std::max(delivery.newest_once, segment.sent_at);
  } else if (rtt < arrival.min_rtt || echoes_earlier(arrival, segment.sent_at)) {
    return;  // this acknowledges the original, and not the retransmission
  }
  if (!delivery.newest || segment.sent_at >= *delivery.newest) {
    delivery.newest = segment.sent_at;
    rack_rtt_us_ = static_cast<std::uint32_t>(rtt.microseconds());
  }
  if (!any_delivered_ || sent_after(segment.sent_at, segment.end(), rack_sent_at_, rack_end_)) {
    rack_sent_at_ = segment.sent_at;
    rack_end_ = segment.end();
  }
  if (!any_delivered_ || segment.end() > highest_delivered_) highest_delivered_ = segment.end();
  if (delivery.highest_before && segment.end() < *delivery.highest_before && !segment.resent) {
    reordering_seen_ = true;
  }
  any_delivered_ = true;
}

// RFC 8985 6.2, step 4: no patience where nothing was ever reordered and the loss is plain.
Duration Recovery::reordering_window(const AckArrival& arrival) const {
  if (!reordering_seen_ && (repairing() || sacked_ >= kDuplicateThreshold * arrival.mss)) {
    return {};
  }
  return std::min(arrival.min_rtt * reordering_mult_ / 4, arrival.srtt);
}

// RFC 8985 6.2, step 5: what was sent long enough before something that has arrived is lost.
void Recovery::detect_by_time(SendQueue& queue, const AckArrival& arrival, AckOutcome& outcome) {
  if (!any_delivered_) return;
  const Duration patience = Duration::microseconds(rack_rtt_us_) + reordering_window(arrival);
  const auto is_lost = [&](const SendSegment& s) {
    if (!sent_after(rack_sent_at_, rack_end_, s.sent_at, s.end())) return false;
    const Instant deadline = s.sent_at + patience;
    if (deadline > arrival.now) outcome.look_again = std::min(outcome.look_again, deadline);
    return deadline <= arrival.now;
  };
  lose_oldest(queue, is_lost, outcome);
}

// RFC 8985 6.3: what has been in the network for less than a round trip may still arrive.
void Recovery::detect_on_timeout(SendQueue& queue, const AckArrival& arrival) {
  const Duration patience = Duration::microseconds(rack_rtt_us_) + reordering_window(arrival);
  AckOutcome outcome;
  lose_oldest(
      queue, [&](const SendSegment& s) { return s.sent_at + patience <= arrival.now; }, outcome);
}

// In the order in which they went out: those behind one that is not lost are not looked at.
template <typename IsLost>
void Recovery::lose_oldest(SendQueue& queue, IsLost is_lost, AckOutcome& outcome) {
  while (SendSegment* s = network_.oldest_resent()) {
    ++outcome.steps;
    if (!is_lost(*s)) break;
    lose(*s, outcome);
  }
  while (SendSegment* s = network_.oldest_sent_once(queue, outcome.steps)) {
    if (!is_lost(*s)) break;
    lose(*s, outcome);
  }
}

// RFC 5681 3.2 and RFC 6582 3.2: the third duplicate, and each partial acknowledgment, says that
// the first segment is lost.
void Recovery::detect_by_duplicates(SendQueue& queue, AckOutcome& outcome) {
  SendSegment* first = queue.front();
  if (first == nullptr || first == queue.unsent() || first->fate != Fate::kInFlight) return;
  const bool third = !repairing() && duplicate_acks_ == kDuplicateThreshold;
  const bool partial = phase_ == Phase::kFastRecovery && outcome.acked > 0;
  if (!third && !partial) return;
  first->path_probe = false;  // nothing shows that it is lost alone
  lose(*first, outcome);
}

}  // namespace sluice::net::tcp
