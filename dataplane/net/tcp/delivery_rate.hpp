// How fast the path delivers, measured by each acknowledgment: the data that arrived since its
// segment went out, over the longer of the times in which that was sent and acknowledged
// (draft-ietf-ccwg-bbr, "Delivery Rate Samples"). What a sample begins with is noted on the
// segment.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "dataplane/net/tcp/congestion.hpp"

namespace sluice::net::tcp {

// RS of the draft. Sizes are bytes.
struct RateSample {
  double rate = 0;                    // per second; 0: nothing reliable
  std::uint32_t delivered = 0;        // in the sample's interval
  std::uint64_t prior_delivered = 0;  // of the connection, when the segment went out
  std::uint32_t in_flight = 0;        // and with it
  std::uint32_t lost = 0;             // since then
  bool any = false;                   // a segment of which this is known has arrived
  bool app_limited = false;           // the path could have done more
};

class DeliveryRate {
 public:
  // A segment goes out beside `pipe` bytes in the network. Notes what its sample begins with.
  void on_transmit(SendSegment& segment, base::Instant now, std::uint32_t pipe);
  [[nodiscard]] RateSample on_ack(const AckSample& ack);
  // The sample that a lost segment would have given, as far as that can be said.
  [[nodiscard]] RateSample of_lost(const SentSegment& segment, std::uint32_t mss) const;

  // What is sent from now on, until all that is in the network has arrived, is less than the path
  // could take.
  void mark_app_limited(std::uint32_t pipe) { app_limited_until_ = delivered_ + pipe + 1; }
  [[nodiscard]] bool app_limited() const { return app_limited_until_ != 0; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

 private:
  [[nodiscard]] std::uint32_t lost_since(const SentSegment& segment, std::uint32_t mss) const;

  std::uint64_t delivered_ = 0;          // C.delivered
  std::uint64_t app_limited_until_ = 0;  // C.app_limited; 0: it is not
  std::uint32_t delivered_us_ = 0;       // C.delivered_time
  std::uint32_t first_sent_us_ = 0;      // C.first_send_time
  std::uint16_t lost_ = 0;               // C.lost, in segments
};

}  // namespace sluice::net::tcp
