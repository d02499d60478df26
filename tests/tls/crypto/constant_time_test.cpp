// That no branch and no address depends on a secret, in our code and in ipsec-mb's on the way: runs
// under valgrind with secrets marked as undefined memory, where each such dependence is an error.
//
// Two outcomes are public by design and not looked at here: whether a tag matched, and where
// padding ends. RFC 8446 5.4 has the receiver scan for the end of the padding and its appendix E.3
// notes what timing may tell of it: the length of the content, which what follows takes time by
// anyway.
#include <gtest/gtest.h>
#include <valgrind/memcheck.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/secret.hpp"
#include "tests/tls/record/scattered.hpp"
#include "tls/crypto/hash.hpp"
#include "tls/record/protection.hpp"

namespace sluice::tls {
namespace {

using base::Bytes;
using test::ByteVector;

class ConstantTime : public testing::Test {
 protected:
  void SetUp() override {
    if (RUNNING_ON_VALGRIND == 0) GTEST_SKIP() << "only valgrind can tell";
    errors_before_ = VALGRIND_COUNT_ERRORS;
  }
  [[nodiscard]] unsigned errors() const { return VALGRIND_COUNT_ERRORS - errors_before_; }

  // The value that a computation on secrets had, made public.
  template <typename T>
  static T published(T value) {
    VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
    return value;
  }

 private:
  unsigned errors_before_ = 0;
};

ByteVector secret(std::size_t size, unsigned fill) {
  ByteVector bytes(size, static_cast<std::byte>(fill));
  VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size());
  return bytes;
}

// The check can fail: a comparison that stops early is seen.
TEST_F(ConstantTime, AnEarlyExitIsSeen) {
  const ByteVector a = secret(32, 1);
  const ByteVector b = secret(32, 2);
  volatile bool equal = true;
  for (std::size_t i = 0; i < a.size() && equal; ++i) equal = a[i] == b[i];
  EXPECT_GT(errors(), 0u);
}

TEST_F(ConstantTime, Comparison) {
  for (const unsigned other : {1u, 2u}) {
    const ByteVector a = secret(48, 1);
    const ByteVector b = secret(48, other);
    const bool equal = published(base::constant_time_equal(a, b));
    EXPECT_EQ(errors(), 0u);
    (void)equal;
  }
}

TEST_F(ConstantTime, SecretsAreMovedAndWiped) {
  base::Secret<48> from(secret(48, 3));
  base::Secret<48> to = std::move(from);
  to.wipe();
  EXPECT_EQ(errors(), 0u);
}

TEST_F(ConstantTime, KeyDerivation) {
  for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384}) {
    const std::size_t size = hash_size(algorithm);
    ByteVector out(size);
    hkdf_extract(algorithm, secret(size, 4), secret(size, 5), out);
    hkdf_expand_label(algorithm, out, "c hs traffic", hash(algorithm, {}).view(), out);
    // Longer than a block: HMAC hashes such keys first.
    hmac(algorithm, secret(200, 6), secret(10, 7), out);
    EXPECT_EQ(errors(), 0u);
  }
}

// Traffic secret and plaintext are secret; record lengths are not.
TEST_F(ConstantTime, InstallingKeysAndSealing) {
  for (const auto suite : {CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_AES_256_GCM_SHA384,
                           CipherSuite::TLS_CHACHA20_POLY1305_SHA256}) {
    // valgrind knows no AVX-512.
    KeyPool keys(2, Aead::Level::sse);
    RecordProtection protection;
    protection.install(keys, suite, secret(hash_size(hash_of(suite)), 8));
    const ByteVector plaintext = secret(3000, 9);
    for (const test::Cuts& cuts : {test::Cuts{1 << 20}, test::Cuts{100, 7}}) {
      test::ScatteredOutput output(cuts);
      const auto spans = test::cut(Bytes(plaintext), cuts);
      EXPECT_TRUE(protection.seal(keys, ContentType::application_data, spans, output));
    }
    protection.clear(keys);
    EXPECT_EQ(errors(), 0u);
  }
}

TEST_F(ConstantTime, TagsOfOpenedRecords) {
  const Aead aead(Aead::Level::sse);
  for (const auto algorithm : {AeadAlgorithm::aes128_gcm, AeadAlgorithm::aes256_gcm}) {
    ExpandedKey key;
    aead.expand(algorithm, secret(key_size(algorithm), 10), key);
    const AeadKey view{algorithm, key.bytes.data()};
    ByteVector record = secret(1000, 11);
    const AeadTag whole = aead.open(view, AeadNonce{}, {}, record);
    AeadStream stream(aead, view, AeadNonce{}, {});
    for (const auto piece : test::cut(base::MutableBytes(record), {99})) stream.open(piece);
    const AeadTag scattered = stream.finish();
    (void)published(base::constant_time_equal(whole, scattered));
    EXPECT_EQ(errors(), 0u);
  }
}

}  // namespace
}  // namespace sluice::tls
