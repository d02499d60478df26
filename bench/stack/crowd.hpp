// Any number of established connections on one stack, with their scripted peers, named by the
// peers' numbers; a million take about a gigabyte.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "bench/stack/bed.hpp"
#include "bench/stack/peers.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::bench {

class Crowd {
 public:
  struct Options {
    std::size_t connections = 1;
    std::size_t room = 0;  // for more than these, in the stack
    bool device_checksums = false;
    bool device_tso = false;
    std::size_t packets = 16'384;
  };
  // Reserves and touches what the benchmark itself needs; opens nothing yet.
  explicit Crowd(const Options& options);

  // False when the stack refused some of them.
  [[nodiscard]] bool establish();

  // Takes the stack's events; each session reads and drops all that has arrived.
  void serve_events();
  // Lets the peers hear all that the stack has sent.
  void hear_all();

  [[nodiscard]] std::size_t size() const { return handles_.size(); }
  [[nodiscard]] net::ConnectionHandle handle(Peers::Number number) const {
    return handles_[number];
  }

  Bed bed;
  Peers peers;

 private:
  void on_event(const net::Event& event);

  std::vector<net::ConnectionHandle> handles_;
  std::size_t opened_ = 0;
};

// The million established connections that several benchmarks share: made when first asked for.
// Null, and a sentence in `why`, when there is no memory for them.
struct Million {
  std::unique_ptr<Crowd> crowd;
  std::size_t growth = 0;  // of resident memory while they were established, bytes
  const char* why = "";
};
[[nodiscard]] Million& million();

}  // namespace sluice::bench
