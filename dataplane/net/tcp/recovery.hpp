// Loss recovery of one connection: which of the sent segments are in the network, held by the peer
// or lost. With SACK it judges by time (RACK, RFC 8985), which also finds lost retransmissions and
// bears reordering; without, by counting duplicate acknowledgments (NewReno, RFC 6582). The rest of
// TCP sees an acknowledgment go in and an AckOutcome come out, and sends what is marked kLost.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "dataplane/net/tcp/congestion.hpp"
#include "dataplane/net/tcp/in_flight.hpp"
#include "dataplane/net/tcp/lost_heap.hpp"
#include "dataplane/net/tcp/scoreboard.hpp"
#include "dataplane/net/tcp/send_queue.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// An acknowledgment that is not older than SND.UNA, and what is needed to judge it.
struct AckArrival {
  base::Instant now;
  wire::SeqNumber ack;
  wire::SeqNumber snd_nxt;
  std::span<const wire::SackBlock> sack;  // empty when not negotiated
  bool sack_negotiated = false;
  bool duplicate = false;  // RFC 5681 2
  std::uint32_t mss = 0;
  base::Duration srtt;
  base::Duration min_rtt;
  // The timestamp that the peer echoes (RFC 7323 3.2), in milliseconds of our time.
  std::optional<std::uint32_t> echo_ms{};
};

struct AckOutcome {
  std::uint32_t acked = 0;       // sequence space newly acknowledged
  std::uint32_t unreported = 0;  // of these, what SACK had not reported before
  std::uint32_t delivered = 0;   // newly known to have arrived (RFC 6937 3, DeliveredData)
  std::uint32_t lost = 0;        // newly taken for lost
  std::uint32_t lost_segments = 0;
  bool spurious = false;  // the last episode's losses were none: it has to take that back
  bool entered = false;   // a loss episode begins: the congestion controller has to react
  bool news = false;      // something was acknowledged, by SACK or cumulatively
  std::optional<base::Duration> rtt;  // measured on a segment sent once (Karn's algorithm)
  bool only_resent = false;           // acknowledged, but nothing that rtt could be measured on
  std::optional<wire::SeqNumber> duplicate_end;  // of what the peer says to have twice (D-SACK)
  std::optional<SentSegment> newest;       // the one sent last of those that have arrived, if noted
  std::optional<SentSegment> newest_lost;  // of those that were lost
  base::Instant look_again = base::Instant::never();  // a segment may count as lost then
  std::uint32_t steps = 0;      // segments that were looked at, but for those acknowledged in order
  std::uint8_t bad_blocks = 0;  // SACK blocks that no receiver sends
  std::uint8_t late_blocks = 0;  // that were too far away to be looked for at once
};

class Recovery {
 public:
  enum class Phase : std::uint8_t {
    kOpen,
    kReduction,  // only the window comes down
    kFastRecovery,
    kTimeout,
  };

  AckOutcome on_ack(SendQueue& queue, SegmentPool& nodes, const AckArrival& arrival);
  // Judges again when the reordering window has passed; as on_ack() without an acknowledgment.
  AckOutcome on_reordering_timer(SendQueue& queue, const AckArrival& arrival);
  // The retransmission timer ran out: the first segment is lost, and with it what has been in the
  // network for a round trip; without SACK, all that is in the network.
  void on_timeout(SendQueue& queue, const AckArrival& arrival);
  // A segment goes out, for the first time or again.
  void on_transmit(SendSegment& segment, base::Instant now);
  // Has a segment sent again without taking it for a sign of congestion.
  void give_up(SendSegment& segment);
  // A segment was cut in two (SendQueue::split()).
  void on_split(SendSegment& segment);

  // Congestion has shown itself without a loss that is left to be repaired: an echo (RFC 3168
  // 6.1.2), or what a tail loss probe has repaired (RFC 8985 7.4). False when the window has come
  // down for what was in flight already.
  [[nodiscard]] bool begin_reduction(wire::SeqNumber snd_una, wire::SeqNumber snd_nxt);

  // The first segment to be sent again, or null.
  [[nodiscard]] SendSegment* next_lost();
  [[nodiscard]] bool holds_sacked() const { return sacked_ > 0; }
  // RFC 6675 "pipe": bytes in the network.
  [[nodiscard]] std::uint32_t pipe(std::uint32_t mss) const;
  [[nodiscard]] Phase phase() const { return phase_; }
  // What was lost is being sent again.
  [[nodiscard]] bool repairing() const { return phase_ >= Phase::kFastRecovery; }
  // RFC 6675 5, step 4.3: the first retransmission of an episode does not wait for the window.
  [[nodiscard]] bool first_retransmission_due() const { return first_retransmission_due_; }
  [[nodiscard]] bool reneged() const { return reneged_; }
  // Each segment that was sent is in the network, for the first time: acknowledgments without SACK
  // blocks may take the first ones off the queue, and nothing here has to be told.
  [[nodiscard]] bool nothing_marked() const {
    return sacked_ == 0 && lost_ == 0 && network_.is_rewound() && scoreboard_.is_forgotten();
  }
  // Nothing was lost, reordered or sent again: while nothing is in flight, as good as new.
  [[nodiscard]] bool is_unmarked() const {
    return !marked_ && !reordering_seen_ && reordering_mult_ == 1;
  }

