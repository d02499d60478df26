// The search of one connection for larger segments (RFC 4821 7), from the moment that its path
// turned out to take less than both ends: a few words that only such a connection has.
#pragma once

#include <cstdint>

#include "base/pool.hpp"
#include "base/time.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

struct PathSearch {
  base::Instant next_probe;  // no segment larger than the MSS goes out before
  base::Duration interval;   // from a probe that fails to the next one
  wire::SeqNumber probe_end;
  std::uint16_t probe = 0;  // text of the probe that is out; 0: none
  std::uint16_t most = 0;   // text of a segment that both ends take: the search ends there
  std::uint8_t reports = 0;
  bool suspected = false;  // no router has reported anything: timeouts began this
};

using PathSearchPool = base::Pool<PathSearch>;

}  // namespace sluice::net::tcp
