// What TCP output asks of a congestion controller. One is a value in the control block, chosen at
// compile time: the connection calls it directly. All sizes are bytes.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/time.hpp"

namespace sluice::net::tcp {

// One acknowledgment of new data, outside of fast recovery.
struct AckSample {
  base::Instant now;
  std::uint32_t acked = 0;          // newly acknowledged, and not reported by SACK before
  std::uint32_t flight_before = 0;  // in the network before it
  std::uint32_t mss = 0;
  base::Duration srtt;
};

template <typename C>
concept CongestionController = requires(C control, const C& constant, const AckSample& sample,
                                        base::Instant now, std::uint32_t bytes) {
  { constant.cwnd() } -> std::same_as<std::uint32_t>;
  { constant.in_slow_start() } -> std::same_as<bool>;
  // The path has taught it nothing but how far the window has grown: start(cwnd()) makes another.
  { constant.is_unmarked() } -> std::same_as<bool>;
  // The connection is open; the window to begin with.
  control.start(bytes);
  control.on_ack(sample);
  // Loss noticed from acknowledgments; once per window. `bytes`: in flight, and the MSS.
  control.on_loss(now, bytes, bytes);
  // The retransmission timer ran out.
  control.on_timeout(now, bytes, bytes);
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
