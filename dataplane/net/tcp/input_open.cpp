// Handshakes: RFC 9293 3.10.7.2 (a SYN in LISTEN), 3.10.7.3 (SYN-SENT) and the step into
// ESTABLISHED.
#include <algorithm>

#include "dataplane/net/tcp/input.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;
using wire::SeqNumber;

namespace {

// A half-open connection is given up after this time: five SYN-ACKs.
constexpr Duration kHandshakeTime = Duration::seconds(30);

// RFC 9293 3.7.1 (MUST-15): what a peer takes that does not say. And the least that is believed:
// a peer must not make us send a header for every few bytes.
constexpr std::uint16_t kDefaultMssIpv4 = 536;
constexpr std::uint16_t kDefaultMssIpv6 = 1220;
constexpr std::uint16_t kLeastMss = 88;

constexpr std::uint32_t kTimestampOptionSize = 12;

}  // namespace

// What both kinds of open learn from the peer's SYN.
void Input::take_syn(const wire::TcpHeader& syn, Connection& c) {
  const wire::TcpOptions& options = syn.options;
  const base::IpAddress& remote = c.flow.remote.address;
  const std::uint32_t offered = c.rcv.window();  // by our own SYN, if it went out before
  c.rcv.nxt = syn.sequence + 1;
  c.rcv.edge = c.rcv.nxt + offered;
  c.rcv.last_ack = c.rcv.nxt;
  c.timestamps = options.timestamps.has_value();
  if (c.timestamps) {
    c.ts.recent = options.timestamps->value;
    c.ts.recent_at = milliseconds(core_.now);
  }
  c.snd.ecn = Ecn(ecn_agreed(syn, c));
  c.sack = options.sack_permitted;
  c.scaling = options.window_scale.has_value();
  c.snd.scale = options.window_scale.value_or(0);
  c.rcv.scale = c.scaling ? emitter_.window().scale() : std::uint8_t{0};
  const std::uint16_t unsaid = remote.is_ipv4() ? kDefaultMssIpv4 : kDefaultMssIpv6;
  if (options.mss && *options.mss < kLeastMss) core_.count(NetCounter::kTcpMssRaised);
  const std::uint16_t peer = std::max(options.mss.value_or(unsaid), kLeastMss);
  // RFC 6691: the MSS option does not count options; what we send has to.
  const std::uint32_t options_size = c.timestamps ? kTimestampOptionSize : 0;
  const std::uint32_t mss = std::min(peer, emitter_.local_mss(remote)) - options_size;
  c.snd.mss = static_cast<std::uint16_t>(std::min(mss, core_.payload_room));
  path_mtu_.begin(c);
  // RFC 7323 2.2: a SYN's window is never scaled.
  c.snd.wnd = c.snd.max_wnd = syn.window;
  c.snd.wl1 = syn.sequence;
  c.snd.wl2 = syn.acknowledgement;
}

// RFC 3168 6.1.1. A SYN of ours that had to be sent again did not ask: perhaps it was lost for
// that.
bool Input::ecn_agreed(const wire::TcpHeader& syn, const Connection& c) const {
  const EcnUse use = core_.settings.ecn;
  if (c.passive) return use != EcnUse::kOff && asks_for_ecn(syn.flags);
  const bool asked = use == EcnUse::kAsk && !c.syn_resent;
  return asked && (syn.flags.ack ? grants_ecn(syn.flags) : asks_for_ecn(syn.flags));
}

bool Input::accept(Arrival& arrival, ListenerId listener, std::optional<SeqNumber> above) {
  if (core_.half_open() >= core_.settings.max_half_open) {
    core_.count(NetCounter::kTcpHalfOpenFull);
    return false;
  }
  Connection* created = core_.create(arrival.flow, arrival.hash);
  if (created == nullptr) return false;
  Connection& c = *created;
  c.passive = true;
  c.listener = listener;
  take_syn(arrival.header, c);
  // RFC 6191 2 and RFC 1122 4.2.2.13: beyond all that the flow's previous connection has sent.
  SeqNumber iss = core_.hash.initial_sequence(c.flow, core_.now);
  if (above && iss <= *above) iss = *above + 0x10001;
  c.snd.una = iss;
  c.snd.nxt = iss + 1;
  core_.set_state(c, State::kSynReceived);
  c.progress = core_.now;
  c.deadline(Timer::kEnd) = core_.now + kHandshakeTime;
  const bool sent = emitter_.send_syn(c, std::move(arrival.spare));
  c.deadline(Timer::kRetransmit) =
      core_.now + (sent ? c.rtt.rto(core_.settings.rto_minimum) : kSynPacketRetry);
  core_.arm(c);
  return true;
}

void Input::on_syn_sent(const Arrival& arrival, Connection& c) {
  const wire::TcpHeader& header = arrival.header;
  // First: ISS < SEG.ACK <= SND.NXT, and nothing but the SYN has been sent.
  if (header.flags.ack && header.acknowledgement != c.snd.nxt) {
    if (header.flags.rst) return core_.count(NetCounter::kTcpResetIgnored);
    return refuse(arrival, NetCounter::kTcpAckInvalid);
  }
  // Second.
  if (header.flags.rst) {
    core_.count(NetCounter::kTcpResetsIn);
    return core_.end(c, CloseReason::kRefused);
  }
  // Fourth, and fifth: neither SYN nor RST.
  if (!header.flags.syn) return core_.count(NetCounter::kTcpNotSynchronized);
  take_syn(header, c);
  if (header.flags.ack) {
    establish(arrival, c);
    c.ack_now = true;
    return core_.schedule_output(c);
  }
  // RFC 9293 3.5: a simultaneous open.
  core_.set_state(c, State::kSynReceived);
  const bool sent = emitter_.send_syn(c);
  c.deadline(Timer::kRetransmit) =
      core_.now + (sent ? c.rtt.rto(core_.settings.rto_minimum) : kSynPacketRetry);
  core_.arm(c);
}

// Our SYN has been acknowledged and the peer's is known.
void Input::establish(const Arrival& arrival, Connection& c) {
  core_.set_state(c, State::kEstablished);
  c.snd.una = arrival.header.acknowledgement;
  const auto& timestamps = arrival.header.options.timestamps;
  if (c.by_cookie) {
    // When our SYN-ACK went out nobody knows: the first text is measured (RFC 6298 2.1).
  } else if (!c.syn_resent) {
    c.rtt.add(core_.now - c.progress);
  } else if (c.timestamps && timestamps) {
    (void)measure(arrival, c, std::nullopt);
  } else {
    c.rtt.handshake_was_lossy();
  }
  c.rtt.reset_back_off();
  // RFC 5681 3.1: one segment if a SYN was lost, as that may have been congestion.
  c.cwnd = c.syn_resent ? c.snd.mss : initial_window(c.snd.mss);
  if (c.outbox != nullptr) c.outbox->congestion.start(c.cwnd);
  if (c.passive) c.attached = true;
  c.deadline(Timer::kRetransmit) = {};
  c.deadline(Timer::kEnd) = core_.end_when_established(c);
  c.progress = core_.now;
  c.heard_ms = milliseconds(core_.now);
  c.receive_tuning.start(c.rcv.nxt, c.heard_ms);
  core_.count(c.passive ? NetCounter::kTcpPassiveOpens : NetCounter::kTcpActiveOpens);
  if (c.snd.ecn.on()) core_.count(NetCounter::kTcpEcnConnections);
  if (c.fin_queued) core_.set_state(c, State::kFinWait1);
  core_.post(c, {.opened = true});
  if (!c.all_acknowledged()) core_.schedule_output(c);
}

}  // namespace sluice::net::tcp
