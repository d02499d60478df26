// Scripts of loss and recovery, in which all text goes in segments of one size: these are counted,
// and not their bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {

inline constexpr std::uint32_t kMss = 1'000;

// So many are written, and nobody looks at those that go out.
inline void send(Script& host, ConnectionHandle connection, std::uint32_t segments) {
  host.write(connection, std::size_t{segments} * kMss);
  host.forget_sent();
}

// Opened by the peer, with the segments written of which a window of ten is on its way.
[[nodiscard]] inline ConnectionHandle established_with(Script& host, std::uint32_t segments) {
  const ConnectionHandle connection = host.established();
  send(host, connection, segments);
  return connection;
}

// The peer has so many.
[[nodiscard]] inline Segment ack_of(const Script& host, std::uint32_t segments) {
  return bare(host.theirs(0)).ack(host.ours(segments * kMss));
}

// And, behind a gap, those from one to another.
[[nodiscard]] inline Segment sack_of(const Script& host, std::uint32_t acked, std::uint32_t from,
                                     std::uint32_t to) {
  return ack_of(host, acked).sack(host.ours(from * kMss), host.ours(to * kMss));
}

// The numbers of the segments that were sent and not looked at.
[[nodiscard]] inline std::vector<std::uint32_t> numbers_sent(Script& host) {
  std::vector<std::uint32_t> numbers;
  for (const Segment& segment : host.all_sent()) {
    numbers.push_back(static_cast<std::uint32_t>(segment.header.sequence - host.ours(0)) / kMss);
  }
  return numbers;
}

}  // namespace sluice::net::tcp::test
