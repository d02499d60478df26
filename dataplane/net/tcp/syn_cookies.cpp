#include "dataplane/net/tcp/syn_cookies.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/cursor.hpp"
#include "dataplane/net/tcp/ecn.hpp"
#include "dataplane/net/tcp/flow_hash.hpp"

namespace sluice::net::tcp {

using base::FourTuple;
using wire::SeqNumber;
using wire::TcpHeader;
using wire::TcpOptions;

namespace {

// The cookie: 28 bits of hash, the parity of the slot, the class of the MSS.
constexpr std::uint32_t kMssBits = 3;
constexpr std::uint32_t kSlotBit = std::uint32_t{1} << kMssBits;
constexpr std::uint32_t kHashMask = ~(2 * kSlotBit - 1);

// The least that is believed at all, the defaults of RFC 9293 3.7.1, and what tunnels, PPPoE,
// Ethernet and jumbo frames leave, with IPv4 and IPv6.
constexpr std::array<std::uint16_t, 1 << kMssBits> kMssClasses{88,   536,  1220, 1360,
                                                               1400, 1440, 1460, 8940};

// The low bits of the timestamp: the window scale, with a value that no shift has for none, whether
// SACK is permitted, and whether ECN was asked for.
constexpr std::uint32_t kNoScale = 15;
constexpr std::uint32_t kSackBit = 16;
constexpr std::uint32_t kEcnBit = 32;
constexpr std::uint32_t kOptionMask = 63;
constexpr std::uint32_t kNoTimestamps = 0xff;  // in the hash

std::uint32_t class_of(std::optional<std::uint16_t> mss) {
  const auto* const above = std::ranges::upper_bound(kMssClasses, mss.value_or(kMssClasses[1]));
  return static_cast<std::uint32_t>(std::max<std::ptrdiff_t>(above - kMssClasses.begin(), 1) - 1);
}

std::uint32_t option_bits(const TcpHeader& syn) {
  return (syn.options.window_scale ? *syn.options.window_scale : kNoScale) |
         (syn.options.sack_permitted ? kSackBit : 0) | (asks_for_ecn(syn.flags) ? kEcnBit : 0);
}

}  // namespace

// What a cookie says.
struct SynCookies::Content {
  std::uint64_t slot = 0;
  std::uint32_t mss_class = 0;
  std::uint32_t options = kNoTimestamps;
};

SynCookies::Answer SynCookies::issue(base::Instant now, const FourTuple& flow, const TcpHeader& syn,
                                     std::uint32_t clock) {
  Content content{.slot = slot_at(now), .mss_class = class_of(syn.options.mss)};
  issued_ = true;
  last_slot_ = content.slot;
  std::uint32_t timestamp = 0;
  if (syn.options.timestamps) {
    content.options = option_bits(syn);
    timestamp = clock - ((clock - content.options) & kOptionMask);
  }
  return {.sequence = cookie(content, flow, syn.sequence),
          .timestamp = timestamp,
          .ecn = syn.options.timestamps && asks_for_ecn(syn.flags)};
}

std::optional<SynCookies::Offer> SynCookies::redeem(base::Instant now, const FourTuple& flow,
                                                    const TcpHeader& ack) {
  if (!outstanding(now)) return std::nullopt;
  const SeqNumber presented = ack.acknowledgement - 1;
  const std::uint64_t slot = slot_at(now);
  const bool odd = (presented.value() & kSlotBit) != 0;
  Content content{.slot = (slot & 1) == (odd ? 1U : 0U) ? slot : slot - 1,
                  .mss_class = presented.value() & (kSlotBit - 1)};
  Offer offer;
  TcpOptions& offered = offer.options;
  offered.mss = kMssClasses[content.mss_class];
  if (ack.options.timestamps) {
    content.options = ack.options.timestamps->echo & kOptionMask;
    offered.timestamps = ack.options.timestamps;
    offered.sack_permitted = (content.options & kSackBit) != 0;
    offer.ecn = (content.options & kEcnBit) != 0;
    const std::uint32_t scale = content.options & kNoScale;
    if (scale != kNoScale) offered.window_scale = static_cast<std::uint8_t>(scale);
  }
  if (presented != cookie(content, flow, ack.sequence - 1)) return std::nullopt;
  return offer;
}

SeqNumber SynCookies::cookie(const Content& content, const FourTuple& flow, SeqNumber peer_iss) {
  const std::uint64_t behind = __builtin_bswap32(peer_iss.value()) |
                               (std::uint64_t{content.mss_class} << 32) |
                               (std::uint64_t{content.options} << 40);
  const auto hash = static_cast<std::uint32_t>(hash_of_flow<6>(key_of(content.slot), flow, behind));
  return SeqNumber((hash & kHashMask) | ((content.slot & 1) != 0 ? kSlotBit : 0) |
                   content.mss_class);
}

// Made at the slot's first cookie.
const SipKey& SynCookies::key_of(std::uint64_t slot) {
  SlotKey& entry = keys_[slot & 1];
  if (entry.key && entry.slot == slot) return *entry.key;
  std::array<std::byte, 16> secret;
  base::Writer writer(secret);
  for (const std::uint8_t half : {std::uint8_t{1}, std::uint8_t{2}}) {
    std::array<std::byte, 9> label;
    base::Writer label_writer(label);
    label_writer.u64(slot);
    label_writer.u8(half);
    writer.u64(master_.hash<2, 4>(label));
  }
  entry.slot = slot;
  entry.key.emplace(secret);
  base::secure_wipe(secret);
  return *entry.key;
}

}  // namespace sluice::net::tcp
