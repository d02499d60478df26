#include "bench/stack/path.hpp"

#include <algorithm>
#include <utility>

namespace sluice::bench {

using base::Duration;
using base::Instant;
using base::PacketPtr;

namespace {

// Preamble, frame check sequence and the gap between frames (IEEE 802.3).
constexpr std::size_t kFraming = 24;

}  // namespace

void Path::send(Instant now, PacketPtr frame) {
  const auto time_for = [this](std::size_t bytes) {
    return Duration::nanoseconds(static_cast<std::int64_t>(bytes) * 8'000'000'000 /
                                 options_.bits_per_second);
  };
  const Instant begin = std::max(free_at_, now);
  if (begin - now > time_for(options_.queue)) return;
  free_at_ = begin + time_for(frame->size() + kFraming);
  if (random_.happens(options_.loss)) return;
  PacketPtr copy(pool_.allocate());
  if (!copy) return;
  base::copy(copy->append(frame->size()), frame->bytes());
  flights_.push_back({.at = free_at_ + options_.delay, .frame = std::move(copy)});
}

PacketPtr Path::arrived(Instant now) {
  if (next_arrival() > now) return {};
  PacketPtr frame = std::move(flights_.front().frame);
  flights_.pop_front();
  return frame;
}

Instant Path::next_arrival() const {
  return flights_.empty() ? Instant::never() : flights_.front().at;
}

}  // namespace sluice::bench
