// CertificateVerify signatures (RFC 8446 4.4.3): made here, verified by libcrypto with the
// certificate's public key; and how long a worker keeps its signing contexts.
#include "tls/crypto/signer.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "tests/support/certificates.hpp"

namespace sluice::tls {
namespace {

using test::KeyKind;

std::shared_ptr<const CertifiedKey> certified_key(KeyKind kind) {
  const auto certificate = test::make_certificate(kind, {"example.test"});
  auto key = CertifiedKey::from_pem(certificate.chain_pem, certificate.key_pem);
  return key ? *key : nullptr;
}

SignatureJob job_for(std::shared_ptr<const CertifiedKey> certificate, SignatureScheme scheme) {
  SignatureJob job;
  job.certificate = std::move(certificate);
  job.scheme = scheme;
  job.content_size = 64 + 34 + 32;
  for (std::size_t i = 0; i < job.content_size; ++i) job.content[i] = static_cast<std::byte>(i);
  return job;
}

bool verifies(const SignatureJob& job, const EVP_MD* digest, bool pss) {
  const auto& der = job.certificate->chain().front();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(
      d2i_X509(nullptr, &at, static_cast<long>(der.size())), &X509_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  if (EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr,
                           X509_get0_pubkey(leaf.get())) != 1) {
    return false;
  }
  // RFC 8446 4.2.3: the salt is as long as the digest.
  if (pss && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
              EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, EVP_MD_get_size(digest)) != 1)) {
    return false;
  }
  return EVP_DigestVerify(
             context.get(), reinterpret_cast<const unsigned char*>(job.signature.data()),
             job.signature_size, reinterpret_cast<const unsigned char*>(job.content.data()),
             job.content_size) == 1;
}

TEST(Signer, EcdsaP256SignaturesVerify) {
  Signer signer;
  auto job = job_for(certified_key(KeyKind::kEcdsaP256), SignatureScheme::ecdsa_secp256r1_sha256);
  for (int round = 0; round < 20; ++round) {  // the context is reused from the second on
    job.content[5] = static_cast<std::byte>(round);
    ASSERT_EQ(signer.run(job), JobOutcome::kDone);
    EXPECT_TRUE(verifies(job, EVP_sha256(), false)) << round;
    job.content[0] ^= std::byte{1};
    EXPECT_FALSE(verifies(job, EVP_sha256(), false)) << round;
  }
  EXPECT_EQ(signer.contexts(), 1u);
}

TEST(Signer, RsaPssSignaturesVerifyWithEachDigest) {
  Signer signer;
  const auto key = certified_key(KeyKind::kRsa2048);
  const struct {
    SignatureScheme scheme;
    const EVP_MD* digest;
  } schemes[] = {{SignatureScheme::rsa_pss_rsae_sha256, EVP_sha256()},
                 {SignatureScheme::rsa_pss_rsae_sha384, EVP_sha384()},
                 {SignatureScheme::rsa_pss_rsae_sha512, EVP_sha512()}};
  for (int round = 0; round < 2; ++round) {
    for (const auto& [scheme, digest] : schemes) {
      auto job = job_for(key, scheme);
      ASSERT_EQ(signer.run(job), JobOutcome::kDone);
      EXPECT_EQ(job.signature_size, 256u);
      EXPECT_TRUE(verifies(job, digest, true));
      job.signature[10] ^= std::byte{1};
      EXPECT_FALSE(verifies(job, digest, true));
    }
  }
  EXPECT_EQ(signer.contexts(), 3u);
}

TEST(Signer, ASchemeThatTheKeyDoesNotHaveFails) {
  Signer signer;
  const auto ecdsa = certified_key(KeyKind::kEcdsaP256);
  for (const auto scheme : {SignatureScheme::rsa_pss_rsae_sha256, SignatureScheme::ed25519,
                            SignatureScheme::ecdsa_secp384r1_sha384}) {
    auto job = job_for(ecdsa, scheme);
    EXPECT_EQ(signer.run(job), JobOutcome::kFailed);
    EXPECT_EQ(job.signature_size, 0u);
  }
  // RFC 8446 4.2.3: PKCS #1 v1.5 signs no CertificateVerify.
  auto job = job_for(certified_key(KeyKind::kRsa2048), SignatureScheme::rsa_pkcs1_sha256);
  EXPECT_EQ(signer.run(job), JobOutcome::kFailed);
}

TEST(Signer, AJobWithoutCertificateFails) {
  Signer signer;
  auto job = job_for(nullptr, SignatureScheme::ecdsa_secp256r1_sha256);
  EXPECT_EQ(signer.run(job), JobOutcome::kFailed);
}

TEST(Signer, ContextsOfDroppedKeysAreForgotten) {
  Signer signer;
  const auto kept = certified_key(KeyKind::kEcdsaP256);
  auto job = job_for(kept, SignatureScheme::ecdsa_secp256r1_sha256);
  ASSERT_EQ(signer.run(job), JobOutcome::kDone);
  {
    auto dropped =
        job_for(certified_key(KeyKind::kEcdsaP256), SignatureScheme::ecdsa_secp256r1_sha256);
    ASSERT_EQ(signer.run(dropped), JobOutcome::kDone);
    signer.forget_dropped_keys();
    EXPECT_EQ(signer.contexts(), 2u);
  }
  signer.forget_dropped_keys();
  EXPECT_EQ(signer.contexts(), 1u);
  ASSERT_EQ(signer.run(job), JobOutcome::kDone);
  EXPECT_TRUE(verifies(job, EVP_sha256(), false));
}

TEST(Signer, MoreKeysThanContextsStillSign) {
  Signer signer;
  std::vector<std::shared_ptr<const CertifiedKey>> keys;
  for (std::size_t i = 0; i < Signer::kMaxContexts + 10; ++i) {
    keys.push_back(certified_key(KeyKind::kEcdsaP256));
  }
  for (int round = 0; round < 2; ++round) {
    for (const auto& key : keys) {
      auto job = job_for(key, SignatureScheme::ecdsa_secp256r1_sha256);
      ASSERT_EQ(signer.run(job), JobOutcome::kDone);
      ASSERT_TRUE(verifies(job, EVP_sha256(), false));
    }
  }
  EXPECT_EQ(signer.contexts(), Signer::kMaxContexts);
}

}  // namespace
}  // namespace sluice::tls
