// Which worker a frame belongs to: a cheap look at a frame that finds its TCP flow, and the pure
// function from a flow to its owner. The hash is the Toeplitz hash that network devices compute for
// receive-side scaling, so that a device given the same key and an indirection table that counts
// through the workers delivers a flow to its owner by itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace sluice::wire {

// A TCP flow as this host sees it; both addresses are of one family.
struct FlowKey {
  base::IpAddress local;
  base::IpAddress remote;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  auto operator<=>(const FlowKey&) const = default;
};

// Nothing where the families differ.
[[nodiscard]] std::optional<FlowKey> flow_of(const base::FourTuple& connection);

struct FrameSteering {
  enum class To : std::uint8_t {
    kFlowOwner,    // TCP, or an ICMP error that quotes it: flow_owner(flow, workers)
    kEveryWorker,  // ARP, Neighbour Discovery: every worker keeps neighbours of its own
    kFirstWorker,  // fragments, echo requests, what is not understood
  };
  To to = To::kFirstWorker;
  FlowKey flow;               // with kFlowOwner
  bool answers_open = false;  // a SYN-ACK: the first frame that shows where a flow arrives
};

// Verifies nothing: the owner's stack does.
[[nodiscard]] FrameSteering classify_frame(base::Bytes frame);

// The key and the indirection table's size to give to a device: entry i names worker i modulo the
// number of workers. The hash covers, as the device sees them in a received frame, source address,
// destination address, source port and destination port; extension headers and flow labels have no
// part in it.
inline constexpr unsigned kIndirectionEntries = 128;
// It is the key of the RSS specification's own verification suite, which every driver takes.
inline constexpr std::array<std::uint8_t, 40> kRssKey = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

// Precondition: both addresses are of one family.
[[nodiscard]] std::uint32_t flow_hash(const FlowKey& flow);

// Preconditions: worker_count > 0, and as above.
[[nodiscard]] inline unsigned flow_owner(const FlowKey& flow, unsigned worker_count) {
  return flow_hash(flow) % kIndirectionEntries % worker_count;
}

}  // namespace sluice::wire
