// From a ClientHello to what the handshake will use (RFC 8446 sections 4.1.1 and 9.2): a pipeline
// of stages, each of which takes one decision or refuses the client with an error of its own.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "tls/codec/client_hello.hpp"
#include "tls/error.hpp"
#include "tls/server/handshake.hpp"
#include "tls/server/states.hpp"

namespace sluice::tls {

struct NegotiationResult {
  Negotiated choice;
  // The client's share of the chosen group, a view of its message; none when it has to be asked for
  // with a HelloRetryRequest.
  std::optional<base::Bytes> peer_share;
};

// Also sets the session's route and protocol.
[[nodiscard]] base::Result<NegotiationResult, TlsError> negotiate(const ClientHello& hello,
                                                                  HandshakeLink& link);

// The share of `group` among the client's, of the right length; none if it sent none.
[[nodiscard]] base::Result<std::optional<base::Bytes>, TlsError> find_share(
    const ClientHello& hello, NamedGroup group);

}  // namespace sluice::tls
