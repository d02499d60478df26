// How BBR probes for bandwidth in steady state (draft-ietf-ccwg-bbr, "ProbeBW") and what losses
// teach it ("Updating the Model Upon Packet Loss"): the bounds of both time scales.
#include <algorithm>
#include <cmath>
#include <utility>

#include "dataplane/net/tcp/bbr.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;

namespace {

constexpr double kLossThreshold = 0.02;
constexpr double kBeta = 0.7;
constexpr double kHeadroom = 0.15;
constexpr std::uint32_t kMostRenoRounds = 63;
constexpr std::uint8_t kMostUpRounds = 30;

constexpr double kUnbound = std::numeric_limits<double>::infinity();

// Of `size` bytes: LossThresh, and two standard deviations of what a path with just that rate would
// lose, in segments.
double part_that_may_be_lost(double size, std::uint32_t mss) {
  const double expected = kLossThreshold * size;
  return expected + 2 * std::sqrt(expected * mss);
}

std::uint32_t part(double share, std::uint32_t size) {
  return static_cast<std::uint32_t>(share * size);
}

}  // namespace

// --- losses ---

// Where not each loss is seen, any is too much.
double Bbr::tolerable_loss(const RateSample& sample) const {
  return sees_each_loss_ ? part_that_may_be_lost(sample.in_flight, mss_) : 0;
}

// NoteLoss(), with SaveStateUponLoss().
void Bbr::note_loss_in_round() {
  if (!loss_in_round_) {
    loss_round_delivered_ = loss_round_begin_ = rate_.delivered();
    lost_in_round_ = 0;
    loss_events_in_round_ = 0;
    save_cwnd();
    undo_state_ = State::kDrain;
    undo_bw_shortterm_ = bw_shortterm_;
    undo_inflight_shortterm_ = inflight_shortterm_;
    undo_inflight_longterm_ = inflight_longterm_;
  }
  loss_in_round_ = true;
  ++loss_events_in_round_;
}

// HandleLostPacket(), for all that one acknowledgment shows.
void Bbr::note_loss(const AckSample& ack) {
  note_loss_in_round();
  lost_in_round_ += ack.lost;
  if (!bw_probe_sample_ || ack.newest_lost == nullptr) return;
  RateSample sample = rate_.of_lost(*ack.newest_lost, mss_);
  if (!sample.any || !inflight_too_high(sample)) return;
  // InflightAtLoss(): how much of it went too far.
  const auto too_much = static_cast<std::uint32_t>(sample.lost - tolerable_loss(sample));
  sample.in_flight -= std::min({too_much, ack.lost, sample.in_flight});
  handle_inflight_too_high(sample, ack.now);
}

bool Bbr::inflight_too_high(const RateSample& sample) const {
  return sample.lost > tolerable_loss(sample);
}

void Bbr::handle_inflight_too_high(const RateSample& sample, Instant now) {
  prev_probe_too_high_ = true;
  bw_probe_sample_ = false;  // once per probe
  if (!sample.app_limited) {
    inflight_longterm_ = std::max(sample.in_flight, part(kBeta, target_inflight()));
  }
  if (state_ == State::kProbeUp) {
    undo_state_ = State::kProbeUp;
    start_probe_down(now);
  }
}

void Bbr::on_loss(const LossEvent& loss) {
  save_cwnd();
  repairing_ = true;
  if (loss.marked) slow_down(loss);
}

// Congestion that no lost segment shows.
void Bbr::slow_down(const LossEvent& loss) {
  if (state_ == State::kStartup) {
    full_bw_reached_ = true;
    inflight_longterm_ = std::max(bdp(bw_, 1), inflight_latest_);
  } else if (bw_probe_sample_) {
    RateSample sample;
    sample.in_flight = loss.pipe;
    handle_inflight_too_high(sample, loss.now);
  }
  lower_bounds();
}

// OnEnterRTO().
void Bbr::on_timeout(const LossEvent& loss) {
  if (!loss.again) {
    note_loss_in_round();
    save_cwnd();
    lost_in_round_ += loss.flight;
  }
  repairing_ = true;
  cwnd_ = loss.mss;
}

