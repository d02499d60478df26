// How fast a connection may put data on the wire. BBR says so itself; under a congestion window
// alone it is the window in a round-trip time: twice as fast while it grows in slow start, with a
// margin afterwards, so that pacing does not become the limit.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "dataplane/net/tcp/connection.hpp"

namespace sluice::net::tcp {

class Pacer {
 public:
  explicit Pacer(const Connection& c);

  // False: all that the window allows goes out at once.
  [[nodiscard]] bool on() const { return rate_ > 0; }
  // What goes out in one go, bytes.
  [[nodiscard]] std::uint32_t quantum() const { return quantum_; }
  // When more may, after `bytes` at `now`.
  [[nodiscard]] base::Instant next(base::Instant now, base::Instant previous,
                                   std::uint32_t bytes) const;

 private:
  std::uint64_t rate_ = 0;  // bytes per second
  std::uint32_t quantum_ = 0;
};

}  // namespace sluice::net::tcp
