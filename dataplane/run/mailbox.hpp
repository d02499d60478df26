// How the control thread and a worker talk: one ring of commands to the worker and one of replies
// back. The control side never touches a worker's state; it sends an empty report and gets it back
// filled in.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/counters.hpp"
#include "base/spsc_ring.hpp"

namespace sluice::run {

// One layer's counters, copied. The infos are constants and need no copy.
struct CounterSection {
  std::string_view layer;  // "net", "tls", ...
  std::span<const base::CounterInfo> infos;
  std::vector<std::uint64_t> values;
};

// A level that can go down again: connections, packets in the pool.
struct Gauge {
  std::string_view name;
  std::uint64_t value;
};

struct WorkerReport {
  unsigned worker = 0;
  unsigned core = 0;
  std::vector<CounterSection> counters;
  std::vector<Gauge> gauges;
};

struct Command {
  enum class Kind : std::uint8_t {
    kReport,  // fill in `report` and send it back
    kDrain,   // stop listening, let sessions end; reply when all they had to say has arrived
    kStop,    // end sessions, after a while at once; reply when done, and go on forwarding
    kLeave,   // leave the loop; no reply
  };
  Kind kind = Kind::kReport;
  WorkerReport* report = nullptr;  // owned by the control side
  std::uint64_t id = 0;            // comes back with the reply
};

struct Reply {
  Command::Kind kind = Command::Kind::kReport;
  WorkerReport* report = nullptr;
  std::uint64_t id = 0;
};

struct Mailbox {
  static constexpr std::size_t kDepth = 16;
  base::SpscRing<Command> commands{kDepth};  // control -> worker
  base::SpscRing<Reply> replies{kDepth};     // worker -> control
};

}  // namespace sluice::run
