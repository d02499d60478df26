// Frames that are changed at random, for readers that must read what is left as the parsers do.
#pragma once

#include <cstddef>
#include <random>

#include "tests/support/frames.hpp"

namespace sluice::wire {

// None to two of the frame's bytes become others, perhaps.
inline void change_at_random(test::ByteVector& frame, std::mt19937& random) {
  const std::size_t changes = random() % 3;
  for (std::size_t k = 0; k < changes; ++k) {
    frame[random() % frame.size()] = static_cast<std::byte>(random());
  }
}

}  // namespace sluice::wire
