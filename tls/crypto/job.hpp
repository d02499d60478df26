// Public-key work that the handshake asks for and does not do itself. A job owns copies of all its
// inputs, so the connection that asked may die while it waits. The worker runs a burst's jobs
// together (run_jobs) and hands each result back to the connection, if it still lives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "tls/codec/registry.hpp"
#include "tls/crypto/certified_key.hpp"

namespace sluice::tls {

inline constexpr std::size_t kMaxShareSize = 97;       // an uncompressed P-384 point
inline constexpr std::size_t kMaxSharedSecret = 48;    // P-384
inline constexpr std::size_t kMaxSignatureSize = 512;  // RSA-4096

// RFC 8446 7.4: an ephemeral key pair of our own, and the secret it shares with the peer's.
struct KeyAgreementJob {
  NamedGroup group{};
  std::array<std::byte, kMaxShareSize> peer_share{};
  std::size_t peer_share_size = 0;
  // Results.
  std::array<std::byte, kMaxShareSize> own_share{};
  std::size_t own_share_size = 0;
  base::Secret<kMaxSharedSecret> shared_secret;
};

// RFC 8446 4.4.3: a signature over `content`, which already holds context string and transcript
// hash.
struct SignatureJob {
  static constexpr std::size_t kMaxContent = 64 + 34 + 64;
  std::shared_ptr<const CertifiedKey> certificate;
  SignatureScheme scheme{};
  std::array<std::byte, kMaxContent> content{};
  std::size_t content_size = 0;
  // Results.
  std::array<std::byte, kMaxSignatureSize> signature{};
  std::size_t signature_size = 0;
};

enum class JobOutcome : std::uint8_t {
  kPending,
  kDone,
  kBadPeerShare,  // not a point of the group, or a shared secret of all zeros (RFC 8446 7.4.2)
  kFailed,        // the library refused; ours to worry about
};

struct Job {
  std::variant<std::monostate, KeyAgreementJob, SignatureJob> work;
  JobOutcome outcome = JobOutcome::kPending;
};

}  // namespace sluice::tls
