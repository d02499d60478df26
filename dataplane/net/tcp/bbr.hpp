// BBR, version 3 (draft-ietf-ccwg-bbr; names and sections are the draft's): the sending rate and
// the window follow from a model of the path, its bandwidth and its round-trip time, and not from
// single losses. bbr.cpp measures and controls, bbr_cycle.cpp probes for bandwidth and answers
// losses.
//
// Where this departs from the draft, and why:
// - The short-term bounds ("When not Probing for Bandwidth") answer a round only when it lost more
//   than LossThresh. The draft's answer to any loss takes a flow that loses 1% at random down by as
//   much in each of the 63 rounds between two probes, to about three quarters of the path.
// - LossThresh counts as exceeded with some significance: in a window of a hundred segments a path
//   that loses 1% at random often loses more than two.
// - ProbeRTT is put off not only by a round-trip time below the minimum but also by one within 1/32
//   of it: who has just seen the path empty need not empty it.
// - The draft leaves open what a mark of congestion (RFC 3168) does. Here it is what a round of too
//   much loss is, once per window, whatever the share of marks.
// - All losses that one acknowledgment shows are one "packet" of HandleLostPacket(), as the draft
//   has it for an offload burst.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "base/time.hpp"
#include "dataplane/net/tcp/congestion.hpp"
#include "dataplane/net/tcp/delivery_rate.hpp"

namespace sluice::net::tcp {

class Bbr {
 public:
  struct Begin {
    base::Instant now;
    std::uint32_t window = 0;  // what the connection has at this moment
    std::uint32_t mss = 0;
    base::Duration rtt;      // the smallest so far; zero: none
    std::uint32_t seed = 1;  // of the time between probes
  };
  explicit Bbr(const Begin& begin);

  [[nodiscard]] std::uint32_t cwnd() const { return cwnd_; }
  [[nodiscard]] std::uint64_t pacing_rate() const {  // bytes per second
    return static_cast<std::uint64_t>(pacing_rate_);
  }
  // What is sent in one go.
  [[nodiscard]] std::uint32_t send_quantum() const;
  [[nodiscard]] bool in_startup() const { return state_ == State::kStartup; }

  void on_transmit(SendSegment& segment, base::Instant now, std::uint32_t pipe);
  void on_ack(const AckSample& ack);
  void on_loss(const LossEvent& loss);
  void on_timeout(const LossEvent& loss);
  void on_spurious();
  // There is less to send than the window allows.
  void on_app_limited(std::uint32_t pipe) { rate_.mark_app_limited(pipe); }

 private:
  enum class State : std::uint8_t {
    kStartup,
    kDrain,
    kProbeDown,
    kProbeCruise,
    kProbeRefill,
    kProbeUp,
    kProbeRtt,
  };
  // What acknowledgments tell of the last probe for bandwidth.
  enum class AckPhase : std::uint8_t {
    kInit,           // nothing
    kRefilling,      // the pipe is filled before the probe
    kProbeStarting,  // nothing yet
    kProbeFeedback,
    kProbeStopping,  // the probe is over, what comes is still of it
  };
  static constexpr std::uint32_t kNoBound = std::numeric_limits<std::uint32_t>::max();

  // --- bbr.cpp: the model and what is controlled by it ---
  void update_round(const RateSample& sample);
  void update_max_bw(const RateSample& sample);
  void update_ack_aggregation(const AckSample& ack);
  void check_full_bw_reached(const RateSample& sample);
  void check_startup_done(const AckSample& ack, const RateSample& sample);
  void check_drain_done(const AckSample& ack);
  void update_min_rtt(const AckSample& ack);
  void check_probe_rtt(const AckSample& ack, const RateSample& sample);
  void handle_probe_rtt(const AckSample& ack);
  void end_probe_rtt_if_done(base::Instant now);
  void restart_from_idle(base::Instant now);
  void enter_startup();
  void enter_drain();
  void enter_probe_rtt();
  void exit_probe_rtt(base::Instant now);
  void set_pacing_rate(double gain);
  void set_cwnd(const AckSample& ack);
  void save_cwnd();
  [[nodiscard]] double pacing_gain() const;
  [[nodiscard]] double cwnd_gain() const;
  [[nodiscard]] double max_bw() const;
  [[nodiscard]] std::uint32_t bdp(double bw, double gain) const;
  [[nodiscard]] std::uint32_t with_budget(std::uint32_t inflight) const;
  [[nodiscard]] std::uint32_t probe_rtt_cwnd() const;
  [[nodiscard]] std::uint32_t least_cwnd() const { return 4 * mss_; }
  void start_round() { next_round_delivered_ = rate_.delivered(); }
  void reset_full_bw();

