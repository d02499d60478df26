#include "control/certificates/certificate_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "control/certificates/secret_file.hpp"
#include "control/certificates/validity.hpp"
#include "tests/control/support/scratch.hpp"
#include "tests/support/certificates.hpp"

namespace sluice::control {
namespace {

using test::KeyKind;
using test::make_certificate;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Scratch;
using ::testing::StartsWith;

CertificateStore load(const Scratch& scratch) {
  return load_certificates(scratch.path(), std::time(nullptr));
}

std::vector<std::string> names(const CertificateStore& store) {
  std::vector<std::string> list;
  for (const auto& certificate : store.certificates) list.push_back(certificate.name);
  return list;
}

void write_pair(const Scratch& scratch, const std::string& name,
                const test::TestCertificate& certificate) {
  scratch.write(name + ".crt", certificate.chain_pem);
  scratch.write(name + ".key", certificate.key_pem);
}

TEST(CertificateStore, PairsAndSingleFilesAreLoadedEcdsaFirstThenByName) {
  const Scratch scratch;
  write_pair(scratch, "a-rsa", make_certificate(KeyKind::kRsa2048, {"a.example"}));
  write_pair(scratch, "z", make_certificate(KeyKind::kEcdsaP256, {"z.example"}));
  const auto single = make_certificate(KeyKind::kEcdsaP256, {"s.example"});
  scratch.write("single.pem", single.chain_pem + single.key_pem);
  scratch.write("README", "not looked at");
  const auto store = load(scratch);
  EXPECT_THAT(store.errors, IsEmpty());
  EXPECT_THAT(store.warnings, IsEmpty());
  EXPECT_THAT(names(store), ElementsAre("single", "z", "a-rsa"));
  ASSERT_NE(store.find("z"), nullptr);
  EXPECT_TRUE(store.find("z")->key->covers("z.example"));
  EXPECT_EQ(store.find("nobody"), nullptr);
}

TEST(CertificateStore, AMissingDirectoryIsOneError) {
  const Scratch scratch;
  const auto store = load_certificates(scratch / "nowhere", std::time(nullptr));
  EXPECT_THAT(store.errors, ElementsAre((scratch / "nowhere").string() +
                                        ": cannot be read: No such file or directory"));
}

TEST(CertificateStore, AnEmptyDirectoryIsAnError) {
  const Scratch scratch;
  EXPECT_THAT(load(scratch).errors,
              ElementsAre(scratch.path().string() +
                          ": no certificate in this directory; expected NAME.pem, or NAME.crt and "
                          "NAME.key"));
}

TEST(CertificateStore, HalfAPairIsAnError) {
  const Scratch scratch;
  const auto certificate = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  scratch.write("a.crt", certificate.chain_pem);
  scratch.write("b.key", certificate.key_pem);
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.crt").string() +
                              ": a certificate without its key; expected a.key beside it",
                          (scratch / "b.key").string() +
                              ": a key without its certificate; expected b.crt beside it"));
}

TEST(CertificateStore, TwoCertificatesOfOneNameAreAnError) {
  const Scratch scratch;
  const auto certificate = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  write_pair(scratch, "a", certificate);
  scratch.write("a.pem", certificate.chain_pem + certificate.key_pem);
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.pem").string() + ": there also is " +
                          (scratch / "a.crt").string() + "; expected one of them"));
}

TEST(CertificateStore, AKeyOfAnotherCertificateIsAnErrorOfTheChain) {
  const Scratch scratch;
  scratch.write("a.crt", make_certificate(KeyKind::kEcdsaP256, {"a.example"}).chain_pem);
  scratch.write("a.key", make_certificate(KeyKind::kEcdsaP256, {"a.example"}).key_pem);
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.crt").string() + ": " +
                          std::string(tls::describe(tls::CertificateError::kMismatch))));
}

