// TLS 1.3's AEADs (RFC 8446 B.4; RFC 5116, RFC 8439) through ipsec-mb's direct calls: in one call
// where a record lies in one piece, else begin, one call per span, finish. One Aead per worker:
// ipsec-mb's manager belongs to a thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "tls/codec/registry.hpp"

struct IMB_MGR;

namespace sluice::tls {

enum class AeadAlgorithm : std::uint8_t { aes128_gcm, aes256_gcm, chacha20_poly1305 };

inline constexpr std::size_t kAeadTagSize = 16;
inline constexpr std::size_t kAeadNonceSize = 12;
inline constexpr std::size_t kMaxAeadKeySize = 32;

using AeadNonce = std::array<std::byte, kAeadNonceSize>;
using AeadTag = std::array<std::byte, kAeadTagSize>;

[[nodiscard]] constexpr std::size_t key_size(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::aes128_gcm ? 16 : 32;
}

[[nodiscard]] constexpr AeadAlgorithm aead_of(CipherSuite suite) {
  switch (suite) {
    case CipherSuite::TLS_AES_128_GCM_SHA256:
      return AeadAlgorithm::aes128_gcm;
    case CipherSuite::TLS_AES_256_GCM_SHA384:
      return AeadAlgorithm::aes256_gcm;
    case CipherSuite::TLS_CHACHA20_POLY1305_SHA256:
      break;
  }
  return AeadAlgorithm::chacha20_poly1305;
}

// AES round keys and powers of the hash key. ChaCha20-Poly1305 has no expanded form.
struct alignas(64) ExpandedKey {
  static constexpr std::size_t kSize = 1024;
  std::array<std::byte, kSize> bytes;
};
static_assert(sizeof(ExpandedKey) == 1024);

// A key ready for use, as a view: `material` is an ExpandedKey for AES-GCM, for ChaCha20-Poly1305
// the 32 raw bytes, with kChaChaKeyRoom bytes there to be read: ipsec-mb's AVX2 code loads the
// key's second half as 32 bytes (and does not use what it reads too much).
struct AeadKey {
  AeadAlgorithm algorithm;
  const std::byte* material;
};
inline constexpr std::size_t kChaChaKeyRoom = 48;

class Aead {
 public:
  // The instruction sets that ipsec-mb has code for. `best` is what the CPU offers; the others
  // force a lower one, for tests.
  enum class Level : std::uint8_t { best, sse, avx, avx2, avx512 };

  // Throws std::runtime_error where ipsec-mb cannot serve this CPU (no AES-NI), or not at `level`.
  explicit Aead(Level level = Level::best);
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  [[nodiscard]] static bool supported(Level level);

  // Precondition: `algorithm` is an AES-GCM and `raw` has its key size.
  void expand(AeadAlgorithm algorithm, base::Bytes raw, ExpandedKey& expanded) const;

  // One piece in, one piece out. `to` has `from`'s size and is it or does not overlap it.
  [[nodiscard]] AeadTag seal(AeadKey key, const AeadNonce& nonce, base::Bytes aad, base::Bytes from,
                             base::MutableBytes to) const;
  // Decrypts in place and returns the tag that the bytes should have had: the caller compares, in
  // constant time, and discards the bytes when it differs.
  [[nodiscard]] AeadTag open(AeadKey key, const AeadNonce& nonce, base::Bytes aad,
                             base::MutableBytes bytes) const;

 private:
  friend class AeadStream;
  struct FreeManager {
    void operator()(IMB_MGR* manager) const;
  };
  std::unique_ptr<IMB_MGR, FreeManager> manager_;
};

// One record whose bytes lie scattered. Calls of seal() or of open(), then finish(). The chunks may
// have any length.
class AeadStream {
 public:
  AeadStream(const Aead& aead, AeadKey key, const AeadNonce& nonce, base::Bytes aad);
  ~AeadStream();
  AeadStream(const AeadStream&) = delete;
  AeadStream& operator=(const AeadStream&) = delete;

  // `to` has `from`'s size and is it or does not overlap it.
  void seal(base::Bytes from, base::MutableBytes to);
  void open(base::MutableBytes bytes);
  // The tag over everything; after open() calls the one that the record should have had.
  [[nodiscard]] AeadTag finish();

 private:
  static constexpr std::size_t kContextSize = 192;  // the larger of ipsec-mb's two
  IMB_MGR* manager_;
  AeadKey key_;
  bool opening_ = false;
  alignas(16) std::array<std::byte, kContextSize> context_;
};

}  // namespace sluice::tls
