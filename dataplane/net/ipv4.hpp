// What an arriving IPv4 packet has to be before anything looks at its payload (RFC 791, RFC 1122
// 3.2.1): whole, for us, not a fragment, and from an address that a host can have.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_subnets.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace sluice::net {

// The header of a packet to process, or the counter of the reason to drop it. `packet` begins at
// the IPv4 header and may have the link's padding at its end; `subnets` are those of the interface
// that it arrived on.
[[nodiscard]] base::Result<wire::ParsedIpv4Header, NetCounter> accept_ipv4(
    base::Bytes packet, wire::HeaderChecksum checksum, const Ipv4Subnets& subnets);

// RFC 1122 3.2.1.3: an address that is never a source. Our own as a source is the LAND attack.
[[nodiscard]] bool is_martian(base::Ipv4Address source, const Ipv4Subnets& subnets);

}  // namespace sluice::net
