// What a fuzz target claims. Ends the program when it does not hold, in every build.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace sluice::fuzz {

inline void require(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", claim);
  std::abort();
}

}  // namespace sluice::fuzz
