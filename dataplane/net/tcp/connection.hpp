// The transmission control block of one connection (RFC 9293 3.3.1): its state and nothing else. It
// is laid out by use: what every segment touches comes first; what only a busy connection needs is
// not here but in boxes that it has while it is busy, so that a million idle ones stay small.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/cache_line.hpp"
#include "base/packet.hpp"
#include "base/pool.hpp"
#include "base/time.hpp"
#include "base/timer_wheel.hpp"
#include "dataplane/net/ip_output.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/net/tcp/controller.hpp"
#include "dataplane/net/tcp/deadline.hpp"
#include "dataplane/net/tcp/delayed_ack.hpp"
#include "dataplane/net/tcp/ecn.hpp"
#include "dataplane/net/tcp/reassembly.hpp"
#include "dataplane/net/tcp/receive_tuning.hpp"
#include "dataplane/net/tcp/recovery.hpp"
#include "dataplane/net/tcp/rtt.hpp"
#include "dataplane/net/tcp/send_queue.hpp"
#include "dataplane/net/tcp/tail_probe.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

// RFC 9293 3.3.2. A control block in kClosed waits for its session to notice. LISTEN and CLOSED for
// flows without a control block are the demultiplexer's (segment_table.hpp).
enum class State : std::uint8_t {
  kClosed,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

// What a connection waits for; each has a deadline, the earliest arms the connection's timer.
enum class Timer : std::uint8_t {
  kRetransmit,  // of SYN, data or FIN; of a zero-window probe while the peer's window is shut
  kAck,         // a delayed acknowledgment (RFC 9293 3.8.6.3)
  kResume,      // output goes on: pacing, a reordering window, or no packet was left
  // The handshake, FIN-WAIT-2 or what was closed takes too long; TIME-WAIT is over; while a session
  // has it open, keep-alive.
  kEnd,
};
inline constexpr std::size_t kTimers = 4;

// RFC 9293 3.3.1, Send Sequence Variables.
struct SendVariables {
  wire::SeqNumber una;  // oldest unacknowledged
  wire::SeqNumber nxt;  // next to be sent; never goes back
  wire::SeqNumber wl1;  // segment sequence and acknowledgment of the last window update
  wire::SeqNumber wl2;
  std::uint32_t wnd = 0;      // bytes, scaled
  std::uint32_t max_wnd = 0;  // the largest the peer has offered
  std::uint16_t mss = 536;    // payload of a full segment, options deducted
  std::uint8_t scale = 0;     // shift of the windows that arrive
  Ecn ecn;                    // of both directions; in the byte that is left

  [[nodiscard]] std::uint32_t flight() const { return static_cast<std::uint32_t>(nxt - una); }
};

// RFC 9293 3.3.1, Receive Sequence Variables.
struct ReceiveVariables {
  wire::SeqNumber nxt;
  wire::SeqNumber edge;      // right edge of the window as advertised; never goes back
  wire::SeqNumber last_ack;  // acknowledgment number last sent (RFC 7323 4.3)
  wire::SeqNumber fin;       // of the peer's FIN, once it is known
  [[no_unique_address]] DelayedAck delayed_ack;
  std::uint8_t scale = 0;  // shift of the windows we send; in the byte that is left of the above

  [[nodiscard]] std::uint32_t window() const { return static_cast<std::uint32_t>(edge - nxt); }
  // Of text, and perhaps a FIN.
  [[nodiscard]] std::uint32_t unacknowledged() const {
    return static_cast<std::uint32_t>(nxt - last_ack);
  }
};

// RFC 7323 3 and 4.
struct TimestampVariables {
  std::uint32_t offset = 0;     // of our clock
  std::uint32_t recent = 0;     // TS.Recent
  std::uint32_t recent_at = 0;  // when it was updated, milliseconds
};

// What is queued or in flight, and what is known of its way. Only a connection that has something
// to send has one; where the way has shown nothing but its width, that outlives it (Connection::
// cwnd).
struct Outbox {
  SendQueue queue;
  Recovery recovery;
  Controller congestion;
  base::Instant pace;  // no data goes out before
  TailProbe tail_probe;
  std::uint32_t charged = 0;    // to the worker's budget, bytes
  bool window_noted = false;    // as shut
  bool window_limited = false;  // the congestion window kept more from being sent, last time
};

// What has arrived and was not taken by the session yet.
struct Inbox {
  base::PacketQueue text;  // in order
  Reassembly reassembly;
  std::uint32_t charged = 0;             // to the worker's budget, bytes
  std::uint32_t unread_ms = 0;           // when the oldest text came, or the session last took some
  std::uint32_t connection = 0;          // whose it is, an index
  std::optional<std::uint32_t> echo_ms;  // age of the youngest timestamp echoed since the last read

