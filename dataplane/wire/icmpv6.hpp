// The ICMPv6 messages that Sluice speaks (RFC 4443): echo, which it answers, and the four errors,
// which tell a connection what becomes of its segments. Neighbour Discovery is recognised here and
// read in neighbour_discovery.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/error.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"
#include "dataplane/wire/quoted_segment.hpp"

namespace sluice::wire {

enum class Icmpv6Type : std::uint8_t {
  kDestinationUnreachable = 1,
  kPacketTooBig = 2,
  kTimeExceeded = 3,
  kParameterProblem = 4,
  kEchoRequest = 128,
  kEchoReply = 129,
  kListenerQuery = 130,
  kRouterSolicitation = 133,
  kRouterAdvertisement = 134,
  kNeighbourSolicitation = 135,
  kNeighbourAdvertisement = 136,
  kRedirect = 137,
};

// RFC 4443 2.1: errors are the types whose highest bit is zero.
[[nodiscard]] constexpr bool is_error(Icmpv6Type type) {
  return static_cast<std::uint8_t>(type) < 128;
}
[[nodiscard]] constexpr bool is_discovery(Icmpv6Type type) {
  return type >= Icmpv6Type::kRouterSolicitation && type <= Icmpv6Type::kRedirect;
}

inline constexpr std::size_t kIcmpv6HeaderSize = 8;
// RFC 4443 2.4(c): as much of a packet as an error may quote.
inline constexpr std::size_t kMaxIcmpv6Quotation =
    kIpv6MinMtu - Ipv6Header::kSize - kIcmpv6HeaderSize;

struct Icmpv6Echo {
  bool request = true;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  base::Bytes data;  // a view
};

// Any value may arrive.
enum class Icmpv6UnreachableCode : std::uint8_t {
  kNoRoute = 0,
  kProhibited = 1,
  kBeyondScope = 2,
  kAddress = 3,
  kPort = 4,
  kSourcePolicy = 5,
  kRejectRoute = 6,
};

// In all errors `quoted` is a view: the packet that the error is about, cut short.
struct Icmpv6Unreachable {
  Icmpv6UnreachableCode code{};
  base::Bytes quoted;
};

struct Icmpv6PacketTooBig {
  std::uint32_t mtu = 0;  // as the router says; RFC 8201 4: below kIpv6MinMtu it must be ignored
  base::Bytes quoted;
};

// Any value may arrive.
enum class Icmpv6TimeExceededCode : std::uint8_t { kHopLimit = 0, kReassembly = 1 };

struct Icmpv6TimeExceeded {
  Icmpv6TimeExceededCode code{};
  base::Bytes quoted;
};

struct Icmpv6ParameterProblem {
  ParameterProblemCode code{};
  std::uint32_t pointer = 0;  // bytes from the beginning of the quoted packet, perhaps beyond it
  base::Bytes quoted;
};

// A message of Neighbour Discovery of which nothing but the checksum has been looked at.
struct Icmpv6Discovery {
  base::Bytes message;  // a view, header included
};

// A query of Multicast Listener Discovery (multicast_listener.hpp), likewise.
struct Icmpv6ListenerQuery {
  base::Bytes message;  // a view, header included
};

using Icmpv6Message =
    std::variant<Icmpv6Echo, Icmpv6Unreachable, Icmpv6PacketTooBig, Icmpv6TimeExceeded,
                 Icmpv6ParameterProblem, Icmpv6Discovery, Icmpv6ListenerQuery>;

// `message` is the whole payload of a packet with this header (whose next_header may begin a chain
// of extension headers); its checksum is verified. Other types are kUnsupported.
[[nodiscard]] base::Result<Icmpv6Message, WireError> parse_icmpv6(const Ipv6Header& ip,
                                                                  base::Bytes message);

[[nodiscard]] std::size_t icmpv6_size(const Icmpv6Message& message);

// Writes header, data and the checksum for these addresses; Neighbour Discovery as it is, with a
// new checksum. Preconditions: to.size() == icmpv6_size(message), and `to` does not overlap the
// message's views.
void serialize_icmpv6(const Icmpv6Message& message, const Ipv6Header& ip, base::MutableBytes to);

// RFC 4443 2.3: over the pseudo-header, too. 0 where the message holds a right checksum.
[[nodiscard]] std::uint16_t icmpv6_checksum(const Ipv6Header& ip, base::Bytes message);
// Where it lies in a message.
inline constexpr std::size_t kIcmpv6ChecksumOffset = 2;

}  // namespace sluice::wire
