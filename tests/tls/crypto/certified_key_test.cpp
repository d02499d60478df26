// Certificates with their keys: what is taken, what is refused and why, and which names they cover
// (RFC 6125 6.4).
#include "tls/crypto/certified_key.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <functional>
#include <memory>
#include <string>

#include "tests/support/certificates.hpp"
#include "tls/codec/certificate.hpp"

namespace sluice::tls {
namespace {

using test::KeyKind;
using test::make_certificate;
using test::TestCertificate;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string written(const std::function<int(BIO*)>& write) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  EXPECT_EQ(write(bio.get()), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Pkey parsed_key(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
}

// A self-signed certificate around any key; with a common name and no alternative names.
TestCertificate certificate_for(EVP_PKEY* key, const char* common_name) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  X509_set_pubkey(certificate.get(), key);
  const bool is_eddsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  EXPECT_GT(X509_sign(certificate.get(), key, is_eddsa ? nullptr : EVP_sha256()), 0);
  return {
      .chain_pem = written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
      .key_pem = written([&](BIO* bio) {
        return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
      })};
}

void expect_error(const std::string& chain, const std::string& key, CertificateError error) {
  const auto result = CertifiedKey::from_pem(chain, key);
  ASSERT_FALSE(result) << describe(error);
  EXPECT_EQ(result.error(), error) << describe(result.error()) << ", not " << describe(error);
}

TEST(CertifiedKey, EcdsaP256IsTaken) {
  const auto pem = make_certificate(KeyKind::kEcdsaP256, {"shop.example", "*.Shop.Example"});
  const auto key = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)->chain().size(), 1u);
  EXPECT_EQ((*key)->names(), (std::vector<std::string>{"shop.example", "*.shop.example"}));
  EXPECT_EQ((*key)->schemes(),
            std::vector<SignatureScheme>{SignatureScheme::ecdsa_secp256r1_sha256});
}

TEST(CertifiedKey, RsaIsTaken) {
  const auto pem = make_certificate(KeyKind::kRsa2048, {"shop.example"});
  const auto key = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)->schemes(),
            (std::vector<SignatureScheme>{SignatureScheme::rsa_pss_rsae_sha256,
                                          SignatureScheme::rsa_pss_rsae_sha384,
                                          SignatureScheme::rsa_pss_rsae_sha512}));
}

TEST(CertifiedKey, OneTextHoldsKeyAndChainInAnyOrder) {
  const auto leaf = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  const auto issuer = make_certificate(KeyKind::kRsa2048, {"issuer.example"});
  for (const auto& text : {leaf.key_pem + leaf.chain_pem + issuer.chain_pem,
                           leaf.chain_pem + issuer.chain_pem + leaf.key_pem,
                           "a comment\n" + leaf.chain_pem + leaf.key_pem + issuer.chain_pem}) {
    const auto key = CertifiedKey::from_pem(text, text);
    ASSERT_TRUE(key);
    ASSERT_EQ((*key)->chain().size(), 2u);
    const auto& der = (*key)->chain().front();
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<X509, decltype(&X509_free)> parsed(
        d2i_X509(nullptr, &at, static_cast<long>(der.size())), &X509_free);
    EXPECT_NE(parsed, nullptr);
    EXPECT_EQ((*key)->names(), std::vector<std::string>{"a.example"});  // the leaf's
  }
}

TEST(CertifiedKey, TraditionalKeyFormatsAreTaken) {
  const auto ecdsa = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  const auto rsa = make_certificate(KeyKind::kRsa2048, {"a.example"});
  for (const auto* pem : {&ecdsa, &rsa}) {
    const Pkey parsed = parsed_key(pem->key_pem);
    const auto traditional = written([&](BIO* bio) {
      return PEM_write_bio_PrivateKey_traditional(bio, parsed.get(), nullptr, nullptr, 0, nullptr,
                                                  nullptr);
    });
    ASSERT_EQ(traditional.find("BEGIN PRIVATE KEY"), std::string::npos);
    EXPECT_TRUE(CertifiedKey::from_pem(pem->chain_pem, traditional));
    // What `openssl ecparam -genkey` writes in front.
    EXPECT_TRUE(CertifiedKey::from_pem(
        pem->chain_pem,
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" +
            traditional));
  }
}

TEST(CertifiedKey, MissingPartsAreNamed) {
  const auto pem = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  expect_error("", pem.key_pem, CertificateError::kNotPem);
  expect_error("no certificate at all", pem.key_pem, CertificateError::kNotPem);
  expect_error(pem.key_pem, pem.key_pem, CertificateError::kNotPem);
  expect_error(pem.chain_pem, "", CertificateError::kNoKey);
  expect_error(pem.chain_pem, pem.chain_pem, CertificateError::kNoKey);
}

TEST(CertifiedKey, DamagedPartsAreNamed) {
  const auto pem = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  auto damaged = pem.chain_pem;
  damaged[100] = '!';  // not base64
  expect_error(damaged, pem.key_pem, CertificateError::kBadCertificate);
  expect_error(pem.chain_pem.substr(0, 200), pem.key_pem, CertificateError::kBadCertificate);
  // Base64 of what is no certificate; also as the second one of a chain.
  const std::string nonsense =
      "-----BEGIN CERTIFICATE-----\nAAAAAAAAAAAAAAAA\n-----END CERTIFICATE-----\n";
  expect_error(nonsense, pem.key_pem, CertificateError::kBadCertificate);
  expect_error(pem.chain_pem + nonsense, pem.key_pem, CertificateError::kBadCertificate);

  damaged = pem.key_pem;
  damaged[60] = '!';
  expect_error(pem.chain_pem, damaged, CertificateError::kBadKey);
  expect_error(pem.chain_pem,
               "-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n",
               CertificateError::kBadKey);
}

