// Finished (RFC 8446 section 4.4.4): nothing but verify_data, as long as the hash.
#pragma once

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/handshake.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// The verify_data, a view into the body.
[[nodiscard]] inline base::Result<base::Bytes, TlsError> parse_finished(base::Bytes body,
                                                                        std::size_t hash_size) {
  if (body.size() != hash_size) return base::Unexpected{TlsError::kMalformedHandshake};
  return body;
}

// The whole message, header included.
inline void write_finished(base::Writer& writer, base::Bytes verify_data) {
  write_handshake(writer, HandshakeType::finished, [&] { writer.bytes(verify_data); });
}

}  // namespace sluice::tls
