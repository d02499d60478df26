#include "tls/crypto/aead.hpp"

#include <intel-ipsec-mb.h>

#include <algorithm>
#include <cassert>
#include <new>
#include <stdexcept>

#include "base/secret.hpp"

namespace sluice::tls {

using base::Bytes;
using base::MutableBytes;

static_assert(sizeof(gcm_key_data) <= ExpandedKey::kSize);
static_assert(alignof(gcm_key_data) <= alignof(ExpandedKey));

namespace {

const std::uint8_t* u8(const std::byte* bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes);
}
std::uint8_t* u8(std::byte* bytes) {
  return reinterpret_cast<std::uint8_t*>(bytes);
}

const gcm_key_data* gcm_key(AeadKey key) {
  return reinterpret_cast<const gcm_key_data*>(key.material);
}

gcm_context_data* gcm(std::byte* context) {
  return std::launder(reinterpret_cast<gcm_context_data*>(context));
}
chacha20_poly1305_context_data* chacha(std::byte* context) {
  return std::launder(reinterpret_cast<chacha20_poly1305_context_data*>(context));
}

std::uint64_t required_features(Aead::Level level) {
  switch (level) {
    case Aead::Level::best:
    case Aead::Level::sse:
      return IMB_CPUFLAGS_SSE;
    case Aead::Level::avx:
      return IMB_CPUFLAGS_AVX;
    case Aead::Level::avx2:
      return IMB_CPUFLAGS_AVX2;
    case Aead::Level::avx512:
      return IMB_CPUFLAGS_AVX512;
  }
  return ~std::uint64_t{0};
}

void initialise(IMB_MGR* manager, Aead::Level level) {
  switch (level) {
    case Aead::Level::best:
      return init_mb_mgr_auto(manager, nullptr);
    case Aead::Level::sse:
      return init_mb_mgr_sse(manager);
    case Aead::Level::avx:
      return init_mb_mgr_avx(manager);
    case Aead::Level::avx2:
      return init_mb_mgr_avx2(manager);
    case Aead::Level::avx512:
      return init_mb_mgr_avx512(manager);
  }
}

bool has(IMB_MGR* manager, std::uint64_t features) {
  return (manager->features & features) == features;
}

}  // namespace

void Aead::FreeManager::operator()(IMB_MGR* manager) const {
  free_mb_mgr(manager);
}

Aead::Aead(Level level) : manager_(alloc_mb_mgr(0)) {
  if (!manager_) throw std::runtime_error("ipsec-mb: cannot allocate a manager");
  if (!has(manager_.get(), required_features(level))) {
    throw std::runtime_error("ipsec-mb: this CPU lacks the instructions (AES-NI, PCLMULQDQ)");
  }
  initialise(manager_.get(), level);
  if (imb_get_errno(manager_.get()) != 0) {
    throw std::runtime_error("ipsec-mb: initialisation failed");
  }
}

Aead::~Aead() = default;

bool Aead::supported(Level level) {
  const std::unique_ptr<IMB_MGR, FreeManager> manager(alloc_mb_mgr(0));
  return manager && has(manager.get(), required_features(level));
}

void Aead::expand(AeadAlgorithm algorithm, Bytes raw, ExpandedKey& expanded) const {
  assert(algorithm != AeadAlgorithm::chacha20_poly1305 && raw.size() == key_size(algorithm));
  auto* key = ::new (static_cast<void*>(expanded.bytes.data())) gcm_key_data;
  if (algorithm == AeadAlgorithm::aes128_gcm) {
    IMB_AES128_GCM_PRE(manager_.get(), raw.data(), key);
  } else {
    IMB_AES256_GCM_PRE(manager_.get(), raw.data(), key);
  }
}

AeadTag Aead::seal(AeadKey key, const AeadNonce& nonce, Bytes aad, Bytes from,
                   MutableBytes to) const {
  assert(from.size() == to.size());
  if (key.algorithm == AeadAlgorithm::chacha20_poly1305) {
    AeadStream stream(*this, key, nonce, aad);
    stream.seal(from, to);
    return stream.finish();
  }
  AeadTag tag;
  gcm_context_data context;
  const auto gcm_seal =
      key.algorithm == AeadAlgorithm::aes128_gcm ? manager_->gcm128_enc : manager_->gcm256_enc;
  gcm_seal(gcm_key(key), &context, u8(to.data()), u8(from.data()), from.size(), u8(nonce.data()),
           u8(aad.data()), aad.size(), u8(tag.data()), tag.size());
  base::secure_wipe(std::as_writable_bytes(std::span(&context, 1)));
  return tag;
}

