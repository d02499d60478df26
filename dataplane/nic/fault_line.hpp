// One direction of a bad network: loses, duplicates, corrupts, delays and reorders frames. What it
// does follows from its seed and the frames alone, so a failure can be repeated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/nic/counters.hpp"

namespace sluice::nic {

// Probabilities per frame, 0 to 1.
struct FaultRates {
  double loss = 0;
  double duplication = 0;
  double reordering = 0;
  double corruption = 0;        // of one bit of an IPv4 packet
  base::Duration delay;         // added to every frame
  base::Duration delay_jitter;  // uniformly up to this much more; reorders, too
};

// SplitMix64 (Steele, Lea, Flood, 2014).
class FaultRandom {
 public:
  explicit FaultRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  bool happens(double probability);
  // Below `bound`, which is not 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

class FaultLine {
 public:
  // Frames held back at most; what comes on top is dropped.
  static constexpr std::size_t kMaxHeld = 4096;
  // A reordered frame is let out behind one to this many later ones, or after this time.
  static constexpr std::size_t kMaxOvertakers = 4;
  static constexpr base::Duration kReorderTimeout = base::Duration::milliseconds(5);

  // Duplicates and frames that are changed or held come from `pool`, which outlives the line, as do
  // the counters.
  FaultLine(const FaultRates& rates, std::uint64_t seed, base::PacketPool& pool,
            base::Counters<NicCounter>& counters);
  ~FaultLine();
  FaultLine(const FaultLine&) = delete;
  FaultLine& operator=(const FaultLine&) = delete;

  void admit(base::Instant now, base::PacketPtr frame);
  // Moves what is due into ready().
  void advance(base::Instant now);
  // Frames to pass on, in order.
  [[nodiscard]] base::PacketQueue& ready() { return ready_; }
  // Of the next advance() that lets something out.
  [[nodiscard]] base::Instant next_deadline() const;
  // Frames in it, ready ones included.
  [[nodiscard]] std::size_t size() const {
    return ready_.packets() + delayed_.size() + set_aside_count_;
  }

 private:
  struct Delayed {
    base::Instant due;
    std::uint64_t order;  // of arrival, for frames due at the same time
    base::Packet* frame;
  };
  struct SetAside {
    base::Instant timeout;
    std::size_t overtakers;  // still to pass
    base::Packet* frame;
  };
  static bool later(const Delayed& a, const Delayed& b);

  void delay(base::Instant now, base::PacketPtr frame);
  void reorder(base::Instant now, base::PacketPtr frame);
  void let_out_overtaken(base::Instant now, bool one_passed);
  [[nodiscard]] base::PacketPtr own_copy(base::PacketPtr frame);
  [[nodiscard]] base::PacketPtr corrupted(base::PacketPtr frame);

  const FaultRates rates_;
  FaultRandom random_;
  base::PacketPool& pool_;
  base::Counters<NicCounter>& counters_;
  base::PacketQueue ready_;
  std::vector<Delayed> delayed_;  // a heap, the earliest first
  std::uint64_t arrivals_ = 0;
  std::array<SetAside, 16> set_aside_{};
  std::size_t set_aside_count_ = 0;
};

}  // namespace sluice::nic
