#include "dataplane/net/tcp/delivery_rate.hpp"

#include <algorithm>

namespace sluice::net::tcp {
namespace {

// Wraps after 71 minutes, and only differences of less count.
std::uint32_t microseconds(base::Instant at) {
  return static_cast<std::uint32_t>(at.nanoseconds() / 1'000);
}

constexpr std::uint32_t kMostInFlight = 0x7fffffff;  // that a note has room for

}  // namespace

// OnPacketSent().
void DeliveryRate::on_transmit(SendSegment& segment, base::Instant now, std::uint32_t pipe) {
  if (pipe == 0) first_sent_us_ = delivered_us_ = microseconds(now);
  segment.note = {.delivered = static_cast<std::uint32_t>(delivered_),
                  .delivered_us = delivered_us_,
                  .first_sent_us = first_sent_us_,
                  .in_flight = std::min(pipe + segment.length(), kMostInFlight) & kMostInFlight,
                  .app_limited = app_limited() ? 1U : 0U};
  segment.lost_before = lost_;
}

// UpdateRateSample() for all that arrived, then GenerateRateSample().
RateSample DeliveryRate::on_ack(const AckSample& ack) {
  lost_ = static_cast<std::uint16_t>(lost_ + ack.lost_segments);
  RateSample sample;
  if (ack.delivered == 0) return sample;
  delivered_ += ack.delivered;
  delivered_us_ = microseconds(ack.now);
  if (app_limited_until_ != 0 && delivered_ >= app_limited_until_) app_limited_until_ = 0;
  if (ack.newest == nullptr || !ack.newest->noted()) return sample;

  const DeliveryNote& note = ack.newest->note;
  const std::uint32_t sent_us = microseconds(ack.newest->at);
  const std::uint32_t interval_us =
      std::max(sent_us - note.first_sent_us, delivered_us_ - note.delivered_us);
  first_sent_us_ = sent_us;
  sample.any = true;
  sample.delivered = static_cast<std::uint32_t>(delivered_) - note.delivered;
  sample.prior_delivered = delivered_ - sample.delivered;
  sample.in_flight = note.in_flight;
  sample.lost = lost_since(*ack.newest, ack.mss);
  sample.app_limited = note.app_limited != 0;
  // Less than any round trip took: of a segment that had arrived before it was sent again.
  if (interval_us > 0 && interval_us >= ack.min_rtt.microseconds()) {
    sample.rate = 1e6 * sample.delivered / interval_us;
  }
  return sample;
}

RateSample DeliveryRate::of_lost(const SentSegment& segment, std::uint32_t mss) const {
  RateSample sample;
  sample.any = segment.noted();
  sample.in_flight = segment.note.in_flight;
  sample.lost = lost_since(segment, mss);
  sample.app_limited = segment.note.app_limited != 0;
  return sample;
}

std::uint32_t DeliveryRate::lost_since(const SentSegment& segment, std::uint32_t mss) const {
  return static_cast<std::uint16_t>(lost_ - segment.lost_before) * mss;
}

}  // namespace sluice::net::tcp
