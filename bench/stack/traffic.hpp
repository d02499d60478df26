// Bulk in both directions on a crowd's connections, visited in one random order again and again, a
// burst at a time: full or small segments in, as many out, and the acknowledgments of those sent a
// while before. What the stack does is timed step by step; what the peers and the sessions'
// payload cost is off the clock.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "bench/stack/crowd.hpp"
#include "bench/stack/stopwatch.hpp"

namespace sluice::bench {

class Traffic {
 public:
  struct Options {
    std::size_t text = kFullSegment;  // bytes of a segment
    // Segments in a row on one connection. With two or more, each visit is acknowledged at once;
    // with one, every second. The peer acknowledges every second one and the last.
    std::size_t per_visit = 1;
    bool receive_only = false;  // nothing goes out but our acknowledgments
  };
  Traffic(Crowd& crowd, const Options& options);

  struct Tallies {
    Tally receive;      // of segments in order
    Tally read;         // by the sessions, per segment received
    Tally answer;       // our acknowledgments of them, per segment received
    Tally transmit;     // of segments, from send() to the finished frame
    Tally acknowledge;  // by the peers, per segment transmitted
    Tally timers;       // per segment of the round

    void add(const Tallies& other);
    [[nodiscard]] base::Duration time() const {
      return receive.time + read.time + answer.time + transmit.time + acknowledge.time +
             timers.time;
    }
    // Per segment that went either way, acknowledgments that arrive not counted.
    [[nodiscard]] double nanoseconds_per_segment() const;
  };
  // One burst of each.
  [[nodiscard]] Tallies round();
  [[nodiscard]] Tallies rounds(std::size_t n);

  // Acknowledges what is still in flight, off the clock: the end of a run.
  void settle();

  // Rounds in which every connection has been visited.
  [[nodiscard]] std::size_t rounds_per_pass() const { return order_.size() / visits_; }
  // True while each segment has arrived where it should and nothing was sent twice.
  [[nodiscard]] bool undisturbed() const;

 private:
  [[nodiscard]] Peers::Number at(std::size_t position) const {
    return order_[position % order_.size()];
  }
  void receive(Tallies& tallies);
  Tally transmit();
  // All that the peers have to acknowledge but the last `keep`.
  base::Duration acknowledge(std::size_t keep);
  void hear_burst();

  struct Acknowledgment {
    Peers::Number number;
    wire::SeqNumber up_to;
  };

  Crowd& crowd_;
  const Options options_;
  std::vector<Peers::Number> order_;
  std::size_t visits_;                          // in a burst
  std::size_t lag_;                             // visits between a segment and its acknowledgment
  std::size_t position_;                        // of the next visit
  std::deque<Acknowledgment> acknowledgments_;  // that the peers have yet to send
  std::uint64_t heard_ = 0;                     // segments that the peers got
  std::uint64_t to_hear_ = 0;                   // that they should have got
};

}  // namespace sluice::bench