  [[nodiscard]] std::size_t true_size() const { return text.true_size() + reassembly.true_size(); }
};

// What an arriving segment is looked up, checked and taken by.
struct HotVariables {
  base::FourTuple flow;

  State state = State::kClosed;
  CloseReason reason = CloseReason::kNone;
  // Each of them is one bit of the control block.
  bool attached : 1 = false;         // a session holds a handle or is about to
  bool passive : 1 = false;          // came through a listener
  bool in_table : 1 = false;         // the demultiplexer knows it
  bool timestamps : 1 = false;       // negotiated
  bool sack : 1 = false;             // negotiated
  bool scaling : 1 = false;          // of windows, negotiated
  bool ack_now : 1 = false;          // an acknowledgment is owed at the next flush
  bool fin_known : 1 = false;        // the peer's FIN has arrived, perhaps out of order
  bool input_finished : 1 = false;   // and in order
  bool fin_queued : 1 = false;       // ours
  bool writable_wanted : 1 = false;  // the send buffer was full
  bool syn_resent : 1 = false;
  bool by_cookie : 1 = false;         // our SYN-ACK was a SYN cookie
  bool probing : 1 = false;           // zero-window probes are being sent
  bool tail_probe_armed : 1 = false;  // kRetransmit stands for a tail loss probe

  SendVariables snd;
  ReceiveVariables rcv;
  TimestampVariables ts;
  std::uint32_t heard_ms = 0;  // the last acceptable segment
  Inbox* inbox = nullptr;
  Outbox* outbox = nullptr;
};

class Connection : public HotVariables, public base::TimerNode {
 public:
  // Neighbours in a list of connections: index + 1, 0 for none. Not in the list: both kUnlinked.
  struct Link {
    static constexpr std::uint32_t kUnlinked = 0xffffffff;
    std::uint32_t previous = kUnlinked;
    std::uint32_t next = kUnlinked;
    [[nodiscard]] bool linked() const { return next != kUnlinked; }
  };

  Events events;                      // not taken by the session yet
  std::uint8_t keepalive_probes = 0;  // sent since the peer was last heard
  ListenerId listener = 0;
  std::array<Deadline, kTimers> deadlines;
  Link ready;              // has events
  Link output;             // has something to send
  std::uint32_t cwnd = 0;  // while there is no outbox
  std::uint64_t context = 0;
  RttEstimator rtt;
  base::Instant progress;          // SND.UNA moved; while attached, also when a wait began anew
  std::uint32_t challenge_ms = 0;  // the last challenge acknowledgment
  std::uint32_t flow_hash = 0;
  std::uint32_t path_search = 0;  // index + 1 of its PathSearch; 0: segments are as large as may be
  ReceiveTuning receive_tuning;
  WayOut way;  // that its segments take

  [[nodiscard]] Deadline& deadline(Timer timer) {
    return deadlines[static_cast<std::size_t>(timer)];
  }
  // True from the exchange of SYNs on until the last FIN is acknowledged.
  [[nodiscard]] bool synchronized() const { return state >= State::kEstablished; }

  // --- of what there may be none ---
  // Nothing is queued and nothing is in flight.
  [[nodiscard]] bool all_acknowledged() const { return outbox == nullptr || outbox->queue.empty(); }
  [[nodiscard]] bool holds_out_of_order() const {
    return inbox != nullptr && !inbox->reassembly.empty();
  }
  [[nodiscard]] bool input_empty() const { return inbox == nullptr || inbox->text.empty(); }
};

// With what the pool keeps in front of it: two cache lines that each segment touches, and two more
// that what is rarer does.
inline constexpr std::size_t kPoolHeader = base::Pool<Connection>::kHeader;
static_assert(sizeof(SendVariables) == 28);
static_assert(sizeof(ReceiveVariables) == 20);
static_assert(sizeof(HotVariables) + kPoolHeader <= 2 * base::kCacheLine);
static_assert(sizeof(Connection) + kPoolHeader <= 4 * base::kCacheLine);

}  // namespace sluice::net::tcp
