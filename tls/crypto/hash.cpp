// Hashes through libcrypto's low-level SHA calls. These are deprecated in favour of EVP and chosen
// on purpose: an EVP_MD_CTX allocates its state when it is made and again when it is copied, and a
// handshake forks its transcript hash half a dozen times and computes some twenty HMACs. By value
// the state costs a copy of 216 bytes and no look-up; SHA-NI and AVX2 code is used all the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tls/crypto/hash.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <cassert>
#include <new>

#include "base/cursor.hpp"
#include "base/secret.hpp"

namespace sluice::tls {

using base::Bytes;
using base::MutableBytes;

namespace {

unsigned char* u8(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

SHA256_CTX* sha256(std::byte* state) {
  return std::launder(reinterpret_cast<SHA256_CTX*>(state));
}
SHA512_CTX* sha384(std::byte* state) {
  return std::launder(reinterpret_cast<SHA512_CTX*>(state));
}

constexpr std::size_t block_size(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256 ? SHA256_CBLOCK : SHA512_CBLOCK;
}

// HMAC in steps, so that HKDF-Expand can feed it from several places. Everything in it depends on
// the key and is wiped.
class Hmac {
 public:
  Hmac(HashAlgorithm algorithm, Bytes key) : inner_(algorithm), outer_(algorithm) {
    const std::size_t block = block_size(algorithm);
    std::array<std::byte, SHA512_CBLOCK> padded{};
    if (key.size() > block) {
      Digest short_key = hash(algorithm, key);
      base::copy(padded, short_key.view());
      base::secure_wipe(short_key.bytes);
    } else {
      base::copy(padded, key);
    }
    const MutableBytes pad = MutableBytes(padded).first(block);
    for (std::byte& b : pad) b ^= std::byte{0x36};
    inner_.update(pad);
    for (std::byte& b : pad) b ^= std::byte{0x36} ^ std::byte{0x5c};
    outer_.update(pad);
    base::secure_wipe(padded);
  }
  ~Hmac() {
    inner_.wipe();
    outer_.wipe();
  }
  Hmac(const Hmac&) = default;
  Hmac& operator=(const Hmac&) = delete;

  void update(Bytes bytes) { inner_.update(bytes); }
  void finish(MutableBytes out) {
    Digest digest = inner_.current();
    outer_.update(digest.view());
    digest = outer_.current();
    base::copy(out, digest.view().first(out.size()));
    base::secure_wipe(digest.bytes);
  }

 private:
  RunningHash inner_;
  RunningHash outer_;
};

}  // namespace

RunningHash::RunningHash(HashAlgorithm algorithm) : algorithm_(algorithm) {
  static_assert(sizeof(SHA256_CTX) <= kStateSize && sizeof(SHA512_CTX) <= kStateSize);
  static_assert(alignof(SHA256_CTX) <= 8 && alignof(SHA512_CTX) <= 8);
  if (algorithm == HashAlgorithm::sha256) {
    SHA256_Init(::new (static_cast<void*>(state_.data())) SHA256_CTX);
  } else {
    SHA384_Init(::new (static_cast<void*>(state_.data())) SHA512_CTX);
  }
}

void RunningHash::update(Bytes bytes) {
  if (algorithm_ == HashAlgorithm::sha256) {
    SHA256_Update(sha256(state_.data()), bytes.data(), bytes.size());
  } else {
    SHA384_Update(sha384(state_.data()), bytes.data(), bytes.size());
  }
}

Digest RunningHash::current() const {
  RunningHash fork = *this;  // Final destroys the state
  Digest digest;
  digest.size = static_cast<std::uint8_t>(hash_size(algorithm_));
  if (algorithm_ == HashAlgorithm::sha256) {
    SHA256_Final(u8(digest.bytes.data()), sha256(fork.state_.data()));
  } else {
    SHA384_Final(u8(digest.bytes.data()), sha384(fork.state_.data()));
  }
  fork.wipe();
  return digest;
}

void RunningHash::wipe() {
  base::secure_wipe(state_);
}

Digest hash(HashAlgorithm algorithm, Bytes data) {
  RunningHash running(algorithm);
  running.update(data);
  return running.current();
}

std::array<std::byte, 64> sha512(Bytes data) {
  SHA512_CTX state;
  std::array<std::byte, 64> digest;
  SHA512_Init(&state);
  SHA512_Update(&state, data.data(), data.size());
  SHA512_Final(u8(digest.data()), &state);
  return digest;
}

void hmac(HashAlgorithm algorithm, Bytes key, Bytes data, MutableBytes out) {
  assert(out.size() == hash_size(algorithm));
  Hmac mac(algorithm, key);
  mac.update(data);
  mac.finish(out);
}

void hkdf_extract(HashAlgorithm algorithm, Bytes salt, Bytes input_key, MutableBytes out) {
  // RFC 5869 2.2: a salt that is not provided is HashLen zeros, which HMAC pads an empty key to.
  hmac(algorithm, salt, input_key, out);
}

void hkdf_expand(HashAlgorithm algorithm, Bytes secret, Bytes info, MutableBytes out) {
  const std::size_t size = hash_size(algorithm);
  assert(out.size() <= 255 * size);
  const Hmac keyed(algorithm, secret);
  base::Secret<kMaxHashSize> block;  // T(i) of RFC 5869 2.3; T(0) is empty
  for (std::byte counter{1}; !out.empty();
       counter = static_cast<std::byte>(std::to_integer<unsigned>(counter) + 1)) {
    Hmac mac = keyed;
    mac.update(block.bytes());
    mac.update(info);
    mac.update({&counter, 1});
    mac.finish(block.resize(size));
    const std::size_t take = std::min(size, out.size());
    base::copy(out, block.bytes().first(take));
    out = out.subspan(take);
  }
}

void hkdf_expand_label(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes context,
                       MutableBytes out) {
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<std::byte, 2 + 1 + 255 + 1 + 255> buffer;
  base::Writer info(buffer);
  info.u16(static_cast<std::uint16_t>(out.size()));
  info.sub<base::U8>([&] {
    info.bytes(base::bytes_of(kPrefix));
    info.bytes(base::bytes_of(label));
  });
  info.sub<base::U8>([&] { info.bytes(context); });
  assert(!info.overflow());
  hkdf_expand(algorithm, secret, info.written(), out);
}

}  // namespace sluice::tls
