// CUBIC congestion control (RFC 9438), on top of the slow start and the responses to timeouts of
// RFC 5681.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "dataplane/net/tcp/congestion.hpp"

namespace sluice::net::tcp {

class Cubic {
 public:
  [[nodiscard]] std::uint32_t cwnd() const { return cwnd_; }
  [[nodiscard]] std::uint32_t ssthresh() const { return ssthresh_; }
  [[nodiscard]] bool in_slow_start() const { return cwnd_ < ssthresh_; }
  [[nodiscard]] bool is_unmarked() const { return ssthresh_ == kNoThreshold; }

  void start(std::uint32_t window) { cwnd_ = window; }
  void on_ack(const AckSample& sample);
  void on_loss(base::Instant now, std::uint32_t flight, std::uint32_t mss);
  void on_timeout(base::Instant now, std::uint32_t flight, std::uint32_t mss);
  void on_spurious();
  void on_idle(std::uint32_t restart_window);

 private:
  static constexpr std::uint32_t kNoThreshold = 0xffffffff;

  [[nodiscard]] std::uint32_t slow_start(const AckSample& sample);
  void reduce(std::uint32_t flight, std::uint32_t mss);
  void begin_epoch(const AckSample& sample);
  void avoid_congestion(const AckSample& sample);

  std::uint32_t cwnd_ = 0;
  std::uint32_t ssthresh_ = kNoThreshold;
  std::uint32_t undo_ssthresh_ = 0;  // what was safe before the last reduction
  // In segments and seconds, as RFC 9438 section 4 has them.
  float w_max_ = 0;
  float w_est_ = 0;
  float k_ = 0;
  float credit_ = 0;            // growth of less than a byte, carried over
  std::uint32_t epoch_ms_ = 0;  // when this congestion avoidance stage began
  bool in_epoch_ = false;
  bool after_timeout_ = false;  // slow start goes on from there
};

static_assert(CongestionController<Cubic>);

}  // namespace sluice::net::tcp
