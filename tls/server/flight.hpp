// The server's flights (RFC 8446 section 2): messages written one after the other, added to the
// transcript together, and sent in as few records as they fit in.
#pragma once

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/error.hpp"
#include "tls/server/handshake.hpp"
#include "tls/transcript.hpp"

namespace sluice::tls {

class Flight {
 public:
  // One at a time: the messages lie in a buffer that the worker's connections share.
  explicit Flight(HandshakeLink& link);

  [[nodiscard]] base::Writer& writer() { return writer_; }
  // Adds what was written to the transcript and sends it, under the write keys if there are any.
  // Errors: kInternal (it did not fit into kMaxFlight), kOutputFull.
  [[nodiscard]] base::Result<void, TlsError> send(Transcript& transcript);

 private:
  HandshakeLink& link_;
  base::Writer writer_;
};

// RFC 8446 D.4: the record that makes a TLS 1.3 handshake look like a resumed one of TLS 1.2.
[[nodiscard]] base::Result<void, TlsError> send_change_cipher_spec(HandshakeLink& link);

}  // namespace sluice::tls
