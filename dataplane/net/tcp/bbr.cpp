#include "dataplane/net/tcp/bbr.hpp"

#include <algorithm>
#include <utility>

#include "base/timer_wheel.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;

namespace {

constexpr double kStartupPacingGain = 2.77;
constexpr double kDrainPacingGain = 0.5;
constexpr double kDownPacingGain = 0.9;
constexpr double kUpPacingGain = 1.25;
constexpr double kCwndGain = 2;
constexpr double kUpCwndGain = 2.25;
constexpr double kProbeRttCwndGain = 0.5;
constexpr double kPacingMargin = 0.99;

constexpr double kFullBwGrowth = 1.25;
constexpr std::uint8_t kFullBwRounds = 3;
constexpr std::uint32_t kMostDrainRounds = 3;
constexpr std::uint32_t kStartupFullLossEvents = 6;
// ExtraAckedFilterLen of ten rounds as two runs of five; one round each in Startup.
constexpr std::uint32_t kExtraAckedRounds = 5;

constexpr Duration kMinRttFilter = Duration::seconds(10);
constexpr Duration kProbeRttInterval = Duration::seconds(5);
constexpr Duration kProbeRttDuration = Duration::milliseconds(200);
constexpr std::int64_t kSameRtt = 32;  // this part of the minimum above it

constexpr std::uint32_t kMostQuantum = 64 * 1024;
constexpr double kMostWindow = 1 << 30;

double in_seconds(Duration time) {
  return static_cast<double>(time.nanoseconds()) / 1e9;
}

std::uint32_t bytes(double size) {
  return static_cast<std::uint32_t>(std::min(size, kMostWindow));
}

}  // namespace

// OnInit(). What is in flight already was sent without notes and gives no samples.
Bbr::Bbr(const Begin& begin)
    : cwnd_(begin.window),
      mss_(begin.mss),
      initial_cwnd_(initial_window(begin.mss)),
      min_rtt_(begin.rtt),
      min_rtt_stamp_(begin.now),
      extra_acked_begin_(begin.now),
      random_(begin.seed | 1),
      probe_rtt_min_delay_(begin.rtt),
      probe_rtt_min_stamp_(begin.now) {
  const Duration rtt = begin.rtt > Duration{} ? begin.rtt : Duration::milliseconds(1);
  pacing_rate_ = kStartupPacingGain * initial_cwnd_ / in_seconds(rtt);
  reset_short_term_model();
  enter_startup();
}

void Bbr::on_transmit(SendSegment& segment, Instant now, std::uint32_t pipe) {
  if (pipe == 0 && rate_.app_limited()) restart_from_idle(now);
  rate_.on_transmit(segment, now, pipe);
}

// UpdateOnACK().
void Bbr::on_ack(const AckSample& ack) {
  mss_ = ack.mss;
  sees_each_loss_ = ack.sees_each_loss;
  const RateSample sample = rate_.on_ack(ack);
  if (ack.lost > 0) note_loss(ack);
  if (ack.delivered == 0) return;

  update_latest_signals(sample);
  update_congestion_signals(sample);
  update_ack_aggregation(ack);
  check_full_bw_reached(sample);
  check_startup_done(ack, sample);
  check_drain_done(ack);
  update_probe_cycle(ack, sample);
  update_min_rtt(ack);
  check_probe_rtt(ack, sample);
  advance_latest_signals(sample);
  bw_ = std::min(max_bw(), bw_shortterm_);

  // "Modulating cwnd in Loss Recovery": the last known good window when all is repaired.
  if (repairing_ && !ack.fast_recovery && !ack.after_timeout) {
    cwnd_ = std::max(cwnd_, prior_cwnd_);
    repairing_ = false;
  }
  set_pacing_rate(pacing_gain());
  set_cwnd(ack);
}

// --- rounds and bandwidth ---

void Bbr::update_round(const RateSample& sample) {
  round_start_ = sample.any && sample.prior_delivered >= next_round_delivered_;
  if (!round_start_) return;
  start_round();
  ++round_count_;
  ++rounds_since_probe_up_;
}

// What the application limited tells only that the path is at least so good.
void Bbr::update_max_bw(const RateSample& sample) {
  update_round(sample);
  if (sample.rate <= 0 || (sample.rate < max_bw() && sample.app_limited)) return;
  max_bw_filter_[1] = std::max(max_bw_filter_[1], sample.rate);
}

double Bbr::max_bw() const {
  return std::max(max_bw_filter_[0], max_bw_filter_[1]);
}

