// CUBIC congestion control (RFC 9438), on top of the slow start and the responses to timeouts of
// RFC 5681; in fast recovery the window comes down as RFC 6937 has it.
#pragma once

#include <cstdint>

#include "dataplane/net/stack.hpp"
#include "dataplane/net/tcp/congestion.hpp"
#include "dataplane/net/tcp/prr.hpp"

namespace sluice::net::tcp {

class Cubic {
 public:
  Cubic() : epoch_{} {}

  [[nodiscard]] std::uint32_t cwnd() const { return cwnd_; }
  [[nodiscard]] std::uint32_t ssthresh() const { return ssthresh_; }
  [[nodiscard]] bool is_unmarked() const { return ssthresh_ == kNoThreshold; }
  [[nodiscard]] bool in_slow_start() const { return !in_recovery_ && cwnd_ < ssthresh_; }

  void start(std::uint32_t window) { cwnd_ = window; }
  void on_transmit(const SendSegment& segment, base::Instant /*now*/, std::uint32_t /*pipe*/) {
    if (in_recovery_) prr_.on_transmit(segment.length());
  }
  void on_ack(const AckSample& sample);
  void on_loss(const LossEvent& loss);
  void on_timeout(const LossEvent& loss);
  void on_spurious();
  void on_idle(std::uint32_t restart_window);

 private:
  static constexpr std::uint32_t kNoThreshold = 0xffffffff;
  // A stage of congestion avoidance.
  struct Epoch {
    float w_est = 0;
    float k = 0;
    std::uint32_t begin_ms = 0;  // while the clock stands, how long it ran
  };

  [[nodiscard]] std::uint32_t slow_start(const AckSample& sample);
  void recover(const AckSample& sample);
  void reduce(std::uint32_t flight, std::uint32_t mss);
  void run_clock(bool on, std::uint32_t now_ms);
  void begin_epoch(const AckSample& sample);
  void avoid_congestion(const AckSample& sample, std::uint32_t acked_bytes);

  [[maybe_unused]] CongestionControl kind_ = CongestionControl::kCubic;  // see controller.hpp
  bool in_epoch_ : 1 = false;
  bool clock_stands_ : 1 = false;   // of the epoch
  bool in_recovery_ : 1 = false;    // fast recovery
  bool after_timeout_ : 1 = false;  // slow start goes on from there
  std::uint16_t credit_ = 0;        // growth of less than a byte, carried over, in 2^-16 bytes
  std::uint32_t cwnd_ = 0;
  std::uint32_t ssthresh_ = kNoThreshold;
  std::uint32_t undo_ssthresh_ = 0;  // what was safe before the last reduction
  // In segments and seconds, as RFC 9438 section 4 has them.
  float w_max_ = 0;
  union {
    Epoch epoch_;  // while in_epoch_
    Prr prr_;      // while in_recovery_
  };
};

static_assert(CongestionController<Cubic>);

}  // namespace sluice::net::tcp
