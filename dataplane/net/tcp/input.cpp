#include "dataplane/net/tcp/input.hpp"

#include "dataplane/net/tcp/segment_table.hpp"

namespace sluice::net::tcp {

using base::IpAddress;
using base::PacketPtr;
using wire::SeqNumber;

namespace {

struct Ports {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

// None of a segment that is too short to have any, which its parser refuses.
Ports ports_of(base::Bytes segment) {
  if (segment.size() < wire::TcpHeader::kMinSize) return {};
  return {.source = base::load_be<std::uint16_t>(segment.data()),
          .destination = base::load_be<std::uint16_t>(segment.data() + 2)};
}

// Nobody's honest segment: a SYN that also ends or resets, and ports that are reserved (RFC 6335
// 6).
bool is_nonsense(const wire::TcpHeader& header) {
  const wire::TcpFlags& flags = header.flags;
  if (flags.syn && (flags.fin || flags.rst)) return true;
  return header.source_port == 0 || header.destination_port == 0;
}

// RFC 6191 2: whether a SYN is of a new connection and not one of the old that comes late. Where
// both connections have timestamps these tell, and where only the new one has, that it has them:
// nothing old can be taken for its own. Numbers do where timestamps cannot.
bool begins_anew(const wire::TcpHeader& syn, const TimeWaitEntry& old) {
  const auto& timestamps = syn.options.timestamps;
  if (timestamps && !old.timestamps) return true;
  if (old.timestamps && timestamps && timestamps->value != old.ts_recent) {
    return SeqNumber(timestamps->value) > SeqNumber(old.ts_recent);
  }
  return syn.sequence > old.rcv_nxt;
}

}  // namespace

void Input::receive(const IpAddress& source, const IpAddress& destination, PacketPtr segment) {
  const auto [source_port, destination_port] = ports_of(segment->bytes());
  const base::FourTuple flow{.local = {.address = destination, .port = destination_port},
                             .remote = {.address = source, .port = source_port}};
  receive(flow, core_.hash.bucket(flow), std::move(segment));
}

void Input::receive(const base::FourTuple& flow, std::uint32_t hash, PacketPtr segment) {
  core_.count(NetCounter::kTcpSegmentsIn);
  const auto parsed = wire::parse_tcp(segment->bytes());
  if (!parsed || is_nonsense(parsed->header)) return core_.count(NetCounter::kTcpMalformed);
  // RFC 9293 3.2 (MUST-7): what stands in front of the illegal length counts.
  if (parsed->malformed_options) core_.count(NetCounter::kTcpOptionsMalformed);
  Arrival arrival;
  arrival.header = parsed->header;
  arrival.flow = flow;
  arrival.hash = hash;
  arrival.seq = parsed->header.sequence;
  arrival.fin = parsed->header.flags.fin;
  arrival.ecn = wire::ecn_of(segment->traffic_class);
  segment->trim_front(parsed->size);
  arrival.text_size = static_cast<std::uint32_t>(segment->size());
  (arrival.text_size > 0 ? arrival.text : arrival.spare) = std::move(segment);
  dispatch(arrival);
}

void Input::dispatch(Arrival& arrival) {
  if (Connection* c = core_.find(arrival.flow, arrival.hash)) return on_connection(arrival, *c);
  if (TimeWaitEntry* entry = core_.time_wait.find(arrival.flow, arrival.hash)) {
    return on_time_wait_entry(arrival, *entry);
  }
  // From ourselves, it says: an answer would be one to us, and so on (LAND).
  if (arrival.flow.local == arrival.flow.remote) return core_.count(NetCounter::kTcpMalformed);
  const auto listener = core_.listeners.find(arrival.flow.local);
  const Treatment treat =
      treatment(listener ? Place::kListen : Place::kNoConnection, kind_of(arrival.header.flags));
  switch (treat.action) {
    case Action::kAccept:
      if (Core::packets_short(core_.packets)) return core_.count(NetCounter::kTcpSynShed);
      // RFC 9293 3.10.7.2: text on a SYN may wait. It is not kept but comes again, from a peer
      // whose address has been seen to be its own.
      if (arrival.text) core_.count(NetCounter::kTcpTextOnSyn);
      if (under_pressure()) return answer_with_cookie(arrival);
      (void)accept(arrival, *listener, std::nullopt);
      return;
    case Action::kCookie:
      return on_cookie(arrival, *listener);
    case Action::kRefuse:
      return refuse(arrival, treat.counter);
    default:
      return core_.count(treat.counter);
  }
}

void Input::refuse(const Arrival& arrival, NetCounter why) {
  core_.count(why);
  if (!resets_.permits(core_.now)) return core_.count(NetCounter::kTcpResetsSuppressed);
  (void)emitter_.refuse(arrival.flow, arrival.header, arrival.length());
}

void Input::on_connection(Arrival& arrival, Connection& c) {
  const Treatment treat = treatment(place_of(c.state), kind_of(arrival.header.flags));
  switch (treat.action) {
    case Action::kSynSent:
      return on_syn_sent(arrival, c);
    case Action::kProcess:
      return process(arrival, c);
    case Action::kSecondSyn:
      return on_second_syn(arrival, c);
    case Action::kTimeWait:
      core_.count(NetCounter::kTcpTimeWaitSegment);
      return challenge(c);
    case Action::kRefuse:
      return refuse(arrival, treat.counter);
    case Action::kAccept:
    case Action::kCookie:
    case Action::kDrop:
      return core_.count(treat.counter);
  }
}

// RFC 9293 3.10.7.4. There is no third step: IP security options (A.1) are not supported. The
// fourth is on_second_syn(). The sixth is empty: urgent data is ordinary text here, as RFC 6093
// advises.
void Input::process(Arrival& arrival, Connection& c) {
  if (first_check_sequence(arrival, c) == Verdict::kStop) return;
  if (second_check_reset(arrival, c) == Verdict::kStop) return;
  if (fifth_check_ack(arrival, c) == Verdict::kStop) return;
  if (seventh_process_text(arrival, c) == Verdict::kStop) return;
  if (eighth_check_fin(arrival, c) == Verdict::kStop) return;
  if (arrival.duplicate) report_duplicate(arrival, c);
  if (c.ack_now) core_.schedule_output(c);
  core_.arm(c);
}

// The fourth step, by RFC 5961 4.2: whatever its numbers, a SYN on a synchronised connection gets a
// challenge acknowledgment and nothing else.
void Input::on_second_syn(const Arrival& arrival, Connection& c) {
  const bool first_again = arrival.header.sequence + 1 == c.rcv.nxt;
  if (c.state != State::kSynReceived || !first_again) {
    core_.count(NetCounter::kTcpSynOnOpenConnection);
    return challenge(c);
  }
  // RFC 3168 6.1.1: one SYN without it means that there is none.
  if (!arrival.header.flags.ack && !asks_for_ecn(arrival.header.flags)) c.snd.ecn = {};
  // RFC 9293 3.5, figure 8: in a simultaneous open each side's SYN-ACK repeats its SYN.
  if (arrival.header.flags.ack) {
    if (arrival.header.acknowledgement != c.snd.nxt) {
      return refuse(arrival, NetCounter::kTcpAckInvalid);
    }
    establish(arrival, c);
    c.ack_now = true;
    return core_.schedule_output(c);
  }
  // The peer has not heard our SYN-ACK: once more, but not for every copy.
  core_.count(NetCounter::kTcpSynOnOpenConnection);
  challenge(c);
}

// RFC 9293 3.10.7.4 and RFC 6191 2.
void Input::on_time_wait_entry(Arrival& arrival, TimeWaitEntry& entry) {
  core_.count(NetCounter::kTcpTimeWaitSegment);
  const FlagKind kind = kind_of(arrival.header.flags);
  const Treatment treat = treatment(Place::kTimeWait, kind);
  if (treat.action != Action::kTimeWait) return core_.count(treat.counter);
  const auto listener = core_.listeners.find(arrival.flow.local);
  if (kind == FlagKind::kSyn && listener && begins_anew(arrival.header, entry)) {
    // Without room for the new connection the old one stays, which its peer may not be done with.
    if (!accept(arrival, *listener, entry.snd_nxt)) return;
    core_.time_wait.erase(entry);
    return core_.count(NetCounter::kTcpTimeWaitReused);
  }
  // The peer's FIN again means that our acknowledgment was lost: 2 MSL start over. A bare
  // acknowledgment of what is expected needs no answer, so that two sides in TIME-WAIT fall silent.
  const bool fin_again =
      arrival.header.flags.fin && arrival.header.sequence + arrival.length() == entry.rcv_nxt;
  if (fin_again) core_.time_wait.restart(entry, core_.now);
  const bool expected = arrival.length() == 0 && arrival.header.sequence == entry.rcv_nxt;
  if (!expected && answer_permitted(entry.answered_ms)) (void)emitter_.send_time_wait_ack(entry);
}

// RFC 1122 4.2.3.9 and RFC 5927 4: an error ends an attempt to connect; an open connection bears
// it, as it may be forged and may pass.
void Input::unreachable(const base::FourTuple& flow, SeqNumber sequence) {
  Connection* c = core_.find(flow, core_.hash.bucket(flow));
  if (c == nullptr || c->state != State::kSynSent || sequence != c->snd.una) {
    return core_.count(NetCounter::kTcpUnreachableIgnored);
  }
  core_.count(NetCounter::kTcpUnreachable);
  core_.end(*c, CloseReason::kUnreachable);
}

}  // namespace sluice::net::tcp
