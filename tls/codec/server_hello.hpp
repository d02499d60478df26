// ServerHello and HelloRetryRequest (RFC 8446 sections 4.1.3 and 4.1.4), which are one message told
// apart by its random.
#pragma once

#include <cstdint>
#include <optional>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/key_share.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// RFC 8446 4.1.3: SHA-256 of "HelloRetryRequest".
[[nodiscard]] base::Bytes hello_retry_random();

struct ServerHello {
  base::Bytes random;  // hello_retry_random() in a HelloRetryRequest
  base::Bytes legacy_session_id_echo;
  CipherSuite cipher_suite{};
  std::optional<ProtocolVersion> selected_version{};
  std::optional<KeyShareEntry> key_share{};     // ServerHello
  std::optional<NamedGroup> selected_group{};   // HelloRetryRequest
  std::optional<base::Bytes> cookie{};          // HelloRetryRequest
  std::optional<std::uint16_t> selected_psk{};  // ServerHello

  [[nodiscard]] bool is_hello_retry_request() const;

  // Views into the body.
  static base::Result<ServerHello, TlsError> parse(base::Bytes body);
};

// The whole message, header included.
void write_server_hello(base::Writer& writer, const ServerHello& hello);

}  // namespace sluice::tls
