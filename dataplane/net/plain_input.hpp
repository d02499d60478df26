// The ordinary course: segments of open connections that are exactly what was expected, a burst at
// a time. While one is read, what the next ones need is on its way from memory; the headers are
// read once, and TCP is left with the few steps that the segment calls for (Jacobson's header
// prediction, RFC 7323 appendix E). Everything else takes the way through every layer, which must
// treat a plain segment just the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/interface.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/wire/plain_segment.hpp"

namespace sluice::net {

class PlainInput {
 public:
  explicit PlainInput(tcp::Engine& engine) : engine_(engine) {}

  // Precondition: frames.size() <= base::limits::kBurst.
  void look_ahead(const Interface& interface, std::span<base::Packet* const> frames);
  // Takes the burst's frame number `i`, or leaves it to the layers. Precondition: all before it are
  // done with.
  [[nodiscard]] bool take(base::Instant now, std::size_t i, base::PacketPtr& frame);

 private:
  struct Lane {
    bool plain;
    bool verified;  // by the device
    std::uint32_t place;
    wire::PlainSegment segment;
  };

  tcp::Engine& engine_;
  std::array<Lane, base::limits::kBurst> lanes_;
};

}  // namespace sluice::net
