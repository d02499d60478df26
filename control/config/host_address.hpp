// Which addresses a port can have, and which hosts it reaches without a router.
#pragma once

#include <string>
#include <string_view>

#include "base/address.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::control {

// A host's address in its network: neither the network itself, nor its broadcast address, nor one
// that no host has.
[[nodiscard]] bool is_host_address(const base::AddressPrefix& prefix);

// RFC 4291 2.5.2, 2.5.3 and 2.7: false for what stands for no host, or not for one on a wire:
// unspecified and loopback addresses, and groups.
[[nodiscard]] bool is_unicast(const base::IpAddress& ipv6);

[[nodiscard]] std::string_view family_name(const base::IpAddress& address);
// Unicast, fe80::/10 (RFC 4291 2.5.6).
[[nodiscard]] bool is_link_local(const base::IpAddress& address);

// Why a packet cannot be handed to this router on the port's link; empty when it can.
[[nodiscard]] std::string check_router(const base::IpAddress& router,
                                       const run::PortSettings& port);

}  // namespace sluice::control
