// EAL's arguments, computed from the configuration and the machine: nobody writes them by hand.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataplane/run/host.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::run {

// Lcore 0 is the thread that starts the data plane; worker i runs on lcore i + 1.
inline constexpr unsigned kMainLcore = 0;
[[nodiscard]] constexpr unsigned lcore_of(unsigned worker) {
  return worker + 1;
}

struct EalRequest {
  std::size_t pool_bytes = 0;  // of all packet pools together
  std::string file_prefix;     // unique on this machine
};

// Error: one sentence about what the machine lacks.
[[nodiscard]] base::Result<std::vector<std::string>, std::string> eal_arguments(
    const DataplaneSettings& settings, const Host& host, const EalRequest& request);

}  // namespace sluice::run
