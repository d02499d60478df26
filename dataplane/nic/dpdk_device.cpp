#include "dataplane/nic/dpdk_device.hpp"

#include <rte_ethdev.h>

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "dataplane/nic/coalesced_frame.hpp"
#include "dataplane/nic/dpdk_mbuf.hpp"

namespace sluice::nic {
namespace {

constexpr std::size_t kBurst = base::limits::kBurst;

// Ethernet's header with one VLAN tag.
constexpr std::size_t kLinkHeader = RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN;

// Frames up to this long pass even when packets run out: acknowledgments, which set packets free,
// and what opens and closes connections.
constexpr std::size_t kShedAbove = 128;

// How often a link that took no frame is asked whether it is up.
constexpr base::Duration kLinkCheckInterval = base::Duration::milliseconds(10);

// The buffers that one coalesced frame is spread over at most: 64 KB of small ones.
constexpr std::size_t kMaxParts = 64;

// "None" is what a virtual machine's host says of its own packets, whose checksums it never
// computed: there is none in the packet, but what it would protect is right.
base::Packet::Checksum received_checksum(std::uint64_t flags) {
  const std::uint64_t ip = flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
  const std::uint64_t l4 = flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  base::Packet::Checksum checksum;
  checksum.ip_verified = ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE;
  checksum.l4_verified = l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE;
  checksum.bad = ip == RTE_MBUF_F_RX_IP_CKSUM_BAD || l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD;
  return checksum;
}

// For TCP's checksum the driver has to know which header it is behind.
std::uint64_t transmit_flags(const base::Packet& frame) {
  const base::Packet::Checksum& checksum = frame.checksum;
  if (!checksum.l4_wanted) return 0;
  const bool is_ipv6 = frame.bytes()[checksum.l2_size] >> 4 == std::byte{6};
  return (is_ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) | RTE_MBUF_F_TX_TCP_CKSUM;
}

// Where the driver finds the packet's bytes. A packet that has been in a train may still point to
// the one behind it.
rte_mbuf* describe_bytes(base::Packet& packet) {
  rte_mbuf* mbuf = mbuf_of(&packet);
  mbuf->data_off = static_cast<std::uint16_t>(packet.headroom());
  mbuf->data_len = static_cast<std::uint16_t>(packet.size());
  mbuf->nb_segs = 1;
  mbuf->next = nullptr;
  return mbuf;
}

// The text behind the headers, and what each segment is to have of it. Each gets an IPv4 header of
// its own, too.
void describe_train(const base::Packet& frame, bool ipv4_checksums, rte_mbuf& head) {
  const base::Packet::Checksum& checksum = frame.checksum;
  head.ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
  if (ipv4_checksums && (head.ol_flags & RTE_MBUF_F_TX_IPV4) != 0) {
    head.ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
  }
  head.l4_len = (frame.size() - checksum.l2_size - checksum.l3_size) & 0xff;
  head.tso_segsz = frame.train().segment_size;
  head.nb_segs = static_cast<std::uint16_t>(1 + frame.train().packets);
  rte_mbuf* last = &head;
  for (base::Packet* text : frame.train_text()) {
    last->next = describe_bytes(*text);
    last = last->next;
    last->ol_flags = 0;
  }
}

// What the driver is to read.
rte_mbuf* describe(base::Packet& frame, bool ipv4_checksums) {
  rte_mbuf* mbuf = describe_bytes(frame);
  mbuf->pkt_len = static_cast<std::uint32_t>(frame.frame_size());
  mbuf->ol_flags = transmit_flags(frame);
  mbuf->tx_offload = 0;
  mbuf->l2_len = frame.checksum.l2_size & 0x7f;
  mbuf->l3_len = frame.checksum.l3_size & 0x1ff;
  if (frame.leads_train()) describe_train(frame, ipv4_checksums, *mbuf);
  return mbuf;
}

struct Tally {
  std::uint64_t bytes = 0;
  std::uint64_t trains = 0;
};

Tally tally(std::span<rte_mbuf* const> frames) {
  Tally sum;
  for (const rte_mbuf* mbuf : frames) {
    sum.bytes += mbuf->pkt_len;
    sum.trains += (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ? 1 : 0;
  }
  return sum;
}

}  // namespace

DpdkDevice::DpdkDevice(const Options& options, DpdkPacketPool& pool,
                       base::Counters<NicCounter>& counters)
    : options_(options),
      longest_frame_(options.info.mtu + kLinkHeader),
      pool_(pool),
      counters_(counters) {}

std::size_t DpdkDevice::receive(base::Instant, std::span<base::Packet*> out) {
  std::size_t kept = 0;
  if (parts_.empty()) {
    std::array<rte_mbuf*, kBurst> burst;
    const auto wanted = static_cast<std::uint16_t>(std::min(out.size(), kBurst));
    const std::uint16_t n = rte_eth_rx_burst(options_.port, options_.queue, burst.data(), wanted);
    received_since_refresh_ += n;
    if (received_since_refresh_ >= kBurst) {
      received_since_refresh_ = 0;
      pool_.refresh();
    }
    for (rte_mbuf* mbuf : std::span(burst).first(n)) {
      if (shed(*mbuf)) continue;
      if (mbuf->nb_segs > 1) {
        adopt_parts(*mbuf);
      } else if (parts_.empty()) {
        out[kept++] = adopt(*mbuf);
      } else {
        parts_.push_back(base::PacketPtr(adopt(*mbuf)));
      }
    }
  }
  while (kept < out.size() && !parts_.empty()) out[kept++] = parts_.pop_front().release();
  return kept;
}

// True when the frame was dropped, and counted.
bool DpdkDevice::shed(rte_mbuf& mbuf) {
  if (pool_.pressed() && mbuf.pkt_len > kShedAbove) {
    counters_.add(NicCounter::kReceiveShed);
    rte_pktmbuf_free(&mbuf);
    return true;
  }
  counters_.add(NicCounter::kReceivedFrames);
  counters_.add(NicCounter::kReceivedBytes, mbuf.pkt_len);
  return false;
}

base::Packet* DpdkDevice::adopt(rte_mbuf& mbuf) const {
  base::Packet* packet = packet_of(&mbuf);
  packet->reset();
  packet->place(mbuf.data_off, mbuf.data_len);
  if (options_.info.verifies_checksums) packet->checksum = received_checksum(mbuf.ol_flags);
  if (options_.hashes && (mbuf.ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0) {
    packet->flow_hash = mbuf.hash.rss;
  }
  return packet;
}

// Each buffer as a frame of its own, where the device has verified the whole; none and counted
// otherwise.
void DpdkDevice::adopt_parts(rte_mbuf& mbuf) {
  const base::Packet* const first = adopt(mbuf);
  std::array<base::Packet*, kMaxParts> parts;
  std::size_t n = 0;
  const bool fits = mbuf.nb_segs <= parts.size();
  const std::uint32_t hash = first->flow_hash;
  bool ours = fits && first->checksum.l4_verified && !first->checksum.bad;
  if (ours) {
    for (rte_mbuf* part = &mbuf; part != nullptr; part = part->next) parts[n++] = adopt(*part);
    ours = take_apart(std::span(parts).first(n));
  }
  if (!ours) {
    counters_.add(NicCounter::kReceiveSegmented);
    return rte_pktmbuf_free(&mbuf);
  }
  for (base::Packet* part : std::span(parts).first(n)) {
    mbuf_of(part)->next = nullptr;
    mbuf_of(part)->nb_segs = 1;
    part->flow_hash = hash;
    parts_.push_back(base::PacketPtr(part));
  }
}

std::size_t DpdkDevice::transmit(base::Instant now, std::span<base::Packet* const> frames) {
  std::array<rte_mbuf*, kBurst> burst;
  const Load load = fill(burst, frames);
  const std::span<rte_mbuf*> mbufs = std::span(burst).first(load.frames);
  if (mbufs.empty()) return load.dropped;

  // Sizes are read before the driver has the frames: afterwards they may be gone.
  const Tally offered = tally(mbufs);
  const std::uint16_t sent =
      rte_eth_tx_burst(options_.port, options_.queue, mbufs.data(), load.frames);
  const Tally left = tally(mbufs.subspan(sent));
  counters_.add(NicCounter::kSentFrames, sent);
  counters_.add(NicCounter::kSentBytes, offered.bytes - left.bytes);
  counters_.add(NicCounter::kSentTrains, offered.trains - left.trains);
  if (sent < load.frames) counters_.add(NicCounter::kTransmitPartial);
  if (sent > 0 || link_is_up(now)) return load.dropped + sent;

  // Nothing leaves while the link is down; TCP retransmits what matters once it is up again.
  counters_.add(NicCounter::kTransmitLinkDown, load.frames);
  for (rte_mbuf* mbuf : mbufs) rte_pktmbuf_free(mbuf);
  return load.dropped + load.frames;
}

// Where a frame that cannot be sent interrupts the burst, the rest waits for the next call.
DpdkDevice::Load DpdkDevice::fill(std::span<rte_mbuf*> burst,
                                  std::span<base::Packet* const> frames) {
  Load load;
  bool trains = false;
  while (load.dropped + load.frames < frames.size() && load.frames < burst.size()) {
    base::Packet& frame = *frames[load.dropped + load.frames];
    if (!sendable(frame)) {
      if (load.frames > 0) break;
      counters_.add(NicCounter::kTransmitOversize);
      frame.release();
      ++load.dropped;
      continue;
    }
    trains |= frame.leads_train();
    burst[load.frames++] = describe(frame, options_.ipv4_checksums);
  }
  if (!trains) return load;
  // Drivers have conditions for them, and their devices other ideas of what stands in the headers.
  const std::uint16_t accepted =
      rte_eth_tx_prepare(options_.port, options_.queue, burst.data(), load.frames);
  if (accepted == 0) {
    counters_.add(NicCounter::kTransmitOversize);
    rte_pktmbuf_free(burst.front());
    ++load.dropped;
  }
  load.frames = accepted;
  return load;
}

bool DpdkDevice::sendable(const base::Packet& frame) const {
  const base::Packet::Train& train = frame.train();
  return !frame.empty() && frame.size() + train.segment_size <= longest_frame_ &&
         train.packets <= options_.info.train_packets;
}

bool DpdkDevice::link_is_up(base::Instant now) {
  if (now - link_checked_ >= kLinkCheckInterval) {
    link_checked_ = now;
    rte_eth_link link{};
    link_up_ =
        rte_eth_link_get_nowait(options_.port, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
  }
  return link_up_;
}

}  // namespace sluice::nic
