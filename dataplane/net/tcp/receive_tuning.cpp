#include "dataplane/net/tcp/receive_tuning.hpp"

#include <algorithm>

namespace sluice::net::tcp {

// What makes a sample longer is mostly the peer's own leisure: a shorter one counts at once, a
// longer one by an eighth.
void ReceiveTuning::take_sample(std::uint32_t ms) {
  const std::uint32_t eighths = std::clamp<std::uint32_t>(ms, 1, 0xffff / 8) * 8;
  const std::uint32_t next = rtt_ == 0 || eighths < rtt_ ? eighths : rtt_ + (eighths - rtt_) / 8;
  rtt_ = static_cast<std::uint16_t>(next);
}

std::optional<std::uint32_t> ReceiveTuning::on_taken(const Taken& taken) {
  const std::uint32_t bytes = static_cast<std::uint32_t>(taken.upto - began_at_);
  const auto elapsed = static_cast<std::uint16_t>(taken.now_ms - began_ms_);
  if (taken.timestamps) {
    if (taken.echo_ms) take_sample(*taken.echo_ms);
  } else if (bytes >= taken.window && (rtt_ == 0 || elapsed * 8U < rtt_)) {
    take_sample(elapsed);
  }
  if (rtt_ == 0 || elapsed * 8U < rtt_) return std::nullopt;
  begin_round(taken.upto, taken.now_ms);
  return static_cast<std::uint32_t>(std::uint64_t{bytes} * rtt_ / (8U * elapsed));
}

}  // namespace sluice::net::tcp
