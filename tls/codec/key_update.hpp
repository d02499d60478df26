// KeyUpdate (RFC 8446 section 4.6.3).
#pragma once

#include <cstdint>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/handshake.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

enum class KeyUpdateRequest : std::uint8_t { update_not_requested = 0, update_requested = 1 };

inline constexpr std::size_t kKeyUpdateSize = kHandshakeHeaderSize + 1;

[[nodiscard]] inline base::Result<KeyUpdateRequest, TlsError> parse_key_update(base::Bytes body) {
  base::Reader reader(body);
  const std::uint8_t request = reader.u8();
  if (!reader.finished()) return base::Unexpected{TlsError::kMalformedHandshake};
  // RFC 8446 4.6.3: any other value MUST end the connection with illegal_parameter.
  if (request > 1) return base::Unexpected{TlsError::kBadKeyUpdate};
  return static_cast<KeyUpdateRequest>(request);
}

// The whole message, header included.
inline void write_key_update(base::Writer& writer, KeyUpdateRequest request) {
  write_handshake(writer, HandshakeType::key_update,
                  [&] { writer.u8(static_cast<std::uint8_t>(request)); });
}

}  // namespace sluice::tls
