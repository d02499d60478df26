// Record protection (RFC 8446 5.2 to 5.5), one direction of one connection: seals plaintext into
// records and opens them in place, over spans that may begin and end anywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/crypto/aead.hpp"
#include "tls/error.hpp"
#include "tls/record/deframer.hpp"
#include "tls/record/key_pool.hpp"
#include "tls/record/output.hpp"

namespace sluice::tls {

// What sealing adds to a plaintext: header, content type, tag.
inline constexpr std::size_t kRecordOverhead = kRecordHeaderSize + 1 + kAeadTagSize;

class RecordProtection {
 public:
  RecordProtection() = default;
  ~RecordProtection();
  RecordProtection(const RecordProtection&) = delete;
  RecordProtection& operator=(const RecordProtection&) = delete;

  // Derives key and IV from the traffic secret (RFC 8446 7.3) and starts at record 0; also replaces
  // what was installed before, whose expansion it gives back at once (KeyUpdate).
  void install(KeyPool& keys, CipherSuite suite, base::Bytes traffic_secret);
  // Wipes key, IV and the key's expansion. To be called before destruction where the pool is at
  // hand: otherwise the expansion stays in the pool until its turn to be evicted.
  void clear(KeyPool& keys);

  [[nodiscard]] bool active() const { return active_; }
  // Number of the next record.
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  // RFC 8446 5.5: 2^24.5 full records under one AES-GCM key are the limit; a KeyUpdate is due from
  // 2^24 on. ChaCha20-Poly1305's limit lies beyond the sequence numbers.
  [[nodiscard]] bool key_update_due() const {
    return algorithm_ != AeadAlgorithm::chacha20_poly1305 && sequence_ >= kKeyUpdateDue;
  }

  // Seals one record: 0 to 2^14 bytes of plaintext, from spans that do not overlap the output's.
  // Errors, with nothing written: no room in the output, plaintext too long, sequence exhausted.
  // Precondition: active().
  [[nodiscard]] base::Result<void, TlsError> seal(KeyPool& keys, ContentType type,
                                                  std::span<const base::Bytes> plaintext,
                                                  RecordOutput& output);

  struct Opened {
    ContentType type;    // of the inner plaintext, as sent: may be an unknown one
    std::size_t offset;  // of the plaintext in the record
    std::size_t size;
  };
  // Opens one whole record, header included, in place. What did not authenticate is wiped.
  // Precondition: active().
  [[nodiscard]] base::Result<Opened, TlsError> open(KeyPool& keys,
                                                    std::span<const base::MutableBytes> record);

 private:
  static constexpr std::uint64_t kKeyUpdateDue = std::uint64_t{1} << 24;
  // RFC 8446 5.3: sequence numbers MUST NOT wrap; the last one is never used.
  static constexpr std::uint64_t kLastSequence = ~std::uint64_t{0};

  friend struct RecordProtectionTestAccess;  // begins at any sequence number

  void seal_whole(KeyPool& keys, std::span<const base::Bytes> plaintext, base::Bytes type,
                  base::MutableBytes record);
  void seal_scattered(KeyPool& keys, std::span<const base::Bytes> plaintext, base::Bytes type,
                      std::span<const base::MutableBytes> record);
  // True when the record authenticates.
  [[nodiscard]] bool open_whole(KeyPool& keys, base::MutableBytes record);
  [[nodiscard]] bool open_scattered(KeyPool& keys, std::span<const base::MutableBytes> record,
                                    std::size_t inner_size);
  [[nodiscard]] AeadNonce nonce() const;
  [[nodiscard]] AeadKey key(KeyPool& keys);

  // One cache line and a half: what an idle connection keeps per direction. The key stands first,
  // so that kChaChaKeyRoom bytes from it on are ours.
  std::array<std::byte, kMaxAeadKeySize> raw_key_{};
  AeadNonce iv_{};
  AeadAlgorithm algorithm_ = AeadAlgorithm::aes128_gcm;
  bool active_ = false;
  std::uint64_t sequence_ = 0;
  KeyPool::Claim claim_;
};
static_assert(sizeof(RecordProtection) <= 80 && sizeof(RecordProtection) >= kChaChaKeyRoom);

}  // namespace sluice::tls
