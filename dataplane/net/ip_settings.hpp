// What the headers of both IP families say of every packet: RFC 9293 3.9.2 and 3.9.1.9 have TCP's
// user decide it.
#pragma once

#include <cstdint>

namespace sluice::net {

struct IpSettings {
  std::uint8_t hop_limit = 64;  // MUST-49; IPv4's time to live
  std::uint8_t dscp = 0;        // MUST-48: of TCP's segments, below 64 (RFC 2474)

  // The octet of the header, whose lower bits are ECN's.
  [[nodiscard]] std::uint8_t traffic_class() const {
    return static_cast<std::uint8_t>((dscp & 0x3f) << 2);
  }
};

}  // namespace sluice::net
