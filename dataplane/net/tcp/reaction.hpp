// Congestion control learns here what loss recovery has made of an acknowledgment or of a timer.
#pragma once

#include <cstdint>

#include "dataplane/net/tcp/core.hpp"

namespace sluice::net::tcp {

// Bytes as they were before the event.
struct FlightBefore {
  explicit FlightBefore(const Connection& c)
      : flight(c.snd.flight()), pipe(c.outbox->recovery.pipe(c.snd.mss)) {}
  std::uint32_t flight;  // sent and not acknowledged
  std::uint32_t pipe;    // in the network
};

// Signs of congestion besides what recovery has found.
struct Congested {
  bool probe_repaired = false;  // a tail loss probe has repaired a loss (RFC 8985 7.4.2)
  bool echoed = false;          // the peer echoes a mark (RFC 3168 6.1.2)
};

// Counts what judging the segments in flight has cost, and the blocks that were in vain.
void count_work(Core& core, const AckOutcome& outcome);

void react(Core& core, Connection& c, const AckOutcome& outcome, const FlightBefore& before,
           Congested congested = {});

}  // namespace sluice::net::tcp
