// Proportional Rate Reduction (RFC 6937, with the safe acknowledgments of its successor RFC 9937):
// how the window comes down to the threshold in fast recovery. What arrives lets a share of itself
// out, so that sending goes on evenly; where losses have emptied the network below the threshold,
// it is refilled no faster than it is drained, or than in slow start while all goes well.
#pragma once

#include <cstdint>

#include "dataplane/net/tcp/congestion.hpp"

namespace sluice::net::tcp {

class Prr {
 public:
  // Recovery begins with so many bytes in the network, in front of the acknowledgment that caused
  // it.
  explicit Prr(std::uint32_t in_flight = 0) : recover_fs_(in_flight) {}
  void on_transmit(std::uint32_t size) { out_ += size; }
  // The congestion window from this acknowledgment on.
  [[nodiscard]] std::uint32_t on_ack(const AckSample& ack, std::uint32_t ssthresh);

 private:
  std::uint32_t delivered_ = 0;  // prr_delivered
  std::uint32_t out_ = 0;        // prr_out
  std::uint32_t recover_fs_;     // RecoverFS
};

}  // namespace sluice::net::tcp