 private:
  // More segments sent again than are counted: what the peer says of them settles nothing.
  static constexpr std::uint8_t kTooMany = 0xff;

  struct Delivery;

  [[nodiscard]] bool is_ordinary(const SendQueue& queue, const AckArrival& arrival) const;
  void take_ordinary(SendQueue& queue, SegmentPool& nodes, const AckArrival& arrival,
                     AckOutcome& outcome);
  [[nodiscard]] static bool is_legal(std::size_t index, const AckArrival& arrival);
  void take_blocks(SendQueue& queue, const AckArrival& arrival, AckOutcome& outcome,
                   Delivery& delivery);
  void mark_sacked(SendQueue& queue, SendSegment* segment, wire::SeqNumber right,
                   const AckArrival& arrival, AckOutcome& outcome, Delivery& delivery);
  void remove_acked(SendQueue& queue, SegmentPool& nodes, const AckArrival& arrival,
                    AckOutcome& outcome, Delivery& delivery);
  void deliver(const SendSegment& segment, const AckArrival& arrival, AckOutcome& outcome,
               Delivery& delivery);
  void on_retransmit(SendSegment& segment);
  std::uint32_t& bytes_of(Fate fate);
  void leave(SendSegment& segment);
  void lose(SendSegment& segment);
  void lose(SendSegment& segment, AckOutcome& outcome);
  void settle(AckOutcome& outcome);
  void count_delivered(const AckArrival& arrival, AckOutcome& outcome);
  [[nodiscard]] bool count_duplicate(std::uint32_t mss);
  void detect_by_time(SendQueue& queue, const AckArrival& arrival, AckOutcome& outcome);
  void detect_on_timeout(SendQueue& queue, const AckArrival& arrival);
  template <typename IsLost>
  void lose_oldest(SendQueue& queue, IsLost is_lost, AckOutcome& outcome);
  void detect_by_duplicates(SendQueue& queue, AckOutcome& outcome);
  // dsack.cpp
  [[nodiscard]] bool take_duplicate(const AckArrival& arrival, AckOutcome& outcome);
  void explain(const wire::SackBlock& duplicate, std::uint32_t mss, AckOutcome& outcome);
  void adapt_reordering_window(const AckArrival& arrival, bool duplicate, bool episode_over);
  [[nodiscard]] base::Duration reordering_window(const AckArrival& arrival) const;
  void begin_episode(wire::SeqNumber snd_una, wire::SeqNumber snd_nxt);
  void enter(const AckArrival& arrival, AckOutcome& outcome);

  Scoreboard scoreboard_;
  InFlight network_;
  LostHeap to_resend_;
  // RACK: the most recently sent segment known to have arrived.
  base::Instant rack_sent_at_;
  wire::SeqNumber rack_end_;
  std::uint32_t rack_rtt_us_ = 0;      // of what was delivered last
  wire::SeqNumber highest_delivered_;  // RACK.fack
  wire::SeqNumber recovery_point_;     // the episode ends when this is acknowledged
  wire::SeqNumber episode_start_;      // SND.UNA when the latest one began
  wire::SeqNumber dsack_round_;        // RACK.dsack_round: it ends when this is acknowledged
  std::uint32_t in_flight_ = 0;        // bytes of each fate
  std::uint32_t sacked_ = 0;
  std::uint32_t lost_ = 0;
  std::uint16_t duplicate_acks_ = 0;  // without SACK
  std::uint16_t most_duplicates_ = 0;
  std::uint8_t unexplained_ = 0;      // sent again in the episode, and not reported as duplicates
  std::uint8_t reordering_mult_ = 1;  // RACK.reo_wnd_mult
  std::uint8_t reordering_persist_ = 0;
  Phase phase_ : 2 = Phase::kOpen;
  bool in_dsack_round_ : 1 = false;
  bool any_delivered_ : 1 = false;
  bool reordering_seen_ : 1 = false;
  bool first_retransmission_due_ : 1 = false;
  bool reneged_ : 1 = false;
  bool reduced_ : 1 = false;  // nothing sent since is acknowledged
  bool marked_ : 1 = false;   // something was sent again, or there was an episode
};

}  // namespace sluice::net::tcp