// HandleSpuriousLossDetection().
void Bbr::on_spurious() {
  cwnd_ = std::max(cwnd_, prior_cwnd_);
  repairing_ = false;
  loss_in_round_ = false;
  reset_full_bw();
  bw_shortterm_ = std::max(bw_shortterm_, undo_bw_shortterm_);
  inflight_shortterm_ = std::max(inflight_shortterm_, undo_inflight_shortterm_);
  inflight_longterm_ = std::max(inflight_longterm_, undo_inflight_longterm_);
  const State undone = std::exchange(undo_state_, State::kDrain);
  if (undone == State::kStartup && state_ != State::kStartup) {
    full_bw_reached_ = false;
    if (state_ != State::kProbeRtt) enter_startup();
  } else if (undone == State::kProbeUp && state_ != State::kProbeUp) {
    if (state_ != State::kProbeRtt) start_probe_refill();
  }
}

// --- the short-term model ---

// UpdateLatestDeliverySignals().
void Bbr::update_latest_signals(const RateSample& sample) {
  loss_round_start_ = false;
  bw_latest_ = std::max(bw_latest_, sample.rate);
  inflight_latest_ = std::max(inflight_latest_, sample.delivered);
  if (sample.any && sample.prior_delivered >= loss_round_delivered_) {
    loss_round_delivered_ = rate_.delivered();
    loss_round_start_ = true;
  }
}

void Bbr::advance_latest_signals(const RateSample& sample) {
  if (!loss_round_start_) return;
  bw_latest_ = sample.rate;
  inflight_latest_ = sample.delivered;
}

void Bbr::update_congestion_signals(const RateSample& sample) {
  update_max_bw(sample);
  if (!loss_round_start_) return;
  if (!probing_bw()) adapt_lower_bounds();
  loss_in_round_ = false;
}

// AdaptLowerBoundsFromCongestion(), for rounds that lost too much.
void Bbr::adapt_lower_bounds() {
  if (!loss_in_round_) return;
  const auto delivered = static_cast<double>(rate_.delivered() - loss_round_begin_);
  if (lost_in_round_ > part_that_may_be_lost(delivered + lost_in_round_, mss_)) lower_bounds();
}

// InitLowerBounds() and LossLowerBounds().
void Bbr::lower_bounds() {
  if (bw_shortterm_ == kUnbound) bw_shortterm_ = max_bw();
  if (inflight_shortterm_ == kNoBound) inflight_shortterm_ = cwnd_;
  bw_shortterm_ = std::max(bw_latest_, kBeta * bw_shortterm_);
  inflight_shortterm_ = std::max(inflight_latest_, part(kBeta, inflight_shortterm_));
}

void Bbr::reset_congestion_signals() {
  loss_in_round_ = false;
  bw_latest_ = 0;
  inflight_latest_ = 0;
}

void Bbr::reset_short_term_model() {
  bw_shortterm_ = kUnbound;
  inflight_shortterm_ = kNoBound;
}

// --- ProbeBW ---

bool Bbr::in_probe_bw() const {
  return state_ == State::kProbeDown || state_ == State::kProbeCruise ||
         state_ == State::kProbeRefill || state_ == State::kProbeUp;
}

bool Bbr::probing_bw() const {
  return state_ == State::kStartup || state_ == State::kProbeRefill || state_ == State::kProbeUp;
}

bool Bbr::cwnd_limited(const AckSample& ack) const {
  return ack.pipe_before + ack.mss > cwnd_;
}

// UpdateProbeBWCyclePhase().
void Bbr::update_probe_cycle(const AckSample& ack, const RateSample& sample) {
  if (!full_bw_reached_ || adapt_long_term_model(ack, sample)) return;
  switch (state_) {
    case State::kProbeDown:
      if (!probe_if_time(ack.now) && time_to_cruise(ack)) state_ = State::kProbeCruise;
      return;
    case State::kProbeCruise:
      (void)probe_if_time(ack.now);
      return;
    case State::kProbeRefill:
      if (!round_start_) return;
      bw_probe_sample_ = true;
      return start_probe_up(sample);
    case State::kProbeUp:
      if (!time_to_go_down(ack, sample)) return;
      prev_probe_too_high_ = false;
      return start_probe_down(ack.now);
    case State::kStartup:
    case State::kDrain:
    case State::kProbeRtt:
      return;
  }
}