  // --- bbr_cycle.cpp: ProbeBW, and losses ---
  [[nodiscard]] double tolerable_loss(const RateSample& sample) const;
  void note_loss(const AckSample& ack);
  void note_loss_in_round();
  void update_latest_signals(const RateSample& sample);
  void update_congestion_signals(const RateSample& sample);
  void advance_latest_signals(const RateSample& sample);
  void reset_congestion_signals();
  void reset_short_term_model();
  void adapt_lower_bounds();
  void lower_bounds();
  void slow_down(const LossEvent& loss);
  void update_probe_cycle(const AckSample& ack, const RateSample& sample);
  [[nodiscard]] bool adapt_long_term_model(const AckSample& ack, const RateSample& sample);
  void probe_inflight_upward(const AckSample& ack);
  void raise_inflight_slope();
  [[nodiscard]] bool inflight_too_high(const RateSample& sample) const;
  void handle_inflight_too_high(const RateSample& sample, base::Instant now);
  [[nodiscard]] bool probe_if_time(base::Instant now);
  [[nodiscard]] bool time_to_cruise(const AckSample& ack) const;
  [[nodiscard]] bool time_to_go_down(const AckSample& ack, const RateSample& sample);
  void start_probe_down(base::Instant now);
  void start_probe_refill();
  void start_probe_up(const RateSample& sample);
  void pick_probe_wait();
  [[nodiscard]] std::uint32_t inflight_with_headroom() const;
  [[nodiscard]] std::uint32_t target_inflight() const;
  [[nodiscard]] bool in_probe_bw() const;
  [[nodiscard]] bool probing_bw() const;
  [[nodiscard]] bool cwnd_limited(const AckSample& ack) const;
  [[nodiscard]] std::uint32_t random();

  DeliveryRate rate_;

  // Output control. Rates are bytes per second.
  double pacing_rate_ = 0;
  double bw_ = 0;
  std::uint32_t cwnd_ = 0;
  std::uint32_t prior_cwnd_ = 0;
  std::uint32_t mss_ = 0;
  std::uint32_t initial_cwnd_ = 0;

  // The long-term model.
  std::array<double, 2> max_bw_filter_{};  // of the last probing cycle and of this one
  base::Duration min_rtt_;                 // zero: none yet
  base::Instant min_rtt_stamp_;
  std::uint32_t inflight_longterm_ = kNoBound;
  // The short-term model.
  double bw_shortterm_ = 0;
  std::uint32_t inflight_shortterm_ = kNoBound;

  // Packet-timed rounds, and those in which losses are counted.
  std::uint64_t next_round_delivered_ = 0;
  std::uint64_t loss_round_delivered_ = 0;
  std::uint64_t loss_round_begin_ = 0;
  std::uint32_t round_count_ = 0;
  std::uint32_t lost_in_round_ = 0;         // bytes
  std::uint32_t loss_events_in_round_ = 0;  // acknowledgments that showed any
  double bw_latest_ = 0;
  std::uint32_t inflight_latest_ = 0;

  // Whether the pipe is full.
  double full_bw_ = 0;
  std::uint32_t drain_start_round_ = 0;
  std::uint8_t full_bw_count_ = 0;

  // Aggregation of acknowledgments: the most of the last and of this run of rounds.
  base::Instant extra_acked_begin_;
  std::uint64_t extra_acked_delivered_ = 0;
  std::array<std::uint32_t, 2> extra_acked_{};
  std::uint32_t extra_acked_round_ = 0;

  // ProbeBW.
  base::Instant cycle_stamp_;
  base::Duration bw_probe_wait_;
  std::uint32_t bw_probe_up_acked_ = 0;
  std::uint32_t probe_up_acked_per_inc_ = kNoBound;
  std::uint32_t rounds_since_probe_up_ = 0;
  std::uint32_t random_ = 1;
  std::uint8_t bw_probe_up_rounds_ = 0;

  // ProbeRTT.
  base::Duration probe_rtt_min_delay_;  // zero: none yet
  base::Instant probe_rtt_min_stamp_;
  base::Instant probe_rtt_done_stamp_ = base::Instant::never();

  // What a loss has changed, should it turn out to be none.
  double undo_bw_shortterm_ = 0;
  std::uint32_t undo_inflight_shortterm_ = kNoBound;
  std::uint32_t undo_inflight_longterm_ = kNoBound;

  State state_ = State::kStartup;
  State undo_state_ = State::kDrain;  // kStartup or kProbeUp; else nothing
  AckPhase ack_phase_ = AckPhase::kInit;
  bool round_start_ : 1 = false;
  bool loss_round_start_ : 1 = false;
  bool loss_in_round_ : 1 = false;
  bool full_bw_reached_ : 1 = false;
  bool full_bw_now_ : 1 = false;
  bool bw_probe_sample_ : 1 = false;
  bool prev_probe_too_high_ : 1 = false;
  bool prev_probe_precautionary_ : 1 = false;
  bool probe_rtt_expired_ : 1 = false;
  bool probe_rtt_round_done_ : 1 = false;
  bool idle_restart_ : 1 = false;
  bool repairing_ : 1 = false;  // losses
  bool sees_each_loss_ : 1 = true;
};

// Six cache lines, only for connections that send much.
static_assert(sizeof(Bbr) <= 6 * 64);

}  // namespace sluice::net::tcp
