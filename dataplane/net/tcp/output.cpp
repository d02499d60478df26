#include "dataplane/net/tcp/output.hpp"

#include <algorithm>

#include "dataplane/net/tcp/pacer.hpp"
#include "dataplane/net/tcp/reclaim.hpp"
#include "dataplane/net/tcp/train.hpp"

namespace sluice::net::tcp {

using base::Duration;
using base::Instant;

namespace {

// RFC 8985 7.2. A lone segment may be waiting for the peer's delayed acknowledgment.
constexpr Duration kShortestTailProbe = Duration::milliseconds(10);
constexpr Duration kPeerAckDelay = Duration::milliseconds(200);

// Bytes that the window has left; at most 0 when it is shut.
std::int32_t usable_window(const Connection& c) {
  return (c.snd.una + c.snd.wnd) - c.snd.nxt;
}

}  // namespace

void Output::run(Connection& c) {
  if (!c.synchronized()) return;
  send_data(c);
  if (c.ack_now && !emitter_.send_ack(c)) resume_at(c, core_.now + kPacketRetry);
  core_.arm(c);
}

void Output::resume_at(Connection& c, Instant at) {
  c.deadline(Timer::kResume).bring_forward_to(at);
}

void Output::send_data(Connection& c) {
  if (c.all_acknowledged()) return;
  Outbox& outbox = *c.outbox;
  if (core_.now < outbox.pace) {
    resume_at(c, outbox.pace);
    return arm_retransmission(c, false);
  }
  // RFC 5681 4.1: what the window was worth before a long silence is no longer known.
  if (c.snd.flight() == 0 && core_.now - c.progress > c.rtt.rto(core_.settings.rto_minimum)) {
    outbox.congestion.on_idle(initial_window(c.snd.mss));
  }
  core_.begin_model_if_due(c);
  const Pacer pacer(c);
  const std::uint32_t quantum = pacer.on() ? pacer.quantum() : UINT32_MAX;
  const wire::SeqNumber nxt = c.snd.nxt;
  std::uint32_t sent = 0;
  Choice choice = choose(c);
  while (choice.next == Next::kSegment) {
    const std::uint32_t length = transmit_some(c, *choice.segment, quantum - sent);
    if (length == 0) {
      choice.next = Next::kNoPacket;
      break;
    }
    sent += length;
    choice = choose(c);
    if (sent >= quantum) break;
  }
  if (pacer.on() && sent > 0) {
    outbox.pace = pacer.next(core_.now, outbox.pace, sent);
    if (choice.next == Next::kSegment) resume_at(c, outbox.pace);
  }
  if (choice.next == Next::kNoPacket) resume_at(c, core_.now + kPacketRetry);
  if (choice.next == Next::kWindowShut) note_shut_window(core_, c);
  note_limit(outbox, c.snd.mss, choice.next);
  // RFC 8985 7.2: with each transmission of new data anew.
  if (c.snd.nxt != nxt && c.tail_probe_armed) arm_tail_probe(c, timeout_of_first(c));
  arm_retransmission(c, choice.next == Next::kWindowShut);
}

// What is sent says nothing of the path while the application or the peer's window keeps it low.
void Output::note_limit(Outbox& outbox, std::uint32_t mss, Next next) {
  if (next == Next::kSegment || next == Next::kNoPacket) return;  // more follows
  outbox.window_limited = next == Next::kNothing && outbox.queue.unsent() != nullptr;
  Bbr* model = outbox.congestion.model();
  if (model == nullptr || outbox.window_limited) return;
  const std::uint32_t pipe = outbox.recovery.pipe(mss);
  if (pipe < outbox.congestion.cwnd()) model->on_app_limited(pipe);
}

Output::Choice Output::choose(Connection& c) {
  Outbox& outbox = *c.outbox;
  if (SendSegment* lost = outbox.recovery.next_lost()) return choose_lost(c, *lost);
  if (SendSegment* unsent = outbox.queue.unsent()) return choose_unsent(c, *unsent);
  return {};
}

Output::Choice Output::choose_lost(Connection& c, SendSegment& segment) {
  const Outbox& outbox = *c.outbox;
  const std::uint32_t pipe = outbox.recovery.pipe(c.snd.mss);
  const std::uint32_t size = std::min<std::uint32_t>(segment.size, c.snd.mss);
  if (pipe > 0 && pipe + size > outbox.congestion.cwnd() &&
      !outbox.recovery.first_retransmission_due()) {
    return {};
  }
  if (c.path_search != 0) path_mtu_.on_lost(c, segment);
  return cut(c, segment, size);
}

Output::Choice Output::choose_unsent(Connection& c, SendSegment& segment) {
  const std::int32_t usable = usable_window(c);
  std::uint32_t size = std::min<std::uint32_t>(
      segment.size, c.path_search == 0 ? c.snd.mss : path_mtu_.next_size(c, segment));
  const std::uint32_t length = size + (segment.fin && size == segment.size ? 1 : 0);
  if (usable <= 0) return {.next = Next::kWindowShut};
  if (length > static_cast<std::uint32_t>(usable)) {
    // RFC 9293 3.8.6.2.1: less than a full segment goes out only where the window will hardly
    // ever be larger.
    const auto part = static_cast<std::uint32_t>(usable);
    if (part < size && part < c.snd.max_wnd / 2) return {.next = Next::kWindowShut};
    size = std::min(size, part);
    if (size == 0) return {.next = Next::kWindowShut};
  }
  const std::uint32_t pipe = c.outbox->recovery.pipe(c.snd.mss);
  if (pipe > 0 && pipe + size > c.outbox->congestion.cwnd()) return {};
  // Leaves the FIN behind where only it does not fit.
  if (size == segment.size && length > static_cast<std::uint32_t>(usable)) {
    if (!split(c, segment, size)) {
      return {.next = Next::kNoPacket};
    }
    return {.next = Next::kSegment, .segment = &segment};
  }
  return cut(c, segment, size);
}

// The segment, shortened to `size` bytes if it is longer.
Output::Choice Output::cut(Connection& c, SendSegment& segment, std::uint32_t size) {
  if (size < segment.size && !split(c, segment, size)) {
    core_.count(NetCounter::kTcpNoPacket);
    return {.next = Next::kNoPacket};
  }
  return {.next = Next::kSegment, .segment = &segment};
}

// The segment, or a train that it leads and that ends with the one that reaches `most` bytes.
// Returns how much that was, in sequence space: nothing where there was no packet.
std::uint32_t Output::transmit_some(Connection& c, SendSegment& first, std::uint32_t most) {
  const std::size_t segments = segments_together(c, first, most);
  if (segments == 1 || !emitter_.send_train(c, first, segments)) {
    return transmit(c, first) ? first.length() : 0;
  }
  std::uint32_t length = 0;
  SendSegment* segment = &first;
  for (std::size_t i = 0; i < segments; ++i) {
    length += segment->length();
    on_transmit(c, *segment);
    segment = segment->next;
  }
  return length;
}

// Only what is sent for the first time goes by train: what was lost goes as it was. Nor does what
// has to be on one segment alone: a probe of the path's size, which is longer than the others, and
// CWR (RFC 3168 6.1.2), which not every device takes off the others.
std::size_t Output::segments_together(const Connection& c, const SendSegment& first,
                                      std::uint32_t most) const {
  if (first.next == nullptr || first.fate != Fate::kUnsent) return 1;
  if (first.size != c.snd.mss || c.snd.ecn.cwr_due()) return 1;
  const Outbox& outbox = *c.outbox;
  const std::int64_t window =
      std::int64_t{outbox.congestion.cwnd()} - outbox.recovery.pipe(c.snd.mss);
  return train_length(first, {.packets = core_.ip.train_packets(),
                              .bytes = std::min({std::int64_t{usable_window(c)}, window,
                                                 std::int64_t{most} + c.snd.mss - 1}),
                              .mss = c.snd.mss});
}

// False when there is no node left.
bool Output::split(Connection& c, SendSegment& segment, std::uint32_t size) {
  if (!c.outbox->queue.split(core_.segments, segment, size)) return false;
  c.outbox->recovery.on_split(segment);
  return true;
}

bool Output::transmit(Connection& c, SendSegment& segment) {
  if (!emitter_.send_data(c, segment)) return false;
  on_transmit(c, segment);
  return true;
}

// To recovery and the congestion controller each segment of a train is one of its own.
void Output::on_transmit(Connection& c, SendSegment& segment) {
  const bool again = segment.fate != Fate::kUnsent;
  if (again) {
    core_.count(NetCounter::kTcpRetransmits);
  } else {
    if (c.snd.flight() == 0 && c.attached) c.progress = core_.now;
    c.snd.nxt = segment.end();
    c.outbox->queue.advance_unsent();
    if (c.path_search != 0) path_mtu_.on_sent(c, segment);
  }
  c.outbox->recovery.on_transmit(segment, core_.now);
  const std::uint32_t pipe = c.outbox->recovery.pipe(c.snd.mss);
  c.outbox->congestion.on_transmit(segment, core_.now, pipe - std::min(pipe, segment.length()));
  // The first segment's retransmission deserves its full time.
  if (again && &segment == c.outbox->queue.front()) {
    c.deadline(Timer::kRetransmit) = core_.now + c.rtt.rto(core_.settings.rto_minimum);
    c.tail_probe_armed = false;
  }
}

// RFC 8985 7.2, and 8: a shut window is probed as such.
bool Output::tail_probe_possible(const Connection& c) const {
  return c.sack && c.snd.wnd > 0 && c.outbox->tail_probe.permitted() && c.rtt.measured() &&
         c.rtt.back_offs() == 0 && !c.outbox->recovery.repairing() &&
         !c.outbox->recovery.holds_sacked();
}

// RFC 6298 5.1: the timer runs while anything is in flight. RFC 9293 3.8.6.1: and while the window
// is shut in front of data.
void Output::arm_retransmission(Connection& c, bool window_shut) {
  if (c.deadline(Timer::kRetransmit).is_set()) return;
  if (c.snd.flight() == 0 && !window_shut) return;
  c.tail_probe_armed = false;
  const Instant timeout = core_.now + c.rtt.rto(core_.settings.rto_minimum);
  c.deadline(Timer::kRetransmit) = timeout;
  if (c.snd.flight() > 0) arm_tail_probe(c, timeout);
}

// RFC 6298 5.1, 5.3: an RTO after the first segment in flight was sent or SND.UNA moved. However
// often a probe is put off by new data, that is not.
Instant Output::timeout_of_first(const Connection& c) const {
  const Instant began = std::max(c.progress, c.outbox->queue.front()->sent_at);
  return std::max(began + c.rtt.rto(core_.settings.rto_minimum), core_.now);
}

// RFC 8985 7.2: instead of the retransmission timer, unless that runs out before.
void Output::arm_tail_probe(Connection& c, Instant timeout) {
  if (!tail_probe_possible(c)) return;
  const Duration patience = c.snd.flight() <= c.snd.mss ? kPeerAckDelay : Duration{};
  const Instant probe = core_.now + std::max(c.rtt.smoothed() * 2 + patience, kShortestTailProbe);
  c.tail_probe_armed = probe < timeout;
  c.deadline(Timer::kRetransmit) = std::min(probe, timeout);
}

bool Output::window_is_shut(const Connection& c) {
  if (c.snd.flight() == 0) return c.outbox != nullptr && c.outbox->queue.unsent() != nullptr;
  return c.snd.wnd == 0;
}

// Segments may have become smaller since this one was sent: then it is cut. False when there is no
// node left for that.
bool Output::fits_path(Connection& c, SendSegment& segment) {
  if (c.path_search == 0 || segment.fate == Fate::kUnsent || segment.size <= c.snd.mss) return true;
  path_mtu_.on_lost(c, segment);
  return split(c, segment, c.snd.mss);
}

// One byte of new data, or the FIN, or what is out there already: each makes the peer answer with
// its window. RFC 9293 3.8.6.1 (MUST-35, MUST-36).
void Output::probe_window(Connection& c) {
  if (c.all_acknowledged()) return;
  SendSegment* segment = c.outbox->queue.front();
  if (segment->fate == Fate::kUnsent) {
    const std::int32_t usable = std::max(usable_window(c), 1);
    const std::uint32_t size = std::min({static_cast<std::uint32_t>(usable),
                                         std::uint32_t{segment->size}, std::uint32_t{c.snd.mss}});
    if (size > 0 && size < segment->length() && !split(c, *segment, size)) {
      segment = nullptr;
    }
  } else if (!fits_path(c, *segment)) {
    segment = nullptr;
  }
  c.rtt.back_off();
  if (!c.probing && c.attached) c.progress = core_.now;
  c.probing = true;
  note_shut_window(core_, c);
  if (segment != nullptr && transmit(c, *segment)) core_.count(NetCounter::kTcpWindowProbes);
  c.deadline(Timer::kRetransmit) = core_.now + c.rtt.rto(core_.settings.rto_minimum);
}

void Output::probe_tail(Connection& c) {
  c.tail_probe_armed = false;
  // What was reported since has recovery look for losses, and then the timeout.
  if (!tail_probe_possible(c)) {
    c.deadline(Timer::kRetransmit) = timeout_of_first(c);
    return;
  }
  const SendQueue& queue = c.outbox->queue;
  SendSegment* probe = queue.unsent();
  const bool fits = probe != nullptr && probe->size <= c.snd.mss &&
                    usable_window(c) >= static_cast<std::int32_t>(probe->length());
  if (!fits) {
    probe = queue.last_sent();
  }
  const bool again = probe->fate == Fate::kInFlight;
  if (!fits_path(c, *probe)) probe = nullptr;
  if (probe != nullptr && (again || probe->fate == Fate::kUnsent) && transmit(c, *probe)) {
    core_.count(NetCounter::kTcpTailProbes);
    c.outbox->tail_probe.on_sent(c.snd.nxt, again);
  }
  // RFC 8985 7.3: the retransmission timer runs from here.
  c.deadline(Timer::kRetransmit) = core_.now + c.rtt.rto(core_.settings.rto_minimum);
}

}  // namespace sluice::net::tcp
