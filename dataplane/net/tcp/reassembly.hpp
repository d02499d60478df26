// Segments that arrived ahead of a gap, until it is filled (RFC 9293 3.10.7.4), kept as runs of
// packets without gaps between them. Where segments overlap, the first copy of a byte wins, so that
// whoever saw it pass has seen what the session gets. Bounded in runs here and in true size by the
// caller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/packet.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// Adds a packet to the end of a queue. A payload that fits into the last packet's tail is copied
// there, so that small segments cost no more memory than their bytes.
void append_coalescing(base::PacketQueue& queue, base::PacketPtr packet);

class Reassembly {
 public:
  // Peers with more gaps than this in one window gain nothing from the rest; it bounds the search.
  static constexpr std::size_t kMaxRuns = 128;

  enum class Outcome : std::uint8_t { kStored, kNothingNew, kFull };
  struct Insertion {
    Outcome outcome = Outcome::kNothingNew;
    // The first bytes of the segment that had arrived before (RFC 2883 4.2.2), in one run.
    std::optional<wire::SackBlock> duplicate;
  };

  Reassembly() = default;
  ~Reassembly() { clear(); }
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  // Stores the packet's bytes, which begin at `seq`. Precondition: not empty, exclusive.
  // A segment that covers a whole run and more is cut; `pool` is for the copy of what lies behind.
  Insertion insert(base::PacketPool& pool, base::PacketPtr packet, wire::SeqNumber seq);
  // Moves what continues at `next` to the end of `input` and advances `next` over it.
  void deliver(base::PacketQueue& input, wire::SeqNumber& next);
  // RFC 2018 4: the block with the segment that arrived last first, then the most recent others.
  [[nodiscard]] wire::SackBlocks sack_blocks(std::size_t max) const;
  void clear();

  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  // Where the first byte that is held lies. Precondition: !empty().
  [[nodiscard]] wire::SeqNumber begin() const;
  [[nodiscard]] std::size_t true_size() const { return true_size_; }
  [[nodiscard]] std::size_t runs() const { return runs_; }

 private:
  struct Run;
  static Run& run_of(base::Packet& first);

  [[nodiscard]] base::Packet* last_run_not_behind(wire::SeqNumber seq) const;
  void note_recent(wire::SeqNumber seq);
  Outcome store(base::Packet* previous, base::PacketPtr packet, wire::SeqNumber seq);
  void append_to_run(base::Packet& first, base::PacketPtr packet);
  void merge_with_next(base::Packet& first);
  [[nodiscard]] base::Packet* find(wire::SeqNumber seq) const;

  base::Packet* first_ = nullptr;        // the first packet of the first run
  base::Packet* last_stored_ = nullptr;  // and of the run that grew last, where most searches end
  std::uint32_t true_size_ = 0;
  std::uint16_t runs_ = 0;
  std::uint8_t recent_count_ = 0;
  std::array<wire::SeqNumber, 3> recent_;  // bytes that arrived lately, newest first
};

}  // namespace sluice::net::tcp
