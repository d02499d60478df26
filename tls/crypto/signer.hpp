// Private keys and the signatures of CertificateVerify (RFC 8446 4.4.3): ECDSA on P-256 and
// RSASSA-PSS through libcrypto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "tls/codec/registry.hpp"
#include "tls/crypto/certified_key.hpp"
#include "tls/crypto/job.hpp"

struct evp_pkey_st;
struct evp_pkey_ctx_st;

namespace sluice::tls {

// A private key of a kind that Sluice signs with. Immutable and shared between workers; each signs
// with a copy of its own (Signer).
class SigningKey {
 public:
  // Takes the reference over. None when the key is neither ECDSA P-256 nor RSA of 2048 to 4096
  // bits.
  static std::unique_ptr<const SigningKey> adopt(evp_pkey_st* key);
  ~SigningKey();
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;

  // What it signs with in TLS 1.3, best first.
  [[nodiscard]] std::span<const SignatureScheme> schemes() const { return schemes_; }
  [[nodiscard]] evp_pkey_st* handle() const { return key_; }

 private:
  SigningKey(evp_pkey_st* key, std::span<const SignatureScheme> schemes)
      : key_(key), schemes_(schemes) {}

  evp_pkey_st* key_;
  std::span<const SignatureScheme> schemes_;  // a constant table
};

// A worker's signing contexts: made once per key and scheme, then reused, so that a signature looks
// nothing up in libcrypto and shares no lock (RSA blinding) with other workers.
class Signer {
 public:
  static constexpr std::size_t kMaxContexts = 64;

  Signer();
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  // Fills the job's results. kFailed when the key has no such scheme or libcrypto refuses.
  [[nodiscard]] JobOutcome run(SignatureJob& job);
  // Frees the contexts, and with them the copies, of keys that nobody else holds any more.
  void forget_dropped_keys();
  [[nodiscard]] std::size_t contexts() const;

 private:
  struct Context;
  [[nodiscard]] evp_pkey_ctx_st* context_for(const SignatureJob& job);

  std::vector<Context> contexts_;  // at most kMaxContexts; the least recently used one makes room
  std::uint64_t uses_ = 0;
};

}  // namespace sluice::tls
