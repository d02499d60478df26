// Ephemeral key agreement (RFC 8446 4.2.8, 7.4.2) on X25519 (RFC 7748) and P-256 through libcrypto.
// One KeyAgreement per worker: it holds what can be prepared once.
#pragma once

#include <memory>

#include "base/bytes.hpp"
#include "tls/crypto/job.hpp"

namespace sluice::tls {

class KeyAgreement {
 public:
  // Throws std::runtime_error when libcrypto has no X25519 or no P-256.
  KeyAgreement();
  ~KeyAgreement();
  KeyAgreement(const KeyAgreement&) = delete;
  KeyAgreement& operator=(const KeyAgreement&) = delete;

  // Draws a fresh key pair and fills the job's results.
  [[nodiscard]] JobOutcome run(KeyAgreementJob& job);
  // As run(), with a given private key of 32 bytes (P-256: big endian, 1 to n-1): for published
  // vectors.
  [[nodiscard]] JobOutcome run_with(base::Bytes private_key, KeyAgreementJob& job);

 private:
  class P256;
  std::unique_ptr<P256> p256_;
};

}  // namespace sluice::tls
