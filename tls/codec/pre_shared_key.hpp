// The pre_shared_key extension of a ClientHello (RFC 8446 section 4.2.11). No tickets are issued,
// so an offer is checked for its form and answered with a full handshake.
#pragma once

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

[[nodiscard]] base::Result<void, TlsError> check_offered_psks(base::Bytes body);

}  // namespace sluice::tls
