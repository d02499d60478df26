// The ordinary course, a burst at a time: plain packets (wire/plain_packet.hpp) with segments for
// TCP. While one is read, what the next ones need is on its way from memory. Segments that continue
// each other are taken as one: what a device does that coalesces (LRO) is done here where none
// does. Segments of open connections that are exactly what was expected leave TCP with the few
// steps that they call for (Jacobson's header prediction, RFC 7323 appendix E); any other segment,
// a SYN of a flood among them, at least finds its place looked up. What is not plain takes the way
// through every layer, which must treat plain packets just the same.
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
  void look_ahead(base::Instant now, const Interface& interface,
                  std::span<base::Packet* const> frames);
  // Takes the burst's frame number `i`, and perhaps some that follow it; returns how many they
  // were. None: the frame is left to the layers. Precondition: all before it are done with, and the
  // burst is the one that was looked at.
  [[nodiscard]] std::size_t take(base::Instant now, std::size_t i,
                                 std::span<base::Packet* const> frames);

 private:
  enum class Kind : std::uint8_t { kOther, kShed, kPacket, kSegment };
  struct Lane {
    Kind kind;
    bool verified;  // its checksums, by the device or by now
    bool goes_on;   // its segment continues the one before
    std::uint32_t hash;
    std::uint32_t place;
  };
  // While frame number `i` is taken, what those a little behind it take off queues.
  void look_at_queues(std::size_t i) const;
  [[nodiscard]] bool verify(std::size_t i, const base::Packet& frame);
  [[nodiscard]] std::size_t run_from(std::size_t i, std::span<base::Packet* const> frames);
  static void strip(base::Packet& frame, const wire::PlainPacket& packet);

  tcp::Engine& engine_;
  std::size_t frames_ = 0;                // in the burst
  const Interface* interface_ = nullptr;  // that the burst came through
  std::array<Lane, base::limits::kBurst> lanes_;
  std::array<wire::PlainSegment, base::limits::kBurst> segments_;  // as far as each is plain
};

}  // namespace sluice::net
