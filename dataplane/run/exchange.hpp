// The rings between workers: one single-producer, single-consumer ring for each ordered pair. They
// carry frames that arrived at a worker that does not own their flow, and frames whose worker has
// no transmit queue of its own. Each worker has a doorbell, which is rung for a whole burst at
// once.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/limits.hpp"
#include "base/packet.hpp"
#include "base/spsc_ring.hpp"
#include "dataplane/run/doorbell.hpp"

namespace sluice::run {

// One packet on its way; whoever holds the parcel owns the reference.
struct Parcel {
  enum class Kind : std::uint8_t {
    kReceived,  // for the owner's stack
    kTransmit,  // for the device
  };
  base::Packet* packet = nullptr;
  Kind kind = Kind::kReceived;
  std::uint8_t port = 0;
};

class Exchange {
 public:
  static constexpr std::size_t kDepth = 1024;  // parcels on their way between two workers

  explicit Exchange(unsigned workers) : workers_(workers), desks_(workers) {
    rings_.reserve(std::size_t{workers} * workers);
    for (unsigned from = 0; from < workers; ++from) {
      for (unsigned to = 0; to < workers; ++to) {
        rings_.push_back(from == to ? nullptr : std::make_unique<base::SpscRing<Parcel>>(kDepth));
      }
    }
  }
  // No worker runs any more: what is still on its way goes back to its pool.
  ~Exchange() {
    for (const auto& ring : rings_) {
      if (ring == nullptr) continue;
      while (const auto parcel = ring->pop()) parcel->packet->release();
    }
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] unsigned workers() const { return workers_; }

  // Only worker `from` may call this. False when the ring is full: the parcel stays the caller's.
  [[nodiscard]] bool send(unsigned from, unsigned to, const Parcel& parcel) {
    if (!ring(from, to).push(parcel)) return false;
    desks_[from].sent_to |= std::uint64_t{1} << to;
    return true;
  }
  // Only worker `from` may call this: wakes those to whom it has sent since the last time.
  void ring_doorbells(unsigned from) {
    std::uint64_t& sent_to = desks_[from].sent_to;
    for (; sent_to != 0; sent_to &= sent_to - 1) {
      desks_[static_cast<unsigned>(std::countr_zero(sent_to))].doorbell.ring();
    }
  }
  // Only worker `to` may call this.
  [[nodiscard]] std::optional<Parcel> take(unsigned from, unsigned to) {
    return ring(from, to).pop();
  }
  [[nodiscard]] bool anything_for(unsigned to) {
    for (unsigned from = 0; from < workers_; ++from) {
      if (from != to && !ring(from, to).empty()) return true;
    }
    return false;
  }
  [[nodiscard]] Doorbell& doorbell(unsigned worker) { return desks_[worker].doorbell; }

 private:
  // What belongs to one worker.
  struct Desk {
    Doorbell doorbell;
    std::uint64_t sent_to = 0;  // one bit per worker; touched by its own worker only
  };
  static_assert(base::limits::kMaxWorkers <= 64);

  base::SpscRing<Parcel>& ring(unsigned from, unsigned to) {
    assert(from != to);
    return *rings_[std::size_t{from} * workers_ + to];
  }

  const unsigned workers_;
  std::vector<Desk> desks_;
  std::vector<std::unique_ptr<base::SpscRing<Parcel>>> rings_;
};

}  // namespace sluice::run
