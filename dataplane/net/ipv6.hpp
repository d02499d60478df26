// What an arriving IPv6 packet has to be before anything looks at its payload (RFC 8200, RFC 4291
// 2): whole, for us, from an address that a node can have, behind a chain of extension headers that
// we can pass, and not a fragment.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv6_prefixes.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"

namespace sluice::net {

struct AcceptedIpv6 {
  wire::ParsedIpv6Header ip;
  wire::UpperLayer upper;  // TCP or ICMPv6
};

// Why a packet is dropped, and the error that its sender may be told of, if any; its quotation is
// still empty.
struct Ipv6Refusal {
  NetCounter why{};
  std::optional<wire::Icmpv6Message> answer = std::nullopt;
};

// A packet to process, or the reason to drop it. `packet` begins at the IPv6 header
// and may have the link's padding at its end; `prefixes` are those of the interface that it arrived
// on. Only ICMPv6 may come to a multicast group, and from the unspecified address or one of ours:
// whether the message may is its own rules' to say (RFC 4861 7.1).
[[nodiscard]] base::Result<AcceptedIpv6, Ipv6Refusal> accept_ipv6(base::Bytes packet,
                                                                  const Ipv6Prefixes& prefixes);

// An address that no segment comes from: never a source on a wire, or not another node's.
[[nodiscard]] bool is_martian(const base::Ipv6Address& source, const Ipv6Prefixes& prefixes);

}  // namespace sluice::net