// It would load, and then fail every handshake.
TEST(CertificateStore, AChainThatIsTooLongIsAnError) {
  const Scratch scratch;
  const auto certificate = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  std::string chain;
  for (int i = 0; i < 1000; ++i) chain += certificate.chain_pem;
  scratch.write("a.pem", chain + certificate.key_pem);
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.pem").string() + ": " +
                          std::string(tls::describe(tls::CertificateError::kChainTooLong))));
}

TEST(CertificateStore, AnUnsupportedKeyIsAnError) {
  const Scratch scratch;
  write_pair(scratch, "a", make_certificate(KeyKind::kEcdsaP384, {"a.example"}));
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.crt").string() + ": " +
                          std::string(tls::describe(tls::CertificateError::kUnsupportedKey))));
}

TEST(CertificateStore, AFileWithoutKeyIsAnError) {
  const Scratch scratch;
  scratch.write("a.pem", make_certificate(KeyKind::kEcdsaP256, {"a.example"}).chain_pem);
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.pem").string() + ": " +
                          std::string(tls::describe(tls::CertificateError::kNoKey))));
}

TEST(CertificateStore, AFileThatIsNoPemIsAnError) {
  const Scratch scratch;
  scratch.write("a.pem", "hello");
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.pem").string() + ": " +
                          std::string(tls::describe(tls::CertificateError::kNotPem))));
}

TEST(CertificateStore, EveryBadFileIsReported) {
  const Scratch scratch;
  scratch.write("a.pem", "hello");
  scratch.write("b.pem", "hello");
  EXPECT_EQ(load(scratch).errors.size(), 2U);
}

TEST(CertificateStore, ADirectoryOrPipeInPlaceOfAFileIsAnErrorAndDoesNotBlock) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "a.pem");
  ASSERT_EQ(::mkfifo((scratch / "b.pem").c_str(), 0600), 0);
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.pem").string() + ": cannot be read: not a regular file",
                          (scratch / "b.pem").string() + ": cannot be read: not a regular file"));
}

TEST(CertificateStore, AnOversizedFileIsAnError) {
  const Scratch scratch;
  scratch.write("a.pem", std::string(SecretFile::kMaxSize + 1, 'x'));
  EXPECT_THAT(load(scratch).errors,
              ElementsAre((scratch / "a.pem").string() +
                          ": cannot be read: 1048577 bytes; expected at most 1048576"));
}

TEST(CertificateStore, ExpiredAndFutureCertificatesAreWarnedOfAndLoaded) {
  const Scratch scratch;
  const auto certificate = make_certificate(KeyKind::kEcdsaP256, {"a.example"});
  scratch.write("a.pem", certificate.chain_pem + certificate.key_pem);
  const std::time_t now = std::time(nullptr);
  const auto expired = load_certificates(scratch.path(), now + 10 * 86400);
  EXPECT_EQ(expired.certificates.size(), 1U);
  EXPECT_THAT(expired.warnings, ElementsAre(StartsWith((scratch / "a.pem").string() +
                                                       ": the certificate expired on ")));
  const auto future = load_certificates(scratch.path(), now - 10 * 86400);
  EXPECT_EQ(future.certificates.size(), 1U);
  EXPECT_THAT(future.warnings, ElementsAre(StartsWith((scratch / "a.pem").string() +
                                                      ": the certificate is not valid before ")));
}

TEST(CertificateStore, AKeyThatEveryoneMayReadIsWarnedOf) {
  const Scratch scratch;
  write_pair(scratch, "a", make_certificate(KeyKind::kEcdsaP256, {"a.example"}));
  std::filesystem::permissions(scratch / "a.key", std::filesystem::perms{0644});
  EXPECT_THAT(
      load(scratch).warnings,
      ElementsAre((scratch / "a.key").string() +
                  ": the private key can be read by every user; expected mode 0640 or less"));
}

TEST(Validity, GarbageHasNone) {
  EXPECT_FALSE(validity_of(base::bytes_of("not DER")));
}

}  // namespace
}  // namespace sluice::control
