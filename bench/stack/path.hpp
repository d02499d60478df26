// One direction of a network path in virtual time: a bottleneck of some rate with a bounded queue,
// then a delay; frames are lost at random, each on its own. All of it follows from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/nic/fault_line.hpp"

namespace sluice::bench {

class Path {
 public:
  struct Options {
    std::int64_t bits_per_second = 1'000'000'000;
    base::Duration delay;
    std::size_t queue = 0;  // bytes in front of the bottleneck
    double loss = 0;        // 0 to 1
    double marking = 0;     // of what may be marked instead of dropped (RFC 3168 5), IPv4 only
    std::uint64_t seed = 1;
  };
  // Frames arrive in packets of `pool`, the receiver's.
  Path(const Options& options, base::PacketPool& pool) : options_(options), pool_(pool) {}

  // The sender's packet is copied: it is done with it as a device that has transmitted it.
  void send(base::Instant now, base::PacketPtr frame);
  // The next frame that has arrived; null when there is none.
  [[nodiscard]] base::PacketPtr arrived(base::Instant now);
  [[nodiscard]] base::Instant next_arrival() const;

 private:
  struct Flight {
    base::Instant at;
    base::PacketPtr frame;
  };

  const Options options_;
  base::PacketPool& pool_;
  nic::FaultRandom random_{options_.seed};
  base::Instant free_at_;  // the bottleneck has sent all that is queued
  std::deque<Flight> flights_;
};

}  // namespace sluice::bench
