// RFC 9293 3.10.7.4, seventh and eighth step: the segment's text and its FIN.
#include <algorithm>
#include <utility>

#include "dataplane/net/tcp/input.hpp"
#include "dataplane/net/tcp/reclaim.hpp"

namespace sluice::net::tcp {

using base::PacketPtr;
using wire::SeqNumber;

namespace {

// How long a session that goes on may take to read.
constexpr std::uint32_t kPatienceMs = 1'000;

bool takes_text(State state) {
  return state == State::kEstablished || state == State::kFinWait1 || state == State::kFinWait2;
}

}  // namespace

Input::Verdict Input::seventh_process_text(Arrival& arrival, Connection& c) {
  if (!arrival.text) return Verdict::kGoOn;
  if (!takes_text(c.state)) {
    core_.count(NetCounter::kTcpDataAfterFin);
    return Verdict::kGoOn;
  }
  trim_to_window(arrival, c);
  if (!arrival.text) return Verdict::kGoOn;
  // RFC 9293 3.6.1: nobody is left to read it, and the peer should know.
  if (!c.attached) {
    core_.count(NetCounter::kTcpDataAfterClose);
    (void)emitter_.send_reset(c);
    core_.end(c, CloseReason::kReset);
    return Verdict::kStop;
  }
  // Where packets are scarce none is spent on a session that does not read: its peer sends again.
  const base::PacketPool& pool = arrival.text->pool();
  if (c.input_empty() ? Core::packets_scarce(pool) : Core::packets_low(pool)) {
    core_.count(NetCounter::kTcpPacketsLow);
    arrival.fin = false;
    return Verdict::kGoOn;
  }
  if (!memory_permits(arrival, c)) {
    core_.count(NetCounter::kTcpReceiveMemory);
    arrival.fin = false;
    return Verdict::kGoOn;
  }
  // The session may edit what it gets: a packet that somebody else holds too is copied.
  if (!arrival.text->exclusive()) {
    PacketPtr own(core_.packets.allocate());
    if (!own || own->tailroom() < arrival.text->size()) {
      core_.count(NetCounter::kTcpNoPacket);
      arrival.fin = false;
      return Verdict::kGoOn;
    }
    base::copy(own->append(arrival.text->size()), arrival.text->bytes());
    arrival.text = std::move(own);
  }
  take_congestion_marks(arrival, c);
  if (arrival.seq == c.rcv.nxt) {
    take_in_order(arrival, c);
  } else {
    take_out_of_order(arrival, c);
  }
  return Verdict::kGoOn;
}

// RFC 3168 6.1.3, 6.1.5: of new text inside the window; marks on anything else may be forged.
void Input::take_congestion_marks(const Arrival& arrival, Connection& c) {
  if (!c.snd.ecn.on()) return;
  if (arrival.ecn == wire::EcnCodepoint::kCe) core_.count(NetCounter::kTcpCongestionMarks);
  if (c.snd.ecn.on_text(arrival.ecn, arrival.header.flags.cwr)) c.ack_now = true;
}

// Leaves only text that is new, inside the window and in front of a FIN that is known.
void Input::trim_to_window(Arrival& arrival, Connection& c) {
  base::Packet& text = *arrival.text;
  if (arrival.seq < c.rcv.nxt) {
    const auto old = static_cast<std::uint32_t>(c.rcv.nxt - arrival.seq);
    c.ack_now = true;  // the peer has not heard our last one
    const auto size = static_cast<std::uint32_t>(text.size());
    arrival.duplicate = {.left = arrival.seq, .right = arrival.seq + std::min(old, size)};
    if (old >= text.size()) {
      core_.count(NetCounter::kTcpDuplicateData);
      return arrival.text.reset();
    }
    text.trim_front(old);
    arrival.seq += old;
  }
  const SeqNumber end = arrival.seq + static_cast<std::uint32_t>(text.size());
  SeqNumber last = c.rcv.edge;
  if (c.fin_known && c.rcv.fin < last) last = c.rcv.fin;
  if (end <= last) return;
  core_.count(c.fin_known && end > c.rcv.fin ? NetCounter::kTcpDataAfterFin
                                             : NetCounter::kTcpUnacceptable);
  c.ack_now = true;
  arrival.fin = false;
  const auto beyond = static_cast<std::size_t>(end - last);
  if (beyond >= text.size()) return arrival.text.reset();
  text.trim_back(beyond);
}

// The last of it is for text in order where less than a record is held, which has not waited for
// long: only with more of it the session can go on, and set memory free. What nobody can read yet
// makes room for it.
bool Input::memory_permits(const Arrival& arrival, const Connection& c) {
  const std::size_t size = arrival.text->true_size();
  const MemoryBudget& memory = core_.receive_memory;
  if (!memory.is_short(size)) return true;
  if (arrival.seq != c.rcv.nxt) return false;
  if (!c.input_empty()) {
    const bool much = c.inbox->text.true_size() + size > ReceiveWindow::kLeastBuffer;
    if (much || milliseconds(core_.now) - c.inbox->unread_ms > kPatienceMs) return false;
  }
  drop_out_of_order(core_);
  if (!memory.is_exhausted(size)) return true;
  core_.receive_memory_wanted = true;
  return false;
}

// RFC 7323 4.1: our clock's reading when what caused the segment was sent.
void Input::note_echo(const wire::TcpTimestamps& timestamps, const Connection& c,
                      Inbox& inbox) const {
  const std::uint32_t age = milliseconds(core_.now) + c.ts.offset - timestamps.echo;
  if (age > RttEstimator::kMaxRto.milliseconds()) return;  // not an echo of ours
  inbox.echo_ms = std::min(inbox.echo_ms.value_or(age), age);
}

// The text begins at RCV.NXT and fills gaps as far as it goes; what is held behind them stays.
void Input::fill_gap(PacketPtr text, Connection& c, Inbox& inbox) {
  while (text) {
    PacketPtr rest;
    SeqNumber rest_seq;
    const SeqNumber end = c.rcv.nxt + static_cast<std::uint32_t>(text->size());
    if (!inbox.reassembly.empty() && inbox.reassembly.begin() < end) {
      rest_seq = inbox.reassembly.begin();
      const auto beyond = static_cast<std::size_t>(end - rest_seq);
      // Without a packet for it, it comes again.
      rest.reset(core_.packets.allocate());
      if (rest && rest->tailroom() < beyond) rest.reset();
      if (rest) base::copy(rest->append(beyond), text->bytes().last(beyond));
      text->trim_back(beyond);
    }
    c.rcv.nxt += static_cast<std::uint32_t>(text->size());
    append_coalescing(inbox.text, std::move(text));
    inbox.reassembly.deliver(inbox.text, c.rcv.nxt);
    if (rest && end > c.rcv.nxt) {
      rest->trim_front(static_cast<std::size_t>(c.rcv.nxt - rest_seq));
      text = std::move(rest);
    }
  }
}

// Where text in order goes. `timestamps` are those that came with it, or null.
Inbox& Input::inbox_for_text(Connection& c, const wire::TcpTimestamps* timestamps) {
  Inbox& inbox = core_.inbox_of(c);
  if (inbox.text.empty()) inbox.unread_ms = milliseconds(core_.now);
  if (c.timestamps && timestamps != nullptr) note_echo(*timestamps, c, inbox);
  return inbox;
}

void Input::take_in_order(Arrival& arrival, Connection& c) {
  const auto size = static_cast<std::uint32_t>(arrival.text->size());
  const auto& timestamps = arrival.header.options.timestamps;
  Inbox& inbox = inbox_for_text(c, timestamps ? &*timestamps : nullptr);
  if (inbox.reassembly.empty()) {
    c.rcv.nxt += size;
    append_coalescing(inbox.text, std::move(arrival.text));
  } else {
    fill_gap(std::move(arrival.text), c, inbox);
    c.ack_now = true;  // RFC 5681 4.2: at once when a gap is filled
  }
  note_segment(c, size, arrival.header.flags.psh);
  on_more_text(c, inbox);
}

void Input::note_segment(Connection& c, std::uint32_t size, bool push) const {
  c.rcv.delayed_ack.on_text(size, push, [&] { return emitter_.local_mss(c.flow.remote.address); });
}

// RCV.NXT has moved.
void Input::on_more_text(Connection& c, Inbox& inbox) {
  core_.settle(inbox);
  if (c.rcv.delayed_ack.due(c.rcv.unacknowledged())) {
    c.ack_now = true;
  } else if (!c.ack_now && !c.deadline(Timer::kAck).is_set()) {
    c.deadline(Timer::kAck) = core_.now + DelayedAck::kDelay;
  }
  core_.post(c, {.readable = true});
}

void Input::take_out_of_order(Arrival& arrival, Connection& c) {
  core_.count(NetCounter::kTcpOutOfOrder);
  if (Core::packets_low(arrival.text->pool())) {
    core_.count(NetCounter::kTcpPacketsLow);
    arrival.fin = false;
  } else if (!emitter_.window().has_room_for(c, *arrival.text)) {
    core_.count(NetCounter::kTcpReassemblyFull);
    arrival.fin = false;
  } else {
    Inbox& inbox = core_.inbox_of(c);
    const Reassembly::Insertion insertion =
        inbox.reassembly.insert(core_.packets, std::move(arrival.text), arrival.seq);
    core_.settle(inbox);
    if (insertion.duplicate) arrival.duplicate = insertion.duplicate;
    switch (insertion.outcome) {
      case Reassembly::Outcome::kStored:
        break;
      case Reassembly::Outcome::kNothingNew:
        core_.count(NetCounter::kTcpDuplicateData);
        break;
      case Reassembly::Outcome::kFull:
        core_.count(NetCounter::kTcpReassemblyFull);
        arrival.fin = false;
        break;
    }
  }
  // RFC 5681 4.2: a duplicate acknowledgment at once, one for each such segment.
  if (!emitter_.send_ack(c, std::exchange(arrival.duplicate, std::nullopt))) c.ack_now = true;
}

// RFC 2883 4: with the acknowledgment that the duplicate causes, so at once and each on its own:
// the peer can tell from it that it need not have sent again.
void Input::report_duplicate(const Arrival& arrival, Connection& c) {
  if (c.sack && !emitter_.send_ack(c, arrival.duplicate)) c.ack_now = true;
}

Input::Verdict Input::eighth_check_fin(const Arrival& arrival, Connection& c) {
  if (arrival.fin && !c.fin_known) {
    const SeqNumber fin = arrival.header.sequence + arrival.text_size;
    if (fin >= c.rcv.nxt) {
      c.fin_known = true;
      c.rcv.fin = fin;
    }
  }
  if (!c.fin_known || c.input_finished || c.rcv.nxt != c.rcv.fin) return Verdict::kGoOn;
  c.rcv.nxt += 1;
  if (c.rcv.edge < c.rcv.nxt) c.rcv.edge = c.rcv.nxt;
  c.input_finished = true;
  c.ack_now = true;
  if (c.holds_out_of_order()) {
    // Text behind its FIN is none of an honest peer's.
    core_.count(NetCounter::kTcpDataAfterFin);
    c.inbox->reassembly.clear();
    core_.settle(*c.inbox);
  }
  core_.post(c, {.readable = true});
  switch (c.state) {
    case State::kEstablished:
      core_.set_state(c, State::kCloseWait);
      return Verdict::kGoOn;
    case State::kFinWait1:
      core_.set_state(c, State::kClosing);
      return Verdict::kGoOn;
    case State::kFinWait2:
      (void)emitter_.send_ack(c);  // lost or not sent, the peer's next FIN has another
      core_.enter_time_wait(c);
      return Verdict::kStop;
    default:
      return Verdict::kGoOn;
  }
}

}  // namespace sluice::net::tcp
