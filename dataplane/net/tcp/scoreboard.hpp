// Which of the segments in flight the peer has reported (RFC 2018), as runs of reported segments
// whose two ends know each other. A block is looked for from where the last one was found, across
// whole runs, and so far only: what a peer may make us look at with one acknowledgment has a bound,
// however many segments are in flight and wherever its blocks lie.
#pragma once

#include <cstdint>

#include "dataplane/net/tcp/send_queue.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

class Scoreboard {
 public:
  // Steps that looking for the blocks of one acknowledgment may take. The blocks of an honest peer
  // lie beside what it reported last or at the end of the queue, whose distance is next to nothing.
  static constexpr std::uint32_t kMostSteps = 256;

  struct Found {
    SendSegment* segment = nullptr;  // null: the last one lies in front of it
    bool gave_up = false;            // the next search goes on from here
  };
  // The first segment that begins at or behind `seq`; of a run that does, perhaps its last one.
  // Adds to `steps`, and gives up at kMostSteps.
  [[nodiscard]] Found find(const SendQueue& queue, wire::SeqNumber seq, std::uint32_t& steps);
  // The one behind the run of a segment that find() gave, or that follows another run.
  [[nodiscard]] static SendSegment* behind_run(SendSegment& segment);

  // The peer has the segment, which is kSacked from now on.
  void mark(const SendQueue& queue, SendSegment& segment);
  // The first segment of the queue, which is kSacked, is so no longer.
  void on_first_leaves(const SendSegment& first);
  // A segment that is kSacked was cut in two.
  static void on_split(SendSegment& segment);
  // The first segment of the queue is acknowledged.
  void on_gone(const SendSegment& segment) {
    if (finger_ == &segment) finger_ = nullptr;
  }
  // Nothing is marked any more.
  void forget() { finger_ = nullptr; }
  [[nodiscard]] bool is_forgotten() const { return finger_ == nullptr; }

 private:
  [[nodiscard]] SendSegment* nearest(const SendQueue& queue, wire::SeqNumber seq) const;

  // Where something was found last: an end of a run, or no part of one. Null: nowhere.
  SendSegment* finger_ = nullptr;
};

}  // namespace sluice::net::tcp
