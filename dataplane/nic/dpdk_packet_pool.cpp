#include "dataplane/nic/dpdk_packet_pool.hpp"

#include <rte_errno.h>
#include <rte_mempool.h>

#include <algorithm>
#include <new>

#include "base/limits.hpp"
#include "dataplane/nic/dpdk_mbuf.hpp"

namespace sluice::nic {
namespace {

// Half again as many may gather in a thread's cache before it is flushed.
constexpr unsigned kCacheSize = 128;
static_assert(base::limits::kHoardedPackets == kCacheSize * 3 / 2);

// Allocations between two looks at the fill level.
constexpr std::size_t kRefreshInterval = 256;

// Rings that a preempted thread cannot hold up: workers may share a core.
constexpr char kRingOps[] = "ring_mt_rts";

void construct_packet(rte_mempool*, void* pool, void* object, unsigned) {
  auto* mbuf = static_cast<rte_mbuf*>(object);
  auto* references = reinterpret_cast<std::uint16_t*>(&mbuf->refcnt);
  new (mbuf + 1) base::Packet(*static_cast<DpdkPacketPool*>(pool),
                              {.start = static_cast<std::byte*>(mbuf->buf_addr),
                               .capacity = mbuf->buf_len,
                               .references = references});
}

// As rte_pktmbuf_pool_create_by_ops(), except that a packet may lie across pages: device addresses
// are virtual addresses (--iova-mode=va), and without huge pages each would take a page of its own.
// Null and rte_errno on failure.
rte_mempool* make_mempool(const DpdkPacketPool::Options& options, std::uint16_t room) {
  rte_mempool* mempool = rte_mempool_create_empty(
      options.name.c_str(), static_cast<unsigned>(options.packets),
      static_cast<unsigned>(sizeof(rte_mbuf) + kPacketArea + room), kCacheSize,
      sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (mempool == nullptr) return nullptr;
  rte_pktmbuf_pool_private layout{};
  layout.mbuf_data_room_size = room;
  layout.mbuf_priv_size = static_cast<std::uint16_t>(kPacketArea);
  int error = rte_mempool_set_ops_byname(mempool, kRingOps, nullptr);
  if (error == 0) {
    rte_pktmbuf_pool_init(mempool, &layout);
    error = rte_mempool_populate_default(mempool);
  }
  if (error < 0) {
    rte_mempool_free(mempool);
    rte_errno = -error;
    return nullptr;
  }
  rte_mempool_obj_iter(mempool, rte_pktmbuf_init, nullptr);
  return mempool;
}

}  // namespace

base::Result<std::unique_ptr<DpdkPacketPool>, std::string> DpdkPacketPool::create(
    const Options& options) {
  const std::size_t room = options.data_room + RTE_PKTMBUF_HEADROOM;
  if (room > UINT16_MAX) {
    return base::Unexpected{"a packet of " + std::to_string(options.data_room) +
                            " bytes is more than a buffer can be"};
  }
  rte_mempool* mempool = make_mempool(options, static_cast<std::uint16_t>(room));
  if (mempool == nullptr) {
    return base::Unexpected{"no memory for " + std::to_string(options.packets) +
                            " packets: " + rte_strerror(rte_errno)};
  }
  std::unique_ptr<DpdkPacketPool> pool(new DpdkPacketPool(mempool, options));
  rte_mempool_obj_iter(mempool, construct_packet, pool.get());
  return pool;
}

DpdkPacketPool::DpdkPacketPool(rte_mempool* mempool, const Options& options)
    : mempool_(mempool),
      capacity_(options.packets),
      data_room_(options.data_room),
      reserve_(std::max<std::size_t>(options.packets / 16, kRefreshInterval)) {}

DpdkPacketPool::~DpdkPacketPool() {
  rte_mempool_free(mempool_);
}

base::Packet* DpdkPacketPool::allocate() {
  if (budget_ == 0) {
    refresh();
    if (budget_ == 0) return nullptr;
  }
  --budget_;
  rte_mbuf* mbuf = rte_pktmbuf_alloc(mempool_);
  if (mbuf == nullptr) return nullptr;
  base::Packet* packet = packet_of(mbuf);
  packet->reset();
  return packet;
}

void DpdkPacketPool::release(base::Packet* packet) {
  rte_pktmbuf_free_seg(mbuf_of(packet));
}

std::size_t DpdkPacketPool::available() const {
  return rte_mempool_avail_count(mempool_);
}

std::size_t DpdkPacketPool::allocatable() const {
  const std::size_t free = in_the_ring();
  return free > reserve_ ? free - reserve_ : 0;
}

void DpdkPacketPool::refresh() {
  budget_ = std::min(allocatable(), kRefreshInterval);
  pressed_ = in_the_ring() < reserve_ / 2;
}

// What lies in other threads' caches is free, but comes back only when those overflow. The owner's
// own cache is left out, too: it is small, and not to be told from theirs by another thread.
std::size_t DpdkPacketPool::in_the_ring() const {
  return rte_mempool_get_ops(mempool_->ops_index)->get_count(mempool_);
}

std::size_t DpdkPacketPool::footprint(const Options& options) {
  const auto element = static_cast<std::uint32_t>(sizeof(rte_mbuf) + kPacketArea +
                                                  RTE_PKTMBUF_HEADROOM + options.data_room);
  const std::uint32_t object = rte_mempool_calc_obj_size(element, 0, nullptr);
  return options.packets * (object + sizeof(void*));
}

}  // namespace sluice::nic
