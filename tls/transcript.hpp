// The transcript hash (RFC 8446 section 4.4.1): over every handshake message so far, headers
// included, and over a stand-in for the first ClientHello after a HelloRetryRequest.
#pragma once

#include "base/bytes.hpp"
#include "tls/crypto/hash.hpp"

namespace sluice::tls {

class Transcript {
 public:
  explicit Transcript(HashAlgorithm algorithm) : hash_(algorithm) {}

  // A whole message, with its handshake header and without record headers.
  void add(base::Bytes message) { hash_.update(message); }
  // Replaces the first ClientHello, which must be all there is so far, by a message_hash message.
  void retry();

  [[nodiscard]] Digest digest() const { return hash_.current(); }
  [[nodiscard]] HashAlgorithm algorithm() const { return hash_.algorithm(); }

 private:
  RunningHash hash_;
};

}  // namespace sluice::tls
