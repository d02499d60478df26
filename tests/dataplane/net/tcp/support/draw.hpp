// What the sweep draws for one seed: a link, two hosts, the transfers between them and how each of
// them ends. The same seed is the same draw, and describe() says all of it in a few lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/dataplane/net/tcp/support/simulation.hpp"
#include "tests/dataplane/net/tcp/support/transfer.hpp"

namespace sluice::net::tcp::test {

enum class Ending : std::uint8_t {
  kOrderly,
  kClosed,   // one session closes in the middle, whatever is left to send or read
  kAborted,  // or aborts
};

// What happens to all connections in the middle.
enum class Incident : std::uint8_t {
  kNone,
  kCut,      // the cable is cut, for good: neither side hears of the other again
  kCrashed,  // one side forgets everything without a word, and then answers as who knows nothing
};

struct DrawnConnection {
  TransferPlan client;
  TransferPlan server;
  Ending ending = Ending::kOrderly;
};

struct Draw {
  Simulation::Options options;
  std::vector<DrawnConnection> connections;
  Incident incident = Incident::kNone;
  bool client_side = false;  // who closes, aborts or crashes
  base::Duration when;       // it does
};

[[nodiscard]] Draw draw(std::uint64_t seed);
[[nodiscard]] std::string describe(const Draw& draw);

}  // namespace sluice::net::tcp::test
