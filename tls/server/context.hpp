// What a worker's server connections share, as the engine's own files see it (connection.hpp shows
// the rest of the program less).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counters.hpp"
#include "base/pool.hpp"
#include "tls/counters.hpp"
#include "tls/record/key_pool.hpp"
#include "tls/server/connection.hpp"
#include "tls/server/handshake.hpp"
#include "tls/server/limits.hpp"
#include "tls/server/policy.hpp"
#include "tls/server/random.hpp"

namespace sluice::tls {

struct ServerContext::Parts {
  Parts(const Options& options, const PolicySource& source);

  const PolicySource& policies;
  const std::uint64_t records_per_key;
  base::Counters<TlsCounter> counters;
  base::Pool<ServerHandshake> handshakes;
  KeyPool keys;
  RandomSource random;

  // For the length of one call.
  std::array<std::byte, kMaxFlight> flight;  // messages on their way out
  ClientHelloFacts facts;                    // kept for the capacity of its list
};

}  // namespace sluice::tls
