// Every capacity of the data path that is not configured. A bound that an operator may want to move
// is a configuration key instead, and its default stands here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::base::limits {

// Packets that a worker receives, forwards or transmits in one go.
inline constexpr std::size_t kBurst = 64;

// Packets that a worker needs to keep its devices' rings filled, and those of its pool that every
// worker may keep in a cache of its own besides.
inline constexpr std::size_t kLeastPackets = 2048;
inline constexpr std::size_t kHoardedPackets = 192;

// Workers in one process, and ports and queues that they serve.
inline constexpr std::size_t kMaxWorkers = 64;
inline constexpr std::size_t kMaxPorts = 8;

// Control blocks per worker. Address space is reserved for the maximum and touched on first use.
inline constexpr std::size_t kMaxConnections = std::size_t{1} << 21;  // TCP, both legs
inline constexpr std::size_t kMaxSessions = std::size_t{1} << 20;     // client and backend pairs

// Servers of one backend: a session notes in a word which it has tried.
inline constexpr std::size_t kMaxServersPerBackend = 64;

// Pieces that one record can lie in: at worst a byte of it in every packet (RFC 8446 5.2: a
// ciphertext has at most 2^14 + 256 bytes, its header 5).
inline constexpr std::size_t kMaxRecordSpans = (std::size_t{1} << 14) + 256 + 5;

// Neighbours of both families (ARP, Neighbour Discovery) per worker and interface, without the
// gateways, which have places of their own. Packets that wait for one of them to answer; and for
// all of them together, beyond which only those for a gateway wait.
inline constexpr std::size_t kMaxNeighbours = 2048;
inline constexpr std::size_t kMaxPendingPerNeighbour = 32;
inline constexpr std::size_t kMaxPendingForNeighbours = 1024;

// Destinations per worker of which it is remembered what their paths take.
inline constexpr std::size_t kMaxPathMtus = 1024;

// Frames that an interface queues for a device that does not take them.
inline constexpr std::size_t kMaxOutgoingFrames = 8192;

}  // namespace sluice::base::limits
