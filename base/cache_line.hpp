// What the processor moves at a time.
#pragma once

#include <cstddef>

namespace sluice::base {

inline constexpr std::size_t kCacheLine = 64;  // bytes

}  // namespace sluice::base
