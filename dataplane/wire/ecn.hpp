// The field of IP's traffic class that congested routers mark (RFC 3168 5), the same in IPv4 and
// IPv6.
#pragma once

#include <cstdint>

namespace sluice::wire {

enum class EcnCodepoint : std::uint8_t {
  kNotEct = 0,
  kEct1 = 1,
  kEct0 = 2,
  kCe = 3,  // congestion experienced
};

[[nodiscard]] constexpr EcnCodepoint ecn_of(std::uint8_t traffic_class) {
  return static_cast<EcnCodepoint>(traffic_class & 3);
}

// A traffic class with the ECN field of another one.
[[nodiscard]] constexpr std::uint8_t with_ecn(std::uint8_t traffic_class, std::uint8_t ecn) {
  return static_cast<std::uint8_t>((traffic_class & ~3U) | (ecn & 3U));
}

}  // namespace sluice::wire