TEST(CertifiedKey, EncryptedKeysAreRefusedWithoutAsking) {
  const auto pem = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  const Pkey parsed = parsed_key(pem.key_pem);
  unsigned char password[] = "secret";
  for (const auto write : {&PEM_write_bio_PrivateKey, &PEM_write_bio_PrivateKey_traditional}) {
    const auto encrypted = written([&](BIO* bio) {
      return write(bio, parsed.get(), EVP_aes_128_cbc(), password, 6, nullptr, nullptr);
    });
    expect_error(pem.chain_pem, encrypted, CertificateError::kBadKey);
  }
}

TEST(CertifiedKey, AKeyOfAnotherCertificateIsAMismatch) {
  const auto one = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  const auto same_kind = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  const auto other_kind = make_certificate(KeyKind::kRsa2048, {"a.example"});
  expect_error(one.chain_pem, same_kind.key_pem, CertificateError::kMismatch);
  expect_error(one.chain_pem, other_kind.key_pem, CertificateError::kMismatch);
  // The key of the issuer, not of the leaf.
  expect_error(one.chain_pem + same_kind.chain_pem, same_kind.key_pem, CertificateError::kMismatch);
}

TEST(CertifiedKey, AChainThatNoHandshakeHasRoomForIsTooLong) {
  const auto leaf = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  const auto issuer = make_certificate(KeyKind::kRsa2048, {"issuer.example"});
  const auto size_of = [&](const std::string& chain) -> std::size_t {
    const auto key = CertifiedKey::from_pem(chain, leaf.key_pem);
    return key ? certificate_message_size((*key)->chain()) : 0;
  };
  const std::size_t alone = size_of(leaf.chain_pem);
  const std::size_t more = size_of(leaf.chain_pem + issuer.chain_pem) - alone;
  std::string chain = leaf.chain_pem;
  std::size_t size = alone;
  for (; size + more <= kMaxCertificateMessage; size += more) chain += issuer.chain_pem;
  EXPECT_EQ(size_of(chain), size);
  expect_error(chain + issuer.chain_pem, leaf.key_pem, CertificateError::kChainTooLong);
}

TEST(CertifiedKey, OtherKindsOfKeysAreUnsupported) {
  const Pkey p384(EVP_EC_gen("P-384"), &EVP_PKEY_free);
  const Pkey short_rsa(EVP_RSA_gen(1024), &EVP_PKEY_free);
  const Pkey ed25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
  for (const Pkey* key : {&p384, &short_rsa, &ed25519}) {
    const auto pem = certificate_for(key->get(), "a.example");
    expect_error(pem.chain_pem, pem.key_pem, CertificateError::kUnsupportedKey);
  }
}

TEST(CertifiedKey, TheCommonNameCountsWhereThereIsNoAlternativeName) {
  const Pkey key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto pem = certificate_for(key.get(), "Only.Example");
  const auto certified = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  ASSERT_TRUE(certified);
  EXPECT_EQ((*certified)->names(), std::vector<std::string>{"only.example"});
  EXPECT_TRUE((*certified)->covers("only.example"));

  // The test certificates' common name is their first name: the second one shows that the
  // alternative names were read.
  const auto with_names = make_certificate(KeyKind::kEcdsaP256, {"first.example", "b.example"});
  const auto named = CertifiedKey::from_pem(with_names.chain_pem, with_names.key_pem);
  ASSERT_TRUE(named);
  EXPECT_EQ((*named)->names(), (std::vector<std::string>{"first.example", "b.example"}));
}

TEST(CertifiedKey, ACommonNameThatIsNoHostNameIsNoName) {
  const Pkey key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto pem = certificate_for(key.get(), "Example Authority, Inc.");
  const auto certified = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  ASSERT_TRUE(certified);
  EXPECT_TRUE((*certified)->names().empty());
}

// RFC 6125 6.4.1, 6.4.3.
TEST(CertifiedKey, CoversNamesExactlyOrByOneLabel) {
  const auto pem = make_certificate(KeyKind::kEcdsaP256, {"shop.example", "*.cdn.example"});
  const auto key = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  ASSERT_TRUE(key);
  for (const auto* covered : {"shop.example", "SHOP.Example", "a.cdn.example", "X.CDN.EXAMPLE"}) {
    EXPECT_TRUE((*key)->covers(covered)) << covered;
  }
  for (const auto* other :
       {"", "example", "a.shop.example", "shop.example.", "xshop.example", "cdn.example",
        ".cdn.example", "a.b.cdn.example", "a.cdn.example.org", "acdn.example"}) {
    EXPECT_FALSE((*key)->covers(other)) << other;
  }
}

TEST(CertifiedKey, AWildcardInsideALabelStandsForNothing) {
  const auto pem = make_certificate(KeyKind::kEcdsaP256, {"w*.example", "a.*.example"});
  const auto key = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  ASSERT_TRUE(key);
  EXPECT_FALSE((*key)->covers("www.example"));
  EXPECT_FALSE((*key)->covers("a.b.example"));
}

}  // namespace
}  // namespace sluice::tls
