// Hashes, HMAC and HKDF against FIPS 180-4, RFC 4231, RFC 5869, RFC 8448 and Wycheproof.
#include "tls/crypto/hash.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "tests/tls/crypto/vectors.hpp"

namespace sluice::tls {
namespace {

using base::Bytes;
using base::bytes_of;
using test::ByteVector;
using test::from_hex;
using test::to_hex;

std::string hmac_hex(HashAlgorithm algorithm, Bytes key, Bytes data) {
  ByteVector out(hash_size(algorithm));
  hmac(algorithm, key, data, out);
  return to_hex(out);
}

std::string extract_hex(HashAlgorithm algorithm, Bytes salt, Bytes input_key) {
  ByteVector out(hash_size(algorithm));
  hkdf_extract(algorithm, salt, input_key, out);
  return to_hex(out);
}

std::string expand_hex(HashAlgorithm algorithm, Bytes secret, Bytes info, std::size_t size) {
  ByteVector out(size);
  hkdf_expand(algorithm, secret, info, out);
  return to_hex(out);
}

TEST(Hash, SuitesNameTheirHashes) {
  EXPECT_EQ(hash_of(CipherSuite::TLS_AES_128_GCM_SHA256), HashAlgorithm::sha256);
  EXPECT_EQ(hash_of(CipherSuite::TLS_AES_256_GCM_SHA384), HashAlgorithm::sha384);
  EXPECT_EQ(hash_of(CipherSuite::TLS_CHACHA20_POLY1305_SHA256), HashAlgorithm::sha256);
}

// FIPS 180-4's examples.
TEST(Hash, KnownInputsGiveKnownDigests) {
  EXPECT_EQ(to_hex(hash(HashAlgorithm::sha256, bytes_of("abc")).view()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hash(HashAlgorithm::sha256, {}).view()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(hash(HashAlgorithm::sha384, bytes_of("abc")).view()),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
            "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(sha512(bytes_of("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(RunningHash, AnySplitOfTheInputGivesTheHashOfTheWhole) {
  ByteVector input(400);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i * 7);
  for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384}) {
    const std::string whole = to_hex(hash(algorithm, input).view());
    for (std::size_t split = 0; split <= input.size(); ++split) {
      RunningHash running(algorithm);
      running.update(Bytes(input).first(split));
      running.update(Bytes(input).subspan(split));
      EXPECT_EQ(to_hex(running.current().view()), whole) << split;
    }
  }
}

TEST(RunningHash, ReadingAndCopyingLeaveTheOriginalGoingOn) {
  for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384}) {
    RunningHash running(algorithm);
    running.update(bytes_of("a"));
    EXPECT_EQ(to_hex(running.current().view()), to_hex(hash(algorithm, bytes_of("a")).view()));
    RunningHash fork = running;
    fork.update(bytes_of("x"));
    running.update(bytes_of("bc"));
    EXPECT_EQ(to_hex(running.current().view()), to_hex(hash(algorithm, bytes_of("abc")).view()));
    EXPECT_EQ(to_hex(fork.current().view()), to_hex(hash(algorithm, bytes_of("ax")).view()));
  }
}

