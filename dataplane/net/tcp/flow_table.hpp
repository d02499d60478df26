// The demultiplexer's table: flow hash to the index of a control block. Open addressing with linear
// probing, at most half full, sized once at start; the hash is keyed, so clusters stay short for
// every peer, and a bound on the displacement keeps each look-up bounded even so.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/pool.hpp"

namespace sluice::net::tcp {

class FlowTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  explicit FlowTable(std::size_t max_flows)
      : mask_(static_cast<std::uint32_t>(std::bit_ceil(2 * max_flows + 2) - 1)),
        memory_((std::size_t{mask_} + 1) * sizeof(Slot)),
        slots_(static_cast<Slot*>(memory_.data())) {}

  // The index for which `matches(index)` holds among those stored under `hash`, or kNone.
  template <typename Matches>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, Matches&& matches) const {
    for (std::uint32_t i = 0; i <= kMaxDisplacement; ++i) {
      const Slot& slot = slots_[(hash + i) & mask_];
      if (slot.entry == 0) return kNone;
      if (slot.hash == hash && matches(slot.entry - 1)) return slot.entry - 1;
    }
    return kNone;
  }

  // Begins to fetch what find() looks at first.
  void prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }

  // False when the flow would lie too far from its place.
  [[nodiscard]] bool insert(std::uint32_t hash, std::uint32_t index) {
    for (std::uint32_t i = 0; i <= kMaxDisplacement; ++i) {
      Slot& slot = slots_[(hash + i) & mask_];
      if (slot.entry != 0) continue;
      slot = {.hash = hash, .entry = index + 1};
      return true;
    }
    return false;
  }

  // Precondition: the pair was inserted.
  void erase(std::uint32_t hash, std::uint32_t index) {
    std::uint32_t hole = hash & mask_;
    while (slots_[hole].entry != index + 1) hole = (hole + 1) & mask_;
    // Closes the gap: whatever may lie at the hole or before it moves there.
    for (std::uint32_t at = (hole + 1) & mask_; slots_[at].entry != 0; at = (at + 1) & mask_) {
      const std::uint32_t displacement = (at - slots_[at].hash) & mask_;
      if (displacement < ((at - hole) & mask_)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
  }

 private:
  // A random table that is half full has clusters of some 70 slots at most, for any size in use.
  static constexpr std::uint32_t kMaxDisplacement = 128;

  struct Slot {
    std::uint32_t hash;
    std::uint32_t entry;  // index + 1; 0: free
  };

  std::uint32_t mask_;
  base::ReservedMemory memory_;
  Slot* slots_;
};

}  // namespace sluice::net::tcp
