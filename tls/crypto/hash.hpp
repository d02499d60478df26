// The hashes of TLS 1.3's cipher suites and what is derived with them: the running transcript hash
// (RFC 8446 4.4.1), HMAC (RFC 2104), HKDF (RFC 5869) and HKDF-Expand-Label (RFC 8446 7.1).
// Nothing here allocates, fails, or looks anything up in libcrypto.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "tls/codec/registry.hpp"

namespace sluice::tls {

enum class HashAlgorithm : std::uint8_t { sha256, sha384 };

inline constexpr std::size_t kMaxHashSize = 48;

[[nodiscard]] constexpr std::size_t hash_size(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256 ? 32 : 48;
}

// The hash that RFC 8446 B.4 names in the suite.
[[nodiscard]] constexpr HashAlgorithm hash_of(CipherSuite suite) {
  return suite == CipherSuite::TLS_AES_256_GCM_SHA384 ? HashAlgorithm::sha384
                                                      : HashAlgorithm::sha256;
}

struct Digest {
  std::array<std::byte, kMaxHashSize> bytes{};
  std::uint8_t size = 0;
  [[nodiscard]] base::Bytes view() const { return base::Bytes(bytes).first(size); }
};

// A hash over a growing input. A plain value: copying it forks the hash.
class RunningHash {
 public:
  explicit RunningHash(HashAlgorithm algorithm);

  void update(base::Bytes bytes);
  // The hash of everything so far; more may follow.
  [[nodiscard]] Digest current() const;
  [[nodiscard]] HashAlgorithm algorithm() const { return algorithm_; }
  // Overwrites the state. For inputs that are secret; only destruction and assignment may follow.
  void wipe();

 private:
  // libcrypto's SHA256_CTX or SHA512_CTX by value; hash.cpp says why.
  static constexpr std::size_t kStateSize = 216;
  alignas(8) std::array<std::byte, kStateSize> state_;
  HashAlgorithm algorithm_;
};

[[nodiscard]] Digest hash(HashAlgorithm algorithm, base::Bytes data);

// No cipher suite uses it; rsa_pss_rsae_sha512 does.
[[nodiscard]] std::array<std::byte, 64> sha512(base::Bytes data);

// `out` takes hash_size(algorithm) bytes.
void hmac(HashAlgorithm algorithm, base::Bytes key, base::Bytes data, base::MutableBytes out);

// RFC 5869 2.2. `out` takes hash_size(algorithm) bytes; an empty salt stands for zeros.
void hkdf_extract(HashAlgorithm algorithm, base::Bytes salt, base::Bytes input_key,
                  base::MutableBytes out);

// RFC 5869 2.3. Fills `out`, which is at most 255 times the hash's size. It may not overlap `info`.
void hkdf_expand(HashAlgorithm algorithm, base::Bytes secret, base::Bytes info,
                 base::MutableBytes out);

// RFC 8446 7.1, without the "tls13 " that it puts before `label`. Label: at most 249 bytes,
// context: at most 255.
void hkdf_expand_label(HashAlgorithm algorithm, base::Bytes secret, std::string_view label,
                       base::Bytes context, base::MutableBytes out);

}  // namespace sluice::tls
