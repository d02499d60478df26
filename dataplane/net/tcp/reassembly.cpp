#include "dataplane/net/tcp/reassembly.hpp"

#include <algorithm>
#include <cassert>

namespace sluice::net::tcp {

using base::Packet;
using base::PacketPtr;
using wire::SeqNumber;

// Lies in the notes of a run's first packet; the packets of a run are chained by Packet::next.
struct Reassembly::Run {
  SeqNumber begin;
  SeqNumber end;
  Packet* last;
  Packet* next_run;
};

Reassembly::Run& Reassembly::run_of(Packet& first) {
  return first.notes<Run>();
}

void append_coalescing(base::PacketQueue& queue, PacketPtr packet) {
  Packet* back = queue.back();
  if (back != nullptr && back->tailroom() >= packet->size() && back->exclusive()) {
    queue.append_to_back(packet->bytes());
  } else {
    queue.push_back(std::move(packet));
  }
}

// The last run that begins at or before `seq`, or null. Text mostly arrives beside what came last.
Packet* Reassembly::last_run_not_behind(SeqNumber seq) const {
  Packet* previous = nullptr;
  const bool near = last_stored_ != nullptr && run_of(*last_stored_).begin <= seq;
  for (Packet* run = near ? last_stored_ : first_; run != nullptr && run_of(*run).begin <= seq;
       run = run_of(*run).next_run) {
    previous = run;
  }
  return previous;
}

Reassembly::Insertion Reassembly::insert(base::PacketPool& pool, PacketPtr packet, SeqNumber seq) {
  Insertion insertion;
  const auto note_duplicate = [&insertion](SeqNumber left, SeqNumber right) {
    if (!insertion.duplicate) insertion.duplicate = {.left = left, .right = right};
  };
  while (packet) {
    Packet* previous = last_run_not_behind(seq);
    if (previous != nullptr && run_of(*previous).end > seq) {
      const auto covered = static_cast<std::size_t>(run_of(*previous).end - seq);
      note_duplicate(
          seq, seq + static_cast<std::uint32_t>(std::min<std::size_t>(covered, packet->size())));
      if (covered >= packet->size()) {
        // RFC 2883 4: the run with the duplicate stands behind it.
        if (insertion.outcome == Outcome::kNothingNew) note_recent(seq);
        return insertion;
      }
      packet->trim_front(covered);
      seq += static_cast<std::uint32_t>(covered);
    }
    const SeqNumber end = seq + static_cast<std::uint32_t>(packet->size());
    Packet* next = previous != nullptr ? run_of(*previous).next_run : first_;
    PacketPtr behind;
    SeqNumber behind_seq;
    if (next != nullptr && run_of(*next).begin < end) {
      const auto size = static_cast<std::size_t>(run_of(*next).begin - seq);
      note_duplicate(run_of(*next).begin, run_of(*next).end < end ? run_of(*next).end : end);
      if (run_of(*next).end < end) {
        behind_seq = run_of(*next).end;
        const auto rest = static_cast<std::size_t>(end - behind_seq);
        behind.reset(pool.allocate());
        if (behind && behind->tailroom() < rest) behind.reset();
        if (behind) base::copy(behind->append(rest), packet->bytes().last(rest));
      }
      packet->trim_back(packet->size() - size);
    }
    insertion.outcome = store(previous, std::move(packet), seq);
    if (insertion.outcome == Outcome::kFull) return insertion;
    packet = std::move(behind);
    seq = behind_seq;
  }
  return insertion;
}

// Links a packet that overlaps nothing behind the run `previous` (null: in front of all).
Reassembly::Outcome Reassembly::store(Packet* previous, PacketPtr packet, SeqNumber seq) {
  Packet* run = previous;
  if (previous == nullptr || run_of(*previous).end != seq) {
    if (runs_ == kMaxRuns) return Outcome::kFull;
    Packet* next = previous != nullptr ? run_of(*previous).next_run : first_;
    run = packet.release();
    run->next = nullptr;
    run_of(*run) = {.begin = seq,
                    .end = seq + static_cast<std::uint32_t>(run->size()),
                    .last = run,
                    .next_run = next};
    (previous != nullptr ? run_of(*previous).next_run : first_) = run;
    true_size_ += static_cast<std::uint32_t>(run->true_size());
    ++runs_;
  } else {
    append_to_run(*run, std::move(packet));
  }
  merge_with_next(*run);
  last_stored_ = run;
  note_recent(seq);
  return Outcome::kStored;
}

void Reassembly::note_recent(SeqNumber seq) {
  std::ranges::copy_backward(recent_.begin(), recent_.end() - 1, recent_.end());
  recent_[0] = seq;
  recent_count_ =
      static_cast<std::uint8_t>(std::min<std::size_t>(recent_count_ + 1U, recent_.size()));
}

void Reassembly::append_to_run(Packet& first, PacketPtr packet) {
  Run& run = run_of(first);
  run.end += static_cast<std::uint32_t>(packet->size());
  if (run.last->tailroom() >= packet->size() && run.last->exclusive()) {
    base::copy(run.last->append(packet->size()), packet->bytes());
    return;
  }
  true_size_ += static_cast<std::uint32_t>(packet->true_size());
  Packet* last = packet.release();
  last->next = nullptr;
  run.last->next = last;
  run.last = last;
}

void Reassembly::merge_with_next(Packet& first) {
  Run& run = run_of(first);
  if (run.next_run == nullptr || run_of(*run.next_run).begin != run.end) return;
  const Run next = run_of(*run.next_run);
  run.last->next = run.next_run;
  run.last = next.last;
  run.end = next.end;
  run.next_run = next.next_run;
  --runs_;
}

void Reassembly::deliver(base::PacketQueue& input, SeqNumber& next) {
  while (first_ != nullptr && run_of(*first_).begin <= next) {
    const Run run = run_of(*first_);
    if (last_stored_ == first_) last_stored_ = nullptr;
    SeqNumber at = run.begin;
    for (Packet* packet = first_; packet != nullptr;) {
      PacketPtr taken(packet);
      packet = std::exchange(taken->next, nullptr);
      true_size_ -= static_cast<std::uint32_t>(taken->true_size());
      const SeqNumber end = at + static_cast<std::uint32_t>(taken->size());
      if (end > next) {
        if (next > at) taken->trim_front(static_cast<std::size_t>(next - at));
        append_coalescing(input, std::move(taken));
        next = end;
      }
      at = end;
    }
    first_ = run.next_run;
    --runs_;
  }
  if (first_ == nullptr) recent_count_ = 0;
}

SeqNumber Reassembly::begin() const {
  return run_of(*first_).begin;
}

Packet* Reassembly::find(SeqNumber seq) const {
  Packet* run = last_run_not_behind(seq);
  return run != nullptr && run_of(*run).end > seq ? run : nullptr;
}

wire::SackBlocks Reassembly::sack_blocks(std::size_t max) const {
  wire::SackBlocks blocks;
  const auto add = [&blocks](Packet& first) {
    const wire::SackBlock block{.left = run_of(first).begin, .right = run_of(first).end};
    if (std::ranges::find(blocks.view(), block) == blocks.view().end()) blocks.push_back(block);
  };
  for (std::size_t i = 0; i < recent_count_ && blocks.size() < max; ++i) {
    if (Packet* run = find(recent_[i]); run != nullptr) add(*run);
  }
  for (Packet* run = first_; run != nullptr && blocks.size() < max; run = run_of(*run).next_run) {
    add(*run);
  }
  return blocks;
}

void Reassembly::clear() {
  while (first_ != nullptr) {
    Packet* const next_run = run_of(*first_).next_run;
    for (Packet* packet = first_; packet != nullptr;) {
      Packet* const next = packet->next;
      packet->release();
      packet = next;
    }
    first_ = next_run;
  }
  last_stored_ = nullptr;
  true_size_ = 0;
  runs_ = 0;
  recent_count_ = 0;
}

}  // namespace sluice::net::tcp