// RFC 4231, test cases 2 and 6 (a key longer than a block).
TEST(Hmac, Rfc4231) {
  const Bytes key = bytes_of("Jefe");
  const Bytes data = bytes_of("what do ya want for nothing?");
  EXPECT_EQ(hmac_hex(HashAlgorithm::sha256, key, data),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac_hex(HashAlgorithm::sha384, key, data),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
            "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  const ByteVector long_key(131, std::byte{0xaa});
  const Bytes message = bytes_of("Test Using Larger Than Block-Size Key - Hash Key First");
  EXPECT_EQ(hmac_hex(HashAlgorithm::sha256, long_key, message),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hmac_hex(HashAlgorithm::sha384, long_key, message),
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f"
            "3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952");
}

// RFC 5869 A.1.
TEST(Hkdf, Rfc5869Basic) {
  const auto input_key = ByteVector(22, std::byte{0x0b});
  const auto prk =
      extract_hex(HashAlgorithm::sha256, from_hex("000102030405060708090a0b0c"), input_key);
  EXPECT_EQ(prk, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(expand_hex(HashAlgorithm::sha256, from_hex(prk), from_hex("f0f1f2f3f4f5f6f7f8f9"), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

// RFC 5869 A.2: everything longer than a block.
TEST(Hkdf, Rfc5869LongInputs) {
  const auto counting = [](unsigned from, std::size_t size) {
    ByteVector bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(from + i);
    return bytes;
  };
  const auto prk = extract_hex(HashAlgorithm::sha256, counting(0x60, 80), counting(0x00, 80));
  EXPECT_EQ(prk, "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244");
  EXPECT_EQ(expand_hex(HashAlgorithm::sha256, from_hex(prk), counting(0xb0, 80), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
}

// RFC 5869 A.3: no salt, no info.
TEST(Hkdf, Rfc5869EmptySaltAndInfo) {
  const auto prk = extract_hex(HashAlgorithm::sha256, {}, ByteVector(22, std::byte{0x0b}));
  EXPECT_EQ(prk, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
  EXPECT_EQ(expand_hex(HashAlgorithm::sha256, from_hex(prk), {}, 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// RFC 8448 3: the client's handshake traffic secret and its write key and IV.
TEST(Hkdf, ExpandLabelGivesRfc8448TrafficKeys) {
  const auto secret = from_hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
  ByteVector key(16);
  ByteVector iv(12);
  hkdf_expand_label(HashAlgorithm::sha256, secret, "key", {}, key);
  hkdf_expand_label(HashAlgorithm::sha256, secret, "iv", {}, iv);
  EXPECT_EQ(to_hex(key), "dbfaa693d1762c5b666af5d950258d01");
  EXPECT_EQ(to_hex(iv), "5bd3c71b836e0b76bb73265f");
}

// RFC 8448 3: Derive-Secret of the early secret, whose context is the hash of no messages.
TEST(Hkdf, ExpandLabelTakesAContext) {
  const auto early_secret =
      from_hex(extract_hex(HashAlgorithm::sha256, {}, ByteVector(32, std::byte{0})));
  EXPECT_EQ(to_hex(early_secret),
            "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
  ByteVector derived(32);
  hkdf_expand_label(HashAlgorithm::sha256, early_secret, "derived",
                    hash(HashAlgorithm::sha256, {}).view(), derived);
  EXPECT_EQ(to_hex(derived), "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba");
}

void check_hmac_vectors(const nlohmann::json& vectors, HashAlgorithm algorithm) {
  int checked = 0;
  for (const auto& group : vectors["testGroups"]) {
    const auto tag_size = group["tagSize"].get<std::size_t>() / 8;
    for (const auto& test : group["tests"]) {
      const auto mac = hmac_hex(algorithm, from_hex(test["key"].get<std::string>()),
                                from_hex(test["msg"].get<std::string>()));
      const bool valid = test["result"] == "valid";
      EXPECT_EQ(mac.substr(0, 2 * tag_size) == test["tag"], valid) << test["tcId"];
      ++checked;
    }
  }
  EXPECT_EQ(checked, vectors["numberOfTests"]);
}

void check_hkdf_vectors(const nlohmann::json& vectors, HashAlgorithm algorithm) {
  int checked = 0;
  for (const auto& group : vectors["testGroups"]) {
    for (const auto& test : group["tests"]) {
      const auto size = test["size"].get<std::size_t>();
      ++checked;
      if (test["result"] != "valid") {  // more than RFC 5869 allows: a precondition here
        EXPECT_GT(size, 255 * hash_size(algorithm));
        continue;
      }
      const auto prk = from_hex(extract_hex(algorithm, from_hex(test["salt"].get<std::string>()),
                                            from_hex(test["ikm"].get<std::string>())));
      EXPECT_EQ(expand_hex(algorithm, prk, from_hex(test["info"].get<std::string>()), size),
                test["okm"])
          << test["tcId"];
    }
  }
  EXPECT_EQ(checked, vectors["numberOfTests"]);
}

TEST(HashWycheproof, HmacSha256) {
  const auto vectors = test::load_vectors("hmac_sha256_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  check_hmac_vectors(*vectors, HashAlgorithm::sha256);
}
TEST(HashWycheproof, HmacSha384) {
  const auto vectors = test::load_vectors("hmac_sha384_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  check_hmac_vectors(*vectors, HashAlgorithm::sha384);
}
TEST(HashWycheproof, HkdfSha256) {
  const auto vectors = test::load_vectors("hkdf_sha256_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  check_hkdf_vectors(*vectors, HashAlgorithm::sha256);
}
TEST(HashWycheproof, HkdfSha384) {
  const auto vectors = test::load_vectors("hkdf_sha384_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  check_hkdf_vectors(*vectors, HashAlgorithm::sha384);
}

}  // namespace
}  // namespace sluice::tls
