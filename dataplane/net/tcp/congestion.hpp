// What TCP asks of a congestion controller (RFC 5681 2), and what it tells it. A controller is a
// value; Controller (controller.hpp) is the one that the connection has. All sizes are bytes.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/time.hpp"
#include "dataplane/net/tcp/send_queue.hpp"

namespace sluice::net::tcp {

// A segment as it was when it went out: what is noted on it and when that was.
struct SentSegment {
  base::Instant at;
  DeliveryNote note;
  std::uint16_t lost_before = 0;

  SentSegment() = default;
  explicit SentSegment(const SendSegment& segment)
      : at(segment.sent_at), note(segment.note), lost_before(segment.lost_before) {}
  [[nodiscard]] bool noted() const { return note.in_flight > 0; }
};

// One acknowledgment that tells of segments that arrived or were lost, or a timer that has found
// the latter.
struct AckSample {
  base::Instant now;
  std::uint32_t acked = 0;      // newly acknowledged, and not reported by SACK before
  std::uint32_t delivered = 0;  // newly known to have arrived, by number or by SACK
  std::uint32_t lost = 0;       // newly taken for lost
  std::uint32_t lost_segments = 0;
  std::uint32_t flight_before = 0;  // sent and not acknowledged, before it
  std::uint32_t pipe_before = 0;    // in the network, before it
  std::uint32_t pipe = 0;           // and after it
  std::uint32_t mss = 0;
  base::Duration srtt{};
  base::Duration min_rtt{};             // of the connection's whole life; zero: none yet
  base::Duration rtt{};                 // of the segment sent last that has arrived; zero: none
  const SentSegment* newest = nullptr;  // that segment
  const SentSegment* newest_lost = nullptr;  // the last one that was lost
  bool window_limited = false;               // the congestion window kept more from being sent
  bool safe = false;            // SND.UNA moved and nothing was lost (RFC 9937, SafeACK)
  bool fast_recovery = false;   // goes on after it
  bool after_timeout = false;   // what a timeout took for lost is not repaired yet
  bool sees_each_loss = false;  // SACK is negotiated
  bool echoed = false;          // it echoes a mark: no window grows by it (RFC 3168 6.1.2)
};

// Loss noticed from acknowledgments, once per window, or a retransmission timeout.
struct LossEvent {
  base::Instant now;
  std::uint32_t flight = 0;  // sent and not acknowledged
  std::uint32_t pipe = 0;    // in the network
  std::uint32_t mss = 0;
  bool again = false;   // a timeout after a timeout, with nothing acknowledged in between
  bool marked = false;  // nothing was lost: routers have marked packets (RFC 3168)
};

template <typename C>
concept CongestionController = requires(C control, const C& constant, const AckSample& sample,
                                        const LossEvent& loss, base::Instant now,
                                        SendSegment& segment, std::uint32_t bytes) {
  { constant.cwnd() } -> std::same_as<std::uint32_t>;
  { constant.in_slow_start() } -> std::same_as<bool>;
  // The path has taught it nothing but how far the window has grown: start(cwnd()) makes another.
  { constant.is_unmarked() } -> std::same_as<bool>;
  // The connection is open; the window to begin with.
  control.start(bytes);
  // The segment goes out, for the first time or again, beside so much in the network.
  control.on_transmit(segment, now, bytes);
  control.on_ack(sample);
  control.on_loss(loss);
  control.on_timeout(loss);
  // The last loss or timeout was none: everything sent again had arrived.
  control.on_spurious();
  // Nothing was sent for an RTO; the window falls back to `bytes` (RFC 5681 4.1).
  control.on_idle(bytes);
};

// RFC 6928 2: the initial window.
[[nodiscard]] constexpr std::uint32_t initial_window(std::uint32_t mss) {
  const std::uint32_t bound = 2 * mss > 14600 ? 2 * mss : 14600;
  return 10 * mss < bound ? 10 * mss : bound;
}

}  // namespace sluice::net::tcp