// UpdateACKAggregation(): what came beyond the estimated rate while acknowledgments came at least
// that fast.
void Bbr::update_ack_aggregation(const AckSample& ack) {
  double expected = bw_ * in_seconds(ack.now - extra_acked_begin_);
  if (static_cast<double>(extra_acked_delivered_) <= expected) {
    extra_acked_delivered_ = 0;
    extra_acked_begin_ = ack.now;
    expected = 0;
  }
  extra_acked_delivered_ += ack.delivered;
  const double extra =
      std::min(static_cast<double>(extra_acked_delivered_) - expected, double{1} * cwnd_);
  const std::uint32_t rounds = full_bw_reached_ ? kExtraAckedRounds : 1;
  if (round_start_ && round_count_ - extra_acked_round_ >= rounds) {
    extra_acked_[0] = std::exchange(extra_acked_[1], 0);
    extra_acked_round_ = round_count_;
  }
  extra_acked_[1] = std::max(extra_acked_[1], bytes(std::max(extra, 0.0)));
}

// --- Startup and Drain ---

void Bbr::enter_startup() {
  state_ = State::kStartup;
}

void Bbr::reset_full_bw() {
  full_bw_ = 0;
  full_bw_count_ = 0;
  full_bw_now_ = false;
}

// "Exiting Acceleration Based on Bandwidth Plateau".
void Bbr::check_full_bw_reached(const RateSample& sample) {
  if (full_bw_now_ || !round_start_ || sample.app_limited || sample.rate <= 0) return;
  if (sample.rate >= full_bw_ * kFullBwGrowth) {
    reset_full_bw();
    full_bw_ = sample.rate;
    return;
  }
  ++full_bw_count_;
  full_bw_now_ = full_bw_count_ >= kFullBwRounds;
  if (full_bw_now_) full_bw_reached_ = true;
}

// "Exiting Startup Based on Packet Loss", over one round of losses.
void Bbr::check_startup_done(const AckSample& ack, const RateSample& sample) {
  if (state_ != State::kStartup) return;
  const bool lossy = loss_round_start_ && ack.fast_recovery && inflight_too_high(sample) &&
                     loss_events_in_round_ >= kStartupFullLossEvents;
  const bool blind = !ack.sees_each_loss && ack.fast_recovery && ack.lost > 0;
  if (lossy || blind) {
    undo_state_ = State::kStartup;
    full_bw_reached_ = true;
    inflight_longterm_ = std::max(bdp(bw_, 1), inflight_latest_);
  }
  if (full_bw_reached_) enter_drain();
}

void Bbr::enter_drain() {
  state_ = State::kDrain;
  drain_start_round_ = round_count_;
}

void Bbr::check_drain_done(const AckSample& ack) {
  if (state_ != State::kDrain) return;
  if (ack.pipe <= with_budget(bdp(bw_, 1)) ||
      round_count_ > drain_start_round_ + kMostDrainRounds) {
    start_probe_down(ack.now);
  }
}

// --- the round-trip time ---

void Bbr::update_min_rtt(const AckSample& ack) {
  probe_rtt_expired_ = ack.now > probe_rtt_min_stamp_ + kProbeRttInterval;
  if (ack.rtt > Duration{}) {
    const bool first = probe_rtt_min_delay_ == Duration{};
    if (first || probe_rtt_expired_ || ack.rtt < probe_rtt_min_delay_) {
      probe_rtt_min_delay_ = ack.rtt;
      probe_rtt_min_stamp_ = ack.now;
    } else if (ack.rtt <= probe_rtt_min_delay_ + probe_rtt_min_delay_ / kSameRtt) {
      probe_rtt_min_stamp_ = ack.now;
    }
  }
  if (probe_rtt_min_delay_ == Duration{}) return;
  const bool expired = ack.now > min_rtt_stamp_ + kMinRttFilter;
  if (min_rtt_ == Duration{} || probe_rtt_min_delay_ < min_rtt_ || expired) {
    min_rtt_ = probe_rtt_min_delay_;
    min_rtt_stamp_ = probe_rtt_min_stamp_;
  }
}

void Bbr::check_probe_rtt(const AckSample& ack, const RateSample& sample) {
  if (state_ != State::kProbeRtt && probe_rtt_expired_ && !idle_restart_) enter_probe_rtt();
  if (state_ == State::kProbeRtt) handle_probe_rtt(ack);
  if (sample.delivered > 0) idle_restart_ = false;
}

void Bbr::enter_probe_rtt() {
  save_cwnd();
  state_ = State::kProbeRtt;
  probe_rtt_done_stamp_ = Instant::never();
  ack_phase_ = AckPhase::kProbeStopping;
  start_round();
}

void Bbr::handle_probe_rtt(const AckSample& ack) {
  rate_.mark_app_limited(ack.pipe);  // what is measured now is not what the path can do
  if (probe_rtt_done_stamp_ == Instant::never()) {
    if (ack.pipe > probe_rtt_cwnd()) return;
    probe_rtt_done_stamp_ = ack.now + kProbeRttDuration;
    probe_rtt_round_done_ = false;
    start_round();
    return;
  }
  if (round_start_) probe_rtt_round_done_ = true;
  if (probe_rtt_round_done_) end_probe_rtt_if_done(ack.now);
}

