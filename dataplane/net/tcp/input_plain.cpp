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

bool may_take_text(const Connection& c, const PlainSegment& s, const base::Packet& packet) {
  if (s.text_size == 0) return true;
  return c.attached && s.text_size <= c.rcv.window() && !c.holds_out_of_order() &&
         packet.exclusive() && !Core::packets_low(packet.pool());
}

}  // namespace

bool Input::take_plain(const PlainSegment& s, Connection& c, PacketPtr& packet) {
  if (!is_expected(c, s) || !may_take_text(c, s, *packet)) return false;
  if (core_.receive_memory.is_short(packet->true_size())) return false;
  const std::uint32_t window = std::uint32_t{s.window} << c.snd.scale;
  const bool acknowledges = s.acknowledgement != c.snd.una;
  // A window that opens, and a duplicate, mean more than they say where something is queued.
  if (!acknowledges && c.outbox != nullptr && (s.text_size == 0 || window != c.snd.wnd)) {
    return false;
  }

  core_.count(NetCounter::kTcpSegmentsIn);
  const std::uint32_t now_ms = milliseconds(core_.now);
  if (now_ms - c.heard_ms > DelayedAck::kIdleMs) c.rcv.delayed_ack.on_idle();
  c.heard_ms = now_ms;
  if (c.timestamps && s.sequence <= c.rcv.last_ack) {
    c.ts.recent = s.timestamps.value;
    c.ts.recent_at = c.heard_ms;
  }
  const bool window_changed = window != c.snd.wnd;
  c.snd.wnd = window;
  c.snd.max_wnd = std::max(c.snd.max_wnd, window);
  c.snd.wl1 = s.sequence;
  c.snd.wl2 = s.acknowledgement;
  plain_.header.flags.psh = s.push;
  plain_.header.options.timestamps = s.timestamps;
  if (acknowledges) {
    plain_.header.acknowledgement = s.acknowledgement;
    plain_.text_size = s.text_size;
    acknowledge(plain_, c, window_changed);
  }
  if (s.text_size > 0) {
    packet->trim_back(packet->size() - s.text_offset - s.text_size);
    packet->trim_front(s.text_offset);
    plain_.seq = s.sequence;
    plain_.text = std::move(packet);
    take_in_order(plain_, c);
    if (c.ack_now) core_.schedule_output(c);
  }
  packet.reset();
  // Output arms the timer of whoever it serves, and only a delayed acknowledgment is new otherwise.
  if (s.text_size > 0 && !c.output.linked()) core_.arm(c);
  return true;
}

}  // namespace sluice::net::tcp
