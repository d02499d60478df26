#include "dataplane/net/tcp/timers.hpp"

#include <algorithm>

#include "dataplane/net/tcp/reaction.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;

namespace {

// Nothing has arrived, and time has passed.
AckArrival silence(const Core& core, const Connection& c) {
  return {.now = core.now,
          .ack = c.snd.una,
          .snd_nxt = c.snd.nxt,
          .sack = {},
          .sack_negotiated = c.sack,
          .duplicate = false,
          .mss = c.snd.mss,
          .srtt = c.rtt.smoothed(),
          .min_rtt = c.rtt.minimum()};
}

}  // namespace

bool Timers::take_if_due(Connection& c, Timer timer) const {
  Deadline& deadline = c.deadline(timer);
  if (!deadline.is_due(core_.now)) return false;
  deadline = {};
  return true;
}

void Timers::fire(Connection& c) {
  if (take_if_due(c, Timer::kEnd) && !end_of_state(c)) return;
  if (take_if_due(c, Timer::kRetransmit) && !retransmit(c)) return;
  const bool ack_due = take_if_due(c, Timer::kAck);
  const bool resume = take_if_due(c, Timer::kResume);
  if (ack_due) {
    c.ack_now = true;
    c.rcv.delayed_ack.on_delay_over();
  }
  if (resume) {
    look_for_losses(c);
    core_.forget_stale_model(c);
  }
  if (ack_due || resume) output_.run(c);
  core_.arm(c);
}

bool Timers::end_of_state(Connection& c) {
  if (c.attached && c.synchronized() && c.state != State::kTimeWait) return keep_alive(c);
  switch (c.state) {
    case State::kSynSent:
    case State::kSynReceived:
      core_.count(NetCounter::kTcpHandshakeTimeouts);
      core_.end(c, CloseReason::kTimedOut);
      return false;
    case State::kFinWait2:
      core_.count(NetCounter::kTcpFinWait2Timeouts);
      core_.end(c, CloseReason::kTimedOut);
      return false;
    case State::kTimeWait:
      // The session still holds it; there is nothing left to wait for but the session.
      core_.end(c, CloseReason::kNone);
      return false;
    default:
      // The session has closed, and the peer takes what is left too slowly.
      give_up(c);
      return false;
  }
}

// Whether the peer has been silent for too long (RFC 9293 3.8.3, the user timeout). A peer that
// keeps its window shut is there as long as it answers probes (MUST-37), and cannot be missed
// before it has had one; once the session has closed, it has to make progress.
bool Timers::is_hopeless(const Connection& c) const {
  const Duration limit = core_.settings.user_timeout;
  const Duration stalled = core_.now - c.progress;
  if (!c.attached || !Output::window_is_shut(c)) return stalled >= limit;
  if (!c.probing) return false;
  const Duration silent = Duration::milliseconds(milliseconds(core_.now) - c.heard_ms);
  return std::min(silent, stalled) >= limit;
}

void Timers::give_up(Connection& c) {
  core_.count(NetCounter::kTcpUserTimeouts);
  (void)emitter_.send_reset(c);
  core_.end(c, CloseReason::kTimedOut);
}

bool Timers::retransmit(Connection& c) {
  if (!c.synchronized()) {
    retransmit_syn(c);
    return true;
  }
  if (c.all_acknowledged()) return true;
  if (is_hopeless(c)) {
    give_up(c);
    return false;
  }
  if (c.tail_probe_armed) {
    output_.probe_tail(c);
  } else if (Output::window_is_shut(c)) {
    path_mtu_.on_timeout(c);
    output_.probe_window(c);
  } else {
    retransmission_timeout(c);
  }
  return true;
}

void Timers::retransmit_syn(Connection& c) {
  const bool resent_before = c.syn_resent;
  c.syn_resent = true;
  if (!emitter_.send_syn(c)) {
    c.syn_resent = resent_before;
    c.deadline(Timer::kRetransmit) = core_.now + kSynPacketRetry;
    return;
  }
  core_.count(NetCounter::kTcpRetransmits);
  c.rtt.back_off();
  c.deadline(Timer::kRetransmit) = core_.now + c.rtt.rto(core_.settings.rto_minimum);
}

// RFC 6298 5.4 to 5.6, RFC 5681 3.1.
void Timers::retransmission_timeout(Connection& c) {
  core_.count(NetCounter::kTcpTimeouts);
  c.rtt.back_off();
  path_mtu_.on_timeout(c);
  Outbox& outbox = *c.outbox;
  outbox.congestion.on_timeout({.now = core_.now,
                                .flight = c.snd.flight(),
                                .pipe = outbox.recovery.pipe(c.snd.mss),
                                .mss = c.snd.mss,
                                .again = outbox.recovery.phase() == Recovery::Phase::kTimeout});
  c.snd.ecn.on_reduction();
  c.outbox->recovery.on_timeout(c.outbox->queue, silence(core_, c));
  c.outbox->tail_probe.on_recovery();
  if (c.outbox->recovery.reneged()) core_.count(NetCounter::kTcpSackReneged);
  c.outbox->pace = core_.now;
  output_.run(c);
}

void Timers::look_for_losses(Connection& c) {
  if (!c.synchronized() || c.all_acknowledged()) return;
  const FlightBefore before(c);
  const AckOutcome outcome =
      c.outbox->recovery.on_reordering_timer(c.outbox->queue, silence(core_, c));
  count_work(core_, outcome);
  react(core_, c, outcome, before);
  c.deadline(Timer::kResume).bring_forward_to(outcome.look_again);
}

}  // namespace sluice::net::tcp
