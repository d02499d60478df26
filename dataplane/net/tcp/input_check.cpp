// RFC 9293 3.10.7.4, first and second step: is the segment within the window, is it a reset; and
// the answers to what is not, which RFC 5961 limits.
#include "dataplane/net/tcp/input.hpp"

namespace sluice::net::tcp {

using wire::SeqNumber;

namespace {

// One answer per connection and this time to segments that may be forged (RFC 5961 7).
constexpr std::uint32_t kChallengeIntervalMs = 50;

// RFC 7323 5.5: a peer that was silent for longer may have wrapped its clock.
constexpr std::uint32_t kTimestampLifetimeMs = 24U * 24 * 3600 * 1000;

// RFC 9293 3.10.7.4, table 6. Two cases are wider. A segment without text may lie on the right
// edge: a peer that has filled the window acknowledges from there. And with a window of zero the
// segment that is next passes, to be trimmed, so that its acknowledgment is heard.
bool acceptable(const Connection& c, SeqNumber seq, std::uint32_t length) {
  const SeqNumber edge = c.rcv.edge;
  if (length == 0) return seq >= c.rcv.nxt && seq <= edge;
  if (c.rcv.window() == 0) return seq == c.rcv.nxt;
  const SeqNumber last = seq + (length - 1);
  return (seq >= c.rcv.nxt && seq < edge) || (last >= c.rcv.nxt && last < edge);
}

// RFC 7323 5.3, R1, and 5.5: older than TS.Recent, unless that is itself too old to compare with.
bool is_older(const Connection& c, std::uint32_t value, std::uint32_t now_ms) {
  return SeqNumber(value) < SeqNumber(c.ts.recent) &&
         now_ms - c.ts.recent_at < kTimestampLifetimeMs;
}

// A bare acknowledgment that another one has overtaken: it acknowledges nothing new, but what it
// says of SACK may be news. Only reordering makes it look old.
bool overtaken_ack(const Connection& c, const wire::TcpHeader& header, std::uint32_t length) {
  return length == 0 && header.flags.ack && header.sequence == c.rcv.nxt &&
         header.acknowledgement <= c.snd.una;
}

// An old segment whose acknowledgment is news. RFC 9293 3.10.7.4 would drop it whole; but where a
// window comes late and both sides take the other's for shut, each keeps its numbers within it, the
// other has passed them, and neither is ever heard again. As near as the windows were wide: what a
// blind sender could hit grows by no more (RFC 5961 5).
bool acknowledges_late(const Connection& c, const wire::TcpHeader& header) {
  const std::uint32_t widest = std::uint32_t{0xffff} << c.rcv.scale;
  return c.synchronized() && header.flags.ack && header.acknowledgement > c.snd.una &&
         header.acknowledgement <= c.snd.nxt && header.sequence < c.rcv.nxt &&
         header.sequence >= c.rcv.nxt - widest;
}

// What a reset means to the session. Where the peer has closed and only our FIN is not acknowledged
// (CLOSING, LAST-ACK), it means that the peer is done with the connection, and that is all.
CloseReason reason_of_reset(const Connection& c) {
  if (c.state == State::kSynReceived) return CloseReason::kRefused;
  const bool closing = c.state == State::kClosing || c.state == State::kLastAck;
  const bool all_taken = c.outbox == nullptr || c.outbox->queue.bytes() == 0;
  return closing && all_taken ? CloseReason::kNone : CloseReason::kReset;
}

}  // namespace

// RFC 7323 5.3, R1.
bool Input::timestamps_permit(const Arrival& arrival, Connection& c) {
  const auto& timestamps = arrival.header.options.timestamps;
  if (!c.timestamps || arrival.header.flags.rst) return true;
  if (!timestamps) {
    core_.count(NetCounter::kTcpTimestampMissing);  // RFC 7323 3.2
    return false;
  }
  if (!is_older(c, timestamps->value, milliseconds(core_.now))) return true;
  if (overtaken_ack(c, arrival.header, arrival.length())) return true;
  core_.count(NetCounter::kTcpPawsRejected);
  if (arrival.text_size > 0) {
    c.ack_now = true;
    core_.schedule_output(c);
  } else {
    challenge(c);
  }
  return false;
}

// RFC 7323 5.3, R3, which comes after R2, the checks of sequence and acknowledgment: a segment that
// only guesses them must not move TS.Recent, or R1 would reject all that the peer sends.
void Input::keep_timestamp(const Arrival& arrival, Connection& c) {
  const auto& timestamps = arrival.header.options.timestamps;
  if (!c.timestamps || !timestamps || arrival.header.sequence > c.rcv.last_ack) return;
  const std::uint32_t now_ms = milliseconds(core_.now);
  if (is_older(c, timestamps->value, now_ms)) return;
  c.ts.recent = timestamps->value;
  c.ts.recent_at = now_ms;
}

Input::Verdict Input::first_check_sequence(Arrival& arrival, Connection& c) {
  if (!timestamps_permit(arrival, c)) return Verdict::kStop;
  if (acceptable(c, arrival.header.sequence, arrival.length())) {
    const std::uint32_t now_ms = milliseconds(core_.now);
    if (now_ms - c.heard_ms > DelayedAck::kIdleMs) c.rcv.delayed_ack.on_idle();
    c.heard_ms = now_ms;
    return Verdict::kGoOn;
  }
  if (arrival.header.flags.rst) {
    core_.count(NetCounter::kTcpResetIgnored);
    return Verdict::kStop;
  }
  if (acknowledges_late(c, arrival.header) && fifth_check_ack(arrival, c) == Verdict::kStop) {
    return Verdict::kStop;
  }
  // RFC 9293 3.10.7.4: an acknowledgment in reply, which a peer whose data we have already needs
  // at once. One without text may answer ours: those are limited, or two peers could go on forever.
  if (arrival.length() > 0) {
    const bool old = arrival.header.sequence < c.rcv.nxt;
    core_.count(old ? NetCounter::kTcpDuplicateData : NetCounter::kTcpUnacceptable);
    c.ack_now = true;
    if (old && arrival.text_size > 0) {
      const SeqNumber end = arrival.seq + arrival.text_size;
      arrival.duplicate = {.left = arrival.seq, .right = end < c.rcv.nxt ? end : c.rcv.nxt};
      report_duplicate(arrival, c);
    }
    core_.schedule_output(c);
  } else {
    core_.count(NetCounter::kTcpUnacceptable);
    challenge(c);
  }
  return Verdict::kStop;
}

Input::Verdict Input::second_check_reset(const Arrival& arrival, Connection& c) {
  if (!arrival.header.flags.rst) return Verdict::kGoOn;
  // RFC 5961 3.2: only the exact sequence number resets.
  if (arrival.header.sequence != c.rcv.nxt) {
    core_.count(NetCounter::kTcpResetIgnored);
    challenge(c);
    return Verdict::kStop;
  }
  core_.count(NetCounter::kTcpResetsIn);
  core_.end(c, reason_of_reset(c));
  return Verdict::kStop;
}

// RFC 5961 7. Notes the time of the answer if it is permitted.
bool Input::answer_permitted(std::uint32_t& last_ms) {
  const std::uint32_t now_ms = milliseconds(core_.now);
  if (now_ms - last_ms < kChallengeIntervalMs) {
    core_.count(NetCounter::kTcpChallengeAcksSuppressed);
    return false;
  }
  last_ms = now_ms;
  return true;
}

void Input::challenge(Connection& c) {
  if (!answer_permitted(c.challenge_ms)) return;
  core_.count(NetCounter::kTcpChallengeAcks);
  if (c.state != State::kSynReceived) {
    (void)emitter_.send_ack(c);
  } else if (emitter_.send_syn(c)) {
    core_.count(NetCounter::kTcpRetransmits);
    c.syn_resent = true;  // RFC 6298 3: what is acknowledged may be either
  }
}

}  // namespace sluice::net::tcp