void Bbr::end_probe_rtt_if_done(Instant now) {
  if (now <= probe_rtt_done_stamp_) return;
  probe_rtt_min_stamp_ = now;
  cwnd_ = std::max(cwnd_, prior_cwnd_);
  exit_probe_rtt(now);
}

void Bbr::exit_probe_rtt(Instant now) {
  reset_short_term_model();
  if (!full_bw_reached_) return enter_startup();
  start_probe_down(now);
  state_ = State::kProbeCruise;
}

// "Restarting From Idle".
void Bbr::restart_from_idle(Instant now) {
  idle_restart_ = true;
  extra_acked_begin_ = now;
  if (in_probe_bw()) {
    set_pacing_rate(1);
  } else if (state_ == State::kProbeRtt) {
    end_probe_rtt_if_done(now);
  }
}

// --- control ---

double Bbr::pacing_gain() const {
  switch (state_) {
    case State::kStartup:
      return kStartupPacingGain;
    case State::kDrain:
      return kDrainPacingGain;
    case State::kProbeDown:
      return kDownPacingGain;
    case State::kProbeUp:
      return kUpPacingGain;
    case State::kProbeCruise:
    case State::kProbeRefill:
    case State::kProbeRtt:
      break;
  }
  return 1;
}

double Bbr::cwnd_gain() const {
  if (state_ == State::kProbeUp) return kUpCwndGain;
  return state_ == State::kProbeRtt ? kProbeRttCwndGain : kCwndGain;
}

// Until the pipe has been full once the rate only grows: so far it may have been the application
// that kept it low. A segment a second always goes out, whatever was measured.
void Bbr::set_pacing_rate(double gain) {
  const double rate = std::max(gain * bw_ * kPacingMargin, double{1} * mss_);
  if (full_bw_reached_ || rate > pacing_rate_) pacing_rate_ = rate;
}

// A millisecond's worth. No less than what is due when a timer fires, which may be a tick late.
std::uint32_t Bbr::send_quantum() const {
  constexpr double kLeastTime = 2 * 1e-9 * base::TimerWheel::kTick.nanoseconds();
  const std::uint32_t quantum = std::clamp(bytes(pacing_rate_ / 1'000), 2 * mss_, kMostQuantum);
  return std::max(quantum, bytes(pacing_rate_ * kLeastTime));
}

// BDPMultiple().
std::uint32_t Bbr::bdp(double bw, double gain) const {
  if (min_rtt_ == Duration{}) return initial_cwnd_;
  return bytes(gain * bw * in_seconds(min_rtt_));
}

// QuantizationBudget(): one quantum on its way out of this host, one held by the receiver that
// delays its acknowledgment. Nothing else here holds on to any.
std::uint32_t Bbr::with_budget(std::uint32_t inflight) const {
  const std::uint32_t cap = std::max({inflight, 2 * send_quantum(), least_cwnd()});
  return state_ == State::kProbeUp ? cap + 2 * mss_ : cap;
}

std::uint32_t Bbr::probe_rtt_cwnd() const {
  return std::max(bdp(bw_, kProbeRttCwndGain), least_cwnd());
}

// SetCwnd(), BoundCwndForProbeRTT() and BoundCwndForModel().
void Bbr::set_cwnd(const AckSample& ack) {
  const std::uint32_t extra = std::max(extra_acked_[0], extra_acked_[1]);
  const std::uint32_t most = with_budget(bdp(bw_, cwnd_gain()) + extra);
  const std::uint32_t before = cwnd_;
  if (full_bw_reached_) {
    cwnd_ = std::min(cwnd_ + ack.delivered, most);
  } else if (cwnd_ < most || rate_.delivered() < initial_cwnd_) {
    cwnd_ += ack.delivered;
  }
  std::uint32_t cap = inflight_shortterm_;
  if (state_ == State::kProbeRtt || state_ == State::kProbeCruise) {
    cap = std::min(cap, inflight_with_headroom());
  } else if (in_probe_bw()) {
    cap = std::min(cap, inflight_longterm_);
  }
  if (state_ == State::kProbeRtt) cap = std::min(cap, probe_rtt_cwnd());
  cwnd_ = std::max(std::min({cwnd_, cap, bytes(kMostWindow)}), least_cwnd());
  if (ack.echoed) cwnd_ = std::min(cwnd_, before);
}

void Bbr::save_cwnd() {
  const bool good = !repairing_ && state_ != State::kProbeRtt;
  prior_cwnd_ = good ? cwnd_ : std::max(prior_cwnd_, cwnd_);
}

}  // namespace sluice::net::tcp
