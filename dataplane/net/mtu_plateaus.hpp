// RFC 1191 7: the sizes of packets that links have. A router older than that document does not say
// how large a packet may be; the next smaller of these is tried then.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::net {

inline constexpr std::array<std::uint16_t, 10> kMtuPlateaus = {32000, 17914, 8166, 4352, 2002,
                                                               1492,  1006,  508,  296,  68};

// For a packet of `size` bytes that was too big.
[[nodiscard]] constexpr std::uint16_t plateau_below(std::size_t size) {
  for (const std::uint16_t plateau : kMtuPlateaus) {
    if (plateau < size) return plateau;
  }
  return kMtuPlateaus.back();
}

}  // namespace sluice::net