// True when it has decided on the next state.
bool Bbr::adapt_long_term_model(const AckSample& ack, const RateSample& sample) {
  if (ack_phase_ == AckPhase::kProbeStarting && round_start_) {
    ack_phase_ = AckPhase::kProbeFeedback;
  }
  if (ack_phase_ == AckPhase::kProbeStopping && round_start_) {
    bw_probe_sample_ = false;
    ack_phase_ = AckPhase::kInit;
    if (in_probe_bw() && !sample.app_limited && max_bw_filter_[1] > 0) {
      max_bw_filter_[0] = std::exchange(max_bw_filter_[1], 0.0);  // AdvanceMaxBwFilter()
    }
    if (in_probe_bw() && prev_probe_precautionary_ && !prev_probe_too_high_) {
      start_probe_refill();
      return true;
    }
  }
  if (!sample.any || inflight_too_high(sample) || inflight_longterm_ == kNoBound) return false;
  inflight_longterm_ = std::max(inflight_longterm_, sample.in_flight);
  if (state_ == State::kProbeUp) probe_inflight_upward(ack);
  return false;
}

// ProbeInflightLongtermUpward(): by one segment in the first round, by twice as many in each next.
void Bbr::probe_inflight_upward(const AckSample& ack) {
  if (!cwnd_limited(ack) || cwnd_ < inflight_longterm_) return;
  bw_probe_up_acked_ += ack.delivered;
  const std::uint32_t segments = bw_probe_up_acked_ / probe_up_acked_per_inc_;
  bw_probe_up_acked_ -= segments * probe_up_acked_per_inc_;
  inflight_longterm_ += segments * mss_;
  if (round_start_) raise_inflight_slope();
}

void Bbr::raise_inflight_slope() {
  probe_up_acked_per_inc_ = std::max(cwnd_ >> bw_probe_up_rounds_, mss_);
  if (bw_probe_up_rounds_ < kMostUpRounds) ++bw_probe_up_rounds_;
}

// IsTimeToProbeBW(). The rounds are those in which Reno would have grown back, so that flows of
// its kind get their share ("Time Scale for Bandwidth Probing").
bool Bbr::probe_if_time(Instant now) {
  const std::uint32_t reno_rounds = std::min(target_inflight() / mss_, kMostRenoRounds);
  if (now <= cycle_stamp_ + bw_probe_wait_ && rounds_since_probe_up_ < reno_rounds) return false;
  start_probe_refill();
  return true;
}

bool Bbr::time_to_cruise(const AckSample& ack) const {
  return ack.pipe <= inflight_with_headroom() && ack.pipe <= with_budget(bdp(max_bw(), 1));
}

bool Bbr::time_to_go_down(const AckSample& ack, const RateSample& sample) {
  if (prev_probe_too_high_ && ack.pipe >= inflight_longterm_) {
    prev_probe_precautionary_ = true;
    return true;
  }
  if (cwnd_limited(ack) && cwnd_ >= inflight_longterm_) {
    reset_full_bw();
    full_bw_ = sample.rate;
    return false;
  }
  return full_bw_now_;
}

void Bbr::start_probe_down(Instant now) {
  reset_congestion_signals();
  probe_up_acked_per_inc_ = kNoBound;
  pick_probe_wait();
  cycle_stamp_ = now;
  ack_phase_ = AckPhase::kProbeStopping;
  start_round();
  state_ = State::kProbeDown;
}

void Bbr::start_probe_refill() {
  reset_short_term_model();
  bw_probe_up_rounds_ = 0;
  bw_probe_up_acked_ = 0;
  prev_probe_precautionary_ = false;
  ack_phase_ = AckPhase::kRefilling;
  start_round();
  state_ = State::kProbeRefill;
}

void Bbr::start_probe_up(const RateSample& sample) {
  ack_phase_ = AckPhase::kProbeStarting;
  start_round();
  reset_full_bw();
  full_bw_ = sample.rate;
  state_ = State::kProbeUp;
  raise_inflight_slope();
}

// PickProbeWait(): random, so that flows which share a path do not probe it all at once.
void Bbr::pick_probe_wait() {
  rounds_since_probe_up_ = random() & 1;
  bw_probe_wait_ = Duration::seconds(2) + Duration::milliseconds(random() % 1'000);
}

std::uint32_t Bbr::random() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  return random_;
}

// InflightWithHeadroom(): leaves room for others to grow into.
std::uint32_t Bbr::inflight_with_headroom() const {
  if (inflight_longterm_ == kNoBound) return kNoBound;
  const std::uint32_t headroom = std::max(mss_, part(kHeadroom, inflight_longterm_));
  return std::max(inflight_longterm_ - std::min(headroom, inflight_longterm_), least_cwnd());
}

std::uint32_t Bbr::target_inflight() const {
  return std::min(bdp(bw_, 1), cwnd_);
}

}  // namespace sluice::net::tcp
