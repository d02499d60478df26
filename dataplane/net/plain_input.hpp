// The ordinary course, a burst at a time: plain packets (wire/plain_packet.hpp) with segments for
// TCP. While one is read, what the next ones need is on its way from memory. Segments of open
// connections that are exactly what was expected leave TCP with the few steps that they call for
// (Jacobson's header prediction, RFC 7323 appendix E); any other segment, a SYN of a flood among
// them, at least finds its place looked up. What is not plain takes the way through every layer,
// which must treat plain packets just the same.
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
  enum class Kind : std::uint8_t { kOther, kPacket, kSegment };
  struct Lane {
    Kind kind;
    bool verified;  // by the device
    std::uint32_t hash;
    std::uint32_t place;
    wire::PlainSegment segment;  // as far as it is plain
  };
  static void strip(base::Packet& frame, const wire::PlainPacket& packet);

  tcp::Engine& engine_;
  const Interface* interface_ = nullptr;  // that the burst came through
  std::array<Lane, base::limits::kBurst> lanes_;
};

}  // namespace sluice::net
