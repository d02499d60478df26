// Neighbour Discovery (RFC 4861): solicitations and advertisements of neighbours and routers, each
// with the options that it may carry. Parsing makes every check of sections 6.1 and 7.1, so that
// what it returns may be believed as far as the protocol allows. Prefixes are ignored, since
// addresses are configured, and redirects are refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"

namespace sluice::wire {

// RFC 4861 11.2: what was sent with it and arrives with it has passed no router.
inline constexpr std::uint8_t kDiscoveryHopLimit = 255;

// RFC 7527 4.1, RFC 3971 5.3.2: tells a node's own probe, come back, from another's.
using DiscoveryNonce = std::array<std::byte, 6>;

struct NeighbourSolicitation {
  base::Ipv6Address target;
  // Never from the unspecified address, whose owner is only about to be (RFC 4862 5.4.2).
  std::optional<base::MacAddress> source_mac;
  std::optional<DiscoveryNonce> nonce = std::nullopt;
  bool operator==(const NeighbourSolicitation&) const = default;
};

struct NeighbourAdvertisement {
  base::Ipv6Address target;
  std::optional<base::MacAddress> target_mac;
  bool router = false;
  bool solicited = false;  // never in what was sent to a multicast group
  bool overrides = false;  // the Override flag
  bool operator==(const NeighbourAdvertisement&) const = default;
};

struct RouterSolicitation {
  std::optional<base::MacAddress> source_mac;
  bool operator==(const RouterSolicitation&) const = default;
};

// A field of zero says nothing about its value, except for the lifetime.
struct RouterAdvertisement {
  std::uint8_t hop_limit = 0;
  bool managed_addresses = false;
  bool other_configuration = false;
  std::uint16_t lifetime_seconds = 0;  // 0: not a default router
  std::uint32_t reachable_time_ms = 0;
  std::uint32_t retransmit_timer_ms = 0;
  std::optional<base::MacAddress> source_mac;
  std::optional<std::uint32_t> mtu;  // at least kIpv6MinMtu: less is taken for no option
  bool operator==(const RouterAdvertisement&) const = default;
};

using DiscoveryMessage = std::variant<NeighbourSolicitation, NeighbourAdvertisement,
                                      RouterSolicitation, RouterAdvertisement>;

enum class DiscoveryError : std::uint8_t {
  kTruncated,     // shorter than its type's fixed part
  kHopLimit,      // not 255: it may come from beyond a router
  kFragmented,    // RFC 6980 5
  kBadCode,       // not 0
  kBadTarget,     // a multicast address
  kBadAddresses,  // the packet's source or destination is not one for such a message
  kBadOption,     // of length zero, beyond the end, or not what its type says
  kUnsupported,   // a redirect, or no message of Neighbour Discovery
};

// What Icmpv6Discovery holds: `message` is a whole ICMPv6 message with a right checksum, `fragment`
// the packet's Fragment header, if there was one.
[[nodiscard]] base::Result<DiscoveryMessage, DiscoveryError> parse_discovery(
    const Ipv6Header& ip, const std::optional<Ipv6Fragment>& fragment, base::Bytes message);

[[nodiscard]] std::size_t discovery_size(const DiscoveryMessage& message);

// Writes the message and its checksum. Preconditions: to.size() == discovery_size(message); `ip`,
// whose hop limit must be kDiscoveryHopLimit, and the message obey the checks of parse_discovery().
void serialize_discovery(const DiscoveryMessage& message, const Ipv6Header& ip,
                         base::MutableBytes to);

}  // namespace sluice::wire
