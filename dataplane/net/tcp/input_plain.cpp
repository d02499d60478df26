// Header prediction (RFC 7323 appendix E): a segment of an open connection that is in order,
// carries acknowledgment and text as expected and finds nothing out of the ordinary. What the steps
// of RFC 9293 3.10.7.4 would do with such a segment is done here, and nothing is asked that its
// state answers already.
#include <utility>

#include "dataplane/net/tcp/input.hpp"

namespace sluice::net::tcp {

using base::PacketPtr;
using wire::PlainSegment;
using wire::SeqNumber;

namespace {

// RFC 3168 5: on its way the segment met congestion, which is not ordinary.
constexpr bool met_congestion(std::uint8_t traffic_class) {
  return (traffic_class & 3) == 3;
}

// First to fourth step, and what a segment must be for the others to be the plain ones.
bool is_expected(const Connection& c, const PlainSegment& s) {
  if (c.state != State::kEstablished || !(c.flow == s.flow)) return false;
  if (s.sequence != c.rcv.nxt || c.fin_known || c.probing) return false;
  if (s.acknowledgement < c.snd.una || s.acknowledgement > c.snd.nxt) return false;
  if (c.snd.wl1 > s.sequence) return false;  // what waits behind a gap is newer, and its window too
  if (c.timestamps != s.has_timestamps) return false;
  if (c.timestamps && SeqNumber(s.timestamps.value) < SeqNumber(c.ts.recent)) return false;
  return !met_congestion(s.traffic_class);
}

}  // namespace

// How many segments' text may be taken in together.
std::size_t Input::takeable(const Connection& c, std::span<const PlainSegment> run,
                            std::span<base::Packet* const> frames) const {
  if (!c.attached || c.holds_out_of_order()) return 0;
  std::uint32_t room = c.rcv.window();
  std::size_t true_size = 0;
  const base::PacketPool* pool = nullptr;
  std::size_t n = 0;
  for (; n < run.size(); ++n) {
    const base::Packet& frame = *frames[n];
    true_size += frame.true_size();
    if (run[n].text_size > room || !frame.exclusive()) break;
    if (core_.receive_memory.is_short(true_size)) break;
    if (&frame.pool() != pool && Core::packets_low(frame.pool())) break;
    pool = &frame.pool();
    room -= run[n].text_size;
  }
  return n;
}

std::size_t Input::take_plain(std::span<const PlainSegment> run, Connection& c,
                              std::span<base::Packet* const> frames) {
  const PlainSegment& s = run.front();
  if (!is_expected(c, s)) return 0;
  const std::uint32_t window = std::uint32_t{s.window} << c.snd.scale;
  const bool acknowledges = s.acknowledgement != c.snd.una;
  // A window that opens, and a duplicate, mean more than they say where something is queued.
  if (!acknowledges && c.outbox != nullptr && (s.text_size == 0 || window != c.snd.wnd)) return 0;
  const std::size_t segments = s.text_size > 0 ? takeable(c, run, frames) : 1;
  if (segments == 0) return 0;

  core_.count(NetCounter::kTcpSegmentsIn, segments);
  const std::uint32_t now_ms = milliseconds(core_.now);
  if (now_ms - c.heard_ms > DelayedAck::kIdleMs) c.rcv.delayed_ack.on_idle();
  c.heard_ms = now_ms;
  if (c.timestamps && s.sequence <= c.rcv.last_ack) {
    c.ts.recent = s.timestamps.value;
    c.ts.recent_at = now_ms;
  }
  const bool window_changed = window != c.snd.wnd;
  c.snd.wnd = window;
  c.snd.max_wnd = std::max(c.snd.max_wnd, window);
  c.snd.wl1 = run[segments - 1].sequence;
  c.snd.wl2 = s.acknowledgement;
  if (acknowledges) {
    plain_.header.options.timestamps = s.timestamps;
    plain_.header.acknowledgement = s.acknowledgement;
    plain_.text_size = s.text_size;
    acknowledge(plain_, c, window_changed);
  }
  if (s.text_size > 0) {
    take_run(run.first(segments), c, frames);
  } else {
    frames.front()->release();
  }
  return segments;
}

// The text of segments in order.
void Input::take_run(std::span<const PlainSegment> run, Connection& c,
                     std::span<base::Packet* const> frames) {
  core_.count(NetCounter::kTcpSegmentsCoalesced, run.size() - 1);
  Inbox& inbox = inbox_for_text(c, &run.front().timestamps);
  for (std::size_t i = 0; i < run.size(); ++i) {
    const PlainSegment& s = run[i];
    PacketPtr text(frames[i]);
    text->trim_back(text->size() - s.text_offset - s.text_size);
    text->trim_front(s.text_offset);
    c.rcv.nxt += s.text_size;
    append_coalescing(inbox.text, std::move(text));
    note_segment(c, s.text_size, s.push);
  }
  on_more_text(c, inbox);
  if (c.ack_now) core_.schedule_output(c);
  // Output arms the timer of whoever it serves, and only a delayed acknowledgment is new otherwise.
  if (!c.output.linked()) core_.arm(c);
}

}  // namespace sluice::net::tcp
