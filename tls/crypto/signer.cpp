#include "tls/crypto/signer.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "base/secret.hpp"
#include "tls/crypto/hash.hpp"

namespace sluice::tls {

using base::Bytes;

namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 4096;

constexpr std::array kEcdsaP256Schemes{SignatureScheme::ecdsa_secp256r1_sha256};
constexpr std::array kRsaSchemes{SignatureScheme::rsa_pss_rsae_sha256,
                                 SignatureScheme::rsa_pss_rsae_sha384,
                                 SignatureScheme::rsa_pss_rsae_sha512};

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 32> group{};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == SN_X9_62_prime256v1;
}

std::span<const SignatureScheme> schemes_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
      if (is_p256(key)) return kEcdsaP256Schemes;
      return {};
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(key);
      if (bits >= kMinRsaBits && bits <= kMaxRsaBits) return kRsaSchemes;
      return {};
    }
    default:
      return {};
  }
}

const EVP_MD* digest_of(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::rsa_pss_rsae_sha384:
      return EVP_sha384();
    case SignatureScheme::rsa_pss_rsae_sha512:
      return EVP_sha512();
    default:
      return EVP_sha256();
  }
}

// RFC 8446 4.2.3: the digest's algorithm is also MGF1's (libcrypto's default) and its length the
// salt's.
bool use_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

// A context ready to sign, over a copy of the key.
ContextPointer make_context(EVP_PKEY* key, SignatureScheme scheme) {
  EVP_PKEY* copy = EVP_PKEY_dup(key);
  if (copy == nullptr) return nullptr;
  ContextPointer context(EVP_PKEY_CTX_new_from_pkey(nullptr, copy, nullptr));
  EVP_PKEY_free(copy);  // the context holds its own reference
  const bool is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 || (is_rsa && !use_pss(context.get())) ||
      EVP_PKEY_CTX_set_signature_md(context.get(), digest_of(scheme)) != 1) {
    return nullptr;
  }
  return context;
}

bool sign_digest(EVP_PKEY_CTX* context, Bytes digest, SignatureJob& job) {
  std::size_t size = job.signature.size();
  if (EVP_PKEY_sign(context, reinterpret_cast<unsigned char*>(job.signature.data()), &size,
                    reinterpret_cast<const unsigned char*>(digest.data()), digest.size()) != 1) {
    return false;
  }
  job.signature_size = size;
  return true;
}

bool sign_content(EVP_PKEY_CTX* context, SignatureJob& job) {
  const Bytes content = Bytes(job.content).first(job.content_size);
  switch (job.scheme) {
    case SignatureScheme::rsa_pss_rsae_sha384:
      return sign_digest(context, hash(HashAlgorithm::sha384, content).view(), job);
    case SignatureScheme::rsa_pss_rsae_sha512:
      return sign_digest(context, sha512(content), job);
    default:
      return sign_digest(context, hash(HashAlgorithm::sha256, content).view(), job);
  }
}

}  // namespace

std::unique_ptr<const SigningKey> SigningKey::adopt(EVP_PKEY* key) {
  const auto schemes = schemes_of(key);
  if (schemes.empty()) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return std::unique_ptr<const SigningKey>(new SigningKey(key, schemes));
}

SigningKey::~SigningKey() {
  EVP_PKEY_free(key_);
}

struct Signer::Context {
  // Tells the key from one that came to lie at the same address, and does not keep it alive.
  std::weak_ptr<const CertifiedKey> owner;
  SignatureScheme scheme;
  ContextPointer context;
  std::uint64_t last_use;

  [[nodiscard]] bool serves(const SignatureJob& job) const {
    return scheme == job.scheme && !owner.owner_before(job.certificate) &&
           !job.certificate.owner_before(owner);
  }
};

Signer::Signer() {
  contexts_.reserve(kMaxContexts);
}
Signer::~Signer() = default;

std::size_t Signer::contexts() const {
  return contexts_.size();
}

JobOutcome Signer::run(SignatureJob& job) {
  job.signature_size = 0;
  if (!job.certificate || job.content_size > job.content.size()) return JobOutcome::kFailed;
  EVP_PKEY_CTX* context = context_for(job);
  if (context == nullptr || !sign_content(context, job)) {
    ERR_clear_error();
    return JobOutcome::kFailed;
  }
  return JobOutcome::kDone;
}

EVP_PKEY_CTX* Signer::context_for(const SignatureJob& job) {
  ++uses_;
  for (Context& known : contexts_) {
    if (!known.serves(job)) continue;
    known.last_use = uses_;
    return known.context.get();
  }
  const SigningKey& key = job.certificate->key();
  if (std::ranges::find(key.schemes(), job.scheme) == key.schemes().end()) return nullptr;
  ContextPointer context = make_context(key.handle(), job.scheme);
  if (!context) return nullptr;
  if (contexts_.size() == kMaxContexts) {
    contexts_.erase(std::ranges::min_element(contexts_, {}, &Context::last_use));
  }
  return contexts_.emplace_back(Context{job.certificate, job.scheme, std::move(context), uses_})
      .context.get();
}

void Signer::forget_dropped_keys() {
  std::erase_if(contexts_, [](const Context& known) { return known.owner.expired(); });
}

}  // namespace sluice::tls
