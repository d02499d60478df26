// Every capacity of the data path that is not configured. A bound that an operator may want to move
// is a configuration key instead, and its default stands here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::base::limits {

// Packets that a worker receives, forwards or transmits in one go.
inline constexpr std::size_t kBurst = 64;

// Workers in one process, and ports and queues that they serve.
inline constexpr std::size_t kMaxWorkers = 64;
inline constexpr std::size_t kMaxPorts = 8;

// Control blocks per worker. Address space is reserved for the maximum and touched on first use.
inline constexpr std::size_t kMaxConnections = std::size_t{1} << 21;  // TCP, both legs
inline constexpr std::size_t kMaxSessions = std::size_t{1} << 20;     // client and backend pairs

}  // namespace sluice::base::limits
