// The ICMP messages that Sluice speaks (RFC 792): echo, which it answers, and destination
// unreachable, which tells a connection that its segments do not arrive (RFC 1191 adds the MTU).
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/error.hpp"
#include "dataplane/wire/quoted_segment.hpp"

namespace sluice::wire {

enum class IcmpType : std::uint8_t {
  kEchoReply = 0,
  kDestinationUnreachable = 3,
  kEchoRequest = 8,
};

inline constexpr std::size_t kIcmpHeaderSize = 8;

struct IcmpEcho {
  bool request = true;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  base::Bytes data;  // a view
};

// Any value may arrive; these are the ones that matter here.
enum class UnreachableCode : std::uint8_t {
  kNetwork = 0,
  kHost = 1,
  kProtocol = 2,
  kPort = 3,
  kFragmentationNeeded = 4,
};

struct IcmpUnreachable {
  UnreachableCode code{};
  std::uint16_t next_hop_mtu = 0;  // with kFragmentationNeeded; 0 from routers older than RFC 1191
  base::Bytes quoted;              // a view: the packet it is about, cut short
};

using IcmpMessage = std::variant<IcmpEcho, IcmpUnreachable>;

// `message` is the whole IP payload; its checksum is verified. Other types are kUnsupported.
[[nodiscard]] base::Result<IcmpMessage, WireError> parse_icmp(base::Bytes message);

[[nodiscard]] std::size_t icmp_size(const IcmpMessage& message);

// Writes header, data and checksum. Preconditions: to.size() == icmp_size(message), and `to` does
// not overlap the message's views.
void serialize_icmp(const IcmpMessage& message, base::MutableBytes to);

}  // namespace sluice::wire
