// The header that every handshake message begins with (RFC 8446 section 4): a type and a length.
#pragma once

#include <cstddef>
#include <utility>

#include "base/cursor.hpp"
#include "tls/codec/registry.hpp"

namespace sluice::tls {

inline constexpr std::size_t kHandshakeHeaderSize = 4;

// One complete message: a view of where it was collected.
struct HandshakeMessage {
  HandshakeType type{};
  base::Bytes body;
  base::Bytes whole;  // with its header, as the transcript takes it
};

// Writes what `body` writes behind a header:  write_handshake(writer, HandshakeType::finished, [&]
// {...});
template <typename Body>
void write_handshake(base::Writer& writer, HandshakeType type, Body&& body) {
  writer.u8(static_cast<std::uint8_t>(type));
  writer.sub<base::U24>(std::forward<Body>(body));
}

}  // namespace sluice::tls