AeadTag Aead::open(AeadKey key, const AeadNonce& nonce, Bytes aad, MutableBytes bytes) const {
  if (key.algorithm == AeadAlgorithm::chacha20_poly1305) {
    AeadStream stream(*this, key, nonce, aad);
    stream.open(bytes);
    return stream.finish();
  }
  AeadTag tag;
  gcm_context_data context;
  const auto gcm_open =
      key.algorithm == AeadAlgorithm::aes128_gcm ? manager_->gcm128_dec : manager_->gcm256_dec;
  gcm_open(gcm_key(key), &context, u8(bytes.data()), u8(bytes.data()), bytes.size(),
           u8(nonce.data()), u8(aad.data()), aad.size(), u8(tag.data()), tag.size());
  base::secure_wipe(std::as_writable_bytes(std::span(&context, 1)));
  return tag;
}

AeadStream::AeadStream(const Aead& aead, AeadKey key, const AeadNonce& nonce, Bytes aad)
    : manager_(aead.manager_.get()), key_(key) {
  static_assert(sizeof(gcm_context_data) <= kContextSize);
  static_assert(sizeof(chacha20_poly1305_context_data) <= kContextSize);
  const std::uint8_t* iv = u8(nonce.data());
  switch (key.algorithm) {
    case AeadAlgorithm::aes128_gcm:
      ::new (static_cast<void*>(context_.data())) gcm_context_data;
      IMB_AES128_GCM_INIT(manager_, gcm_key(key), gcm(context_.data()), iv, u8(aad.data()),
                          aad.size());
      return;
    case AeadAlgorithm::aes256_gcm:
      ::new (static_cast<void*>(context_.data())) gcm_context_data;
      IMB_AES256_GCM_INIT(manager_, gcm_key(key), gcm(context_.data()), iv, u8(aad.data()),
                          aad.size());
      return;
    case AeadAlgorithm::chacha20_poly1305:
      ::new (static_cast<void*>(context_.data())) chacha20_poly1305_context_data;
      IMB_CHACHA20_POLY1305_INIT(manager_, key.material, chacha(context_.data()), iv,
                                 u8(aad.data()), aad.size());
      return;
  }
}

AeadStream::~AeadStream() {
  base::secure_wipe(context_);
}

void AeadStream::seal(Bytes from, MutableBytes to) {
  assert(from.size() == to.size());
  if (from.empty()) return;  // ipsec-mb may be built to reject null pointers
  std::uint8_t* out = u8(to.data());
  const std::uint8_t* in = u8(from.data());
  switch (key_.algorithm) {
    case AeadAlgorithm::aes128_gcm:
      IMB_AES128_GCM_ENC_UPDATE(manager_, gcm_key(key_), gcm(context_.data()), out, in,
                                from.size());
      return;
    case AeadAlgorithm::aes256_gcm:
      IMB_AES256_GCM_ENC_UPDATE(manager_, gcm_key(key_), gcm(context_.data()), out, in,
                                from.size());
      return;
    case AeadAlgorithm::chacha20_poly1305:
      IMB_CHACHA20_POLY1305_ENC_UPDATE(manager_, key_.material, chacha(context_.data()), out, in,
                                       from.size());
      return;
  }
}

void AeadStream::open(MutableBytes bytes) {
  if (bytes.empty()) return;
  opening_ = true;
  std::uint8_t* at = u8(bytes.data());
  switch (key_.algorithm) {
    case AeadAlgorithm::aes128_gcm:
      IMB_AES128_GCM_DEC_UPDATE(manager_, gcm_key(key_), gcm(context_.data()), at, at,
                                bytes.size());
      return;
    case AeadAlgorithm::aes256_gcm:
      IMB_AES256_GCM_DEC_UPDATE(manager_, gcm_key(key_), gcm(context_.data()), at, at,
                                bytes.size());
      return;
    case AeadAlgorithm::chacha20_poly1305:
      IMB_CHACHA20_POLY1305_DEC_UPDATE(manager_, key_.material, chacha(context_.data()), at, at,
                                       bytes.size());
      return;
  }
}

AeadTag AeadStream::finish() {
  AeadTag tag;
  switch (key_.algorithm) {
    case AeadAlgorithm::aes128_gcm: {
      const auto finalise =
          opening_ ? manager_->gcm128_dec_finalize : manager_->gcm128_enc_finalize;
      finalise(gcm_key(key_), gcm(context_.data()), u8(tag.data()), tag.size());
      break;
    }
    case AeadAlgorithm::aes256_gcm: {
      const auto finalise =
          opening_ ? manager_->gcm256_dec_finalize : manager_->gcm256_enc_finalize;
      finalise(gcm_key(key_), gcm(context_.data()), u8(tag.data()), tag.size());
      break;
    }
    case AeadAlgorithm::chacha20_poly1305:
      IMB_CHACHA20_POLY1305_ENC_FINALIZE(manager_, chacha(context_.data()), u8(tag.data()),
                                         tag.size());
      break;
  }
  return tag;
}

}  // namespace sluice::tls
