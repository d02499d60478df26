// The arithmetic between an mbuf and the packet in its private area. For dataplane/nic/dpdk_* only.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>

#include "base/packet.hpp"

namespace sluice::nic {

// mbuf | packet | headroom and data. The packet's area is rounded up so that the data begins on a
// cache line, as the mbuf does.
inline constexpr std::size_t kPacketArea =
    (sizeof(base::Packet) + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE * RTE_CACHE_LINE_SIZE;

static_assert(kPacketArea % RTE_MBUF_PRIV_ALIGN == 0);
static_assert(alignof(base::Packet) <= alignof(rte_mbuf));
static_assert(RTE_PKTMBUF_HEADROOM == base::Packet::kHeadroom);
static_assert(sizeof(rte_mbuf::refcnt) == sizeof(std::uint16_t));

[[nodiscard]] inline base::Packet* packet_of(rte_mbuf* mbuf) {
  return std::launder(reinterpret_cast<base::Packet*>(mbuf + 1));
}
[[nodiscard]] inline rte_mbuf* mbuf_of(base::Packet* packet) {
  return reinterpret_cast<rte_mbuf*>(packet) - 1;
}

}  // namespace sluice::nic
