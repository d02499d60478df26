// What this process holds and what the machine has left, from /proc; bytes.
#pragma once

#include <cstddef>

namespace sluice::bench {

[[nodiscard]] std::size_t resident_memory();
[[nodiscard]] std::size_t available_memory();

}  // namespace sluice::bench
