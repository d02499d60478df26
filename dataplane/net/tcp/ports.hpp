// Source ports for active opens (RFC 6056): the search begins at a place that an outsider cannot
// guess and goes on from one open to the next; a port will do if its flow is free and belongs to
// this worker.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "dataplane/net/tcp/core.hpp"

namespace sluice::net::tcp {

inline constexpr std::uint16_t kFirstEphemeralPort = 10'000;

// The flow from `source` to `remote` with a port chosen for it, or nothing when none was found.
// What the flow left in TIME-WAIT is gone if it is reused (RFC 6191: after a second, by
// timestamps).
[[nodiscard]] std::optional<base::FourTuple> choose_port(Core& core, const base::IpAddress& source,
                                                         const base::SocketAddress& remote);

}  // namespace sluice::net::tcp
