// See transcript.hpp.
#include "tls/transcript.hpp"

#include <array>

#include "base/cursor.hpp"
#include "tls/codec/handshake.hpp"

namespace sluice::tls {

void Transcript::retry() {
  const Digest first_hello = digest();
  std::array<std::byte, kHandshakeHeaderSize + kMaxHashSize> message;
  base::Writer writer(message);
  write_handshake(writer, HandshakeType::message_hash, [&] { writer.bytes(first_hello.view()); });
  hash_ = RunningHash(algorithm());
  hash_.update(writer.written());
}

}  // namespace sluice::tls
