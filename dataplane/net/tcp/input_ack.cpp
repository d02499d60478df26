// RFC 9293 3.10.7.4, fifth step: the acknowledgment and the peer's window.
#include <algorithm>

#include "dataplane/net/tcp/input.hpp"
#include "dataplane/net/tcp/reaction.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;
using wire::SeqNumber;

Input::Verdict Input::fifth_check_ack(const Arrival& arrival, Connection& c) {
  const SeqNumber ack = arrival.header.acknowledgement;
  if (c.state == State::kSynReceived) {
    if (ack != c.snd.nxt) {
      refuse(arrival, NetCounter::kTcpAckInvalid);
      return Verdict::kStop;
    }
    establish(arrival, c);
    keep_timestamp(arrival, c);
    (void)update_window(arrival, c);
    return Verdict::kGoOn;
  }
  // RFC 5961 5.2: MAX.SND.WND bounds how far back an acknowledgment may lie.
  if (ack > c.snd.nxt || ack < c.snd.una - c.snd.max_wnd) {
    core_.count(ack > c.snd.nxt ? NetCounter::kTcpAckInvalid : NetCounter::kTcpAckOld);
    challenge(c);
    return Verdict::kStop;
  }
  keep_timestamp(arrival, c);
  if (ack < c.snd.una) return Verdict::kGoOn;  // overtaken on the way; its text may be news
  const bool window_changed = update_window(arrival, c);
  acknowledge(arrival, c, window_changed);
  if (c.fin_queued && c.all_acknowledged()) return fin_acknowledged(c);
  return Verdict::kGoOn;
}

// True when the window is another one than before.
bool Input::update_window(const Arrival& arrival, Connection& c) {
  const wire::TcpHeader& header = arrival.header;
  const bool newer = c.snd.wl1 < header.sequence ||
                     (c.snd.wl1 == header.sequence && c.snd.wl2 <= header.acknowledgement);
  if (!newer) return false;
  const std::uint32_t window = std::uint32_t{header.window} << c.snd.scale;
  const bool changed = window != c.snd.wnd;
  const bool opened = window > c.snd.wnd;
  c.snd.wnd = window;
  c.snd.max_wnd = std::max(c.snd.max_wnd, window);
  c.snd.wl1 = header.sequence;
  c.snd.wl2 = header.acknowledgement;
  if (!opened) return changed;
  core_.schedule_output(c);
  if (c.probing || c.snd.flight() == 0) {
    // What was a probe is plain data again, and it was most likely refused: send it anew.
    if (c.probing && !c.all_acknowledged()) {
      c.outbox->recovery.give_up(*c.outbox->queue.front());
    }
    c.probing = false;
    c.rtt.reset_back_off();
    // Without a session only SND.UNA counts: a window that opens and shuts is no progress.
    if (c.attached) c.progress = core_.now;
    c.deadline(Timer::kRetransmit) = {};
  }
  return changed;
}

void Input::acknowledge(const Arrival& arrival, Connection& c, bool window_changed) {
  if (c.outbox == nullptr) return;
  Outbox& outbox = *c.outbox;
  const wire::TcpHeader& header = arrival.header;
  const FlightBefore before(c);
  // RFC 5681 2.
  const bool repeated =
      header.acknowledgement == c.snd.una && arrival.length() == 0 && !window_changed && !c.probing;
  const bool duplicate = repeated && before.flight > 0;
  if (duplicate) core_.count(NetCounter::kTcpDuplicateAcks);
  AckArrival ack{.now = core_.now,
                 .ack = header.acknowledgement,
                 .snd_nxt = c.snd.nxt,
                 .sack = {},
                 .sack_negotiated = c.sack,
                 .duplicate = duplicate,
                 .mss = c.snd.mss,
                 .srtt = c.rtt.smoothed(),
                 .min_rtt = c.rtt.minimum()};
  if (c.sack) ack.sack = header.options.sack.view();
  if (c.timestamps && header.options.timestamps && header.options.timestamps->echo != 0) {
    ack.echo_ms = header.options.timestamps->echo - c.ts.offset;
  }
  const bool echoed = c.snd.ecn.on() && header.flags.ece;
  const AckOutcome outcome = outbox.recovery.on_ack(outbox.queue, core_.segments, ack);
  core_.settle(outbox);
  count_work(core_, outcome);
  if ((outcome.rtt || outcome.only_resent) && measure(arrival, c, outcome.rtt)) {
    outbox.tail_probe.on_round_trip();
  }
  if (outcome.acked > 0) {
    c.snd.una = header.acknowledgement;
    c.progress = core_.now;
    if (c.path_search != 0) path_mtu_.on_acknowledged(c);
    // RFC 6298 5.2, 5.3: off, or started over by the next output.
    c.deadline(Timer::kRetransmit) = {};
    if (c.writable_wanted && core_.has_worthwhile_send_room(c)) {
      c.writable_wanted = false;
      core_.post(c, {.writable = true});
    }
  }
  const bool repaired =
      outbox.tail_probe.on_ack({.number = header.acknowledgement,
                                .bare_duplicate = repeated && header.options.sack.empty(),
                                .duplicate_end = outcome.duplicate_end});
  react(core_, c, outcome, before, {.probe_repaired = repaired, .echoed = echoed});
  // RFC 3168 6.1.2: a window of one segment comes down no further, but its next new one waits for
  // the time of a retransmission. CWR, which ends the echo, goes with that: it must not wait behind
  // what was lost, which is not new, nor for as long as the peer sends, with the echo on
  // everything.
  if (echoed && outcome.acked > 0 && outbox.congestion.cwnd() <= c.snd.mss &&
      outbox.recovery.next_lost() == nullptr) {
    outbox.pace = core_.now + c.rtt.rto(core_.settings.rto_minimum);
  }
  c.deadline(Timer::kResume).bring_forward_to(outcome.look_again);
  if (outbox.queue.empty()) return core_.put_outbox_away(c);
  if (outcome.news || duplicate) core_.schedule_output(c);
}

// RFC 6298 3: by a segment that was sent once, else by the timestamp that the peer echoes, which
// tells transmissions apart (RFC 7323 4.1). False when there is neither.
bool Input::measure(const Arrival& arrival, Connection& c, std::optional<Duration> sample) {
  if (sample) {
    c.rtt.add(*sample);
    c.rtt.reset_back_off();
    return true;
  }
  const auto& timestamps = arrival.header.options.timestamps;
  if (!c.timestamps || !timestamps || timestamps->echo == 0) return false;
  const std::uint32_t clock = milliseconds(core_.now) + c.ts.offset;
  const std::uint32_t elapsed_ms = clock - timestamps->echo;
  if (elapsed_ms > RttEstimator::kMaxRto.milliseconds()) return false;  // not an echo of ours
  c.rtt.add_coarse(Duration::milliseconds(elapsed_ms));
  c.rtt.reset_back_off();
  return true;
}

// FIN-WAIT-1, CLOSING, LAST-ACK: the peer has everything.
Input::Verdict Input::fin_acknowledged(Connection& c) {
  switch (c.state) {
    case State::kFinWait1:
      core_.set_state(c, State::kFinWait2);
      if (!c.attached) c.deadline(Timer::kEnd) = core_.now + core_.settings.fin_wait_2;
      return Verdict::kGoOn;
    case State::kClosing:
      core_.enter_time_wait(c);
      return Verdict::kStop;
    case State::kLastAck:
      core_.end(c, CloseReason::kNone);
      return Verdict::kStop;
    default:
      return Verdict::kGoOn;
  }
}

}  // namespace sluice::net::tcp
