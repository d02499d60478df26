#include "tests/tls/crypto/reference_aead.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace sluice::test {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const EVP_CIPHER* cipher_of(tls::AeadAlgorithm algorithm) {
  switch (algorithm) {
    case tls::AeadAlgorithm::aes128_gcm:
      return EVP_aes_128_gcm();
    case tls::AeadAlgorithm::aes256_gcm:
      return EVP_aes_256_gcm();
    case tls::AeadAlgorithm::chacha20_poly1305:
      break;
  }
  return EVP_chacha20_poly1305();
}

const unsigned char* u8(base::Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* u8(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

void require(bool ok) {
  if (!ok) throw std::runtime_error("libcrypto refused an AEAD");
}

Context begin(tls::AeadAlgorithm algorithm, base::Bytes key, base::Bytes nonce, base::Bytes aad,
              int sealing) {
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  require(EVP_CipherInit_ex2(context.get(), cipher_of(algorithm), u8(key), u8(nonce), sealing,
                             nullptr) == 1);
  require(aad.empty() || EVP_CipherUpdate(context.get(), nullptr, &size, u8(aad),
                                          static_cast<int>(aad.size())) == 1);
  return context;
}

void transform(const Context& context, base::Bytes from, std::byte* to) {
  int size = 0;
  require(from.empty() || EVP_CipherUpdate(context.get(), u8(to), &size, u8(from),
                                           static_cast<int>(from.size())) == 1);
}

}  // namespace

ByteVector reference_seal(tls::AeadAlgorithm algorithm, base::Bytes key, base::Bytes nonce,
                          base::Bytes aad, base::Bytes plaintext) {
  const Context context = begin(algorithm, key, nonce, aad, 1);
  ByteVector sealed(plaintext.size() + tls::kAeadTagSize);
  transform(context, plaintext, sealed.data());
  int size = 0;
  std::byte* tag = sealed.data() + plaintext.size();
  require(EVP_CipherFinal_ex(context.get(), u8(tag), &size) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tls::kAeadTagSize, tag) == 1);
  return sealed;
}

std::optional<ByteVector> reference_open(tls::AeadAlgorithm algorithm, base::Bytes key,
                                         base::Bytes nonce, base::Bytes aad, base::Bytes sealed) {
  const Context context = begin(algorithm, key, nonce, aad, 0);
  ByteVector plaintext(sealed.size() - tls::kAeadTagSize);
  transform(context, sealed.first(plaintext.size()), plaintext.data());
  ByteVector tag(sealed.begin() + static_cast<std::ptrdiff_t>(plaintext.size()), sealed.end());
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tls::kAeadTagSize,
                              tag.data()) == 1);
  int size = 0;
  std::byte nothing[16];
  if (EVP_CipherFinal_ex(context.get(), u8(nothing), &size) != 1) return std::nullopt;
  return plaintext;
}

}  // namespace sluice::test
