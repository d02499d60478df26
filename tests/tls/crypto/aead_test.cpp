// The AEADs at every instruction set level that this CPU has: published vectors (GCM specification,
// RFC 8439, Wycheproof), and against libcrypto on random inputs cut at random places.
#include "tls/crypto/aead.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <random>
#include <string>

#include "tests/tls/crypto/reference_aead.hpp"
#include "tests/tls/crypto/vectors.hpp"

namespace sluice::tls {
namespace {

using base::Bytes;
using base::MutableBytes;
using test::ByteVector;
using test::from_hex;
using test::to_hex;

constexpr AeadAlgorithm kAlgorithms[] = {AeadAlgorithm::aes128_gcm, AeadAlgorithm::aes256_gcm,
                                         AeadAlgorithm::chacha20_poly1305};

// A key that owns what AeadKey views.
class OwnedKey {
 public:
  OwnedKey(const Aead& aead, AeadAlgorithm algorithm, Bytes raw)
      : algorithm_(algorithm), raw_(raw.begin(), raw.end()) {
    if (algorithm != AeadAlgorithm::chacha20_poly1305) aead.expand(algorithm, raw, expanded_);
    raw_.resize(kChaChaKeyRoom);
  }
  [[nodiscard]] AeadKey view() const {
    return {algorithm_,
            algorithm_ == AeadAlgorithm::chacha20_poly1305 ? raw_.data() : expanded_.bytes.data()};
  }

 private:
  AeadAlgorithm algorithm_;
  ByteVector raw_;
  ExpandedKey expanded_{};
};

AeadNonce nonce_of(Bytes bytes) {
  AeadNonce nonce{};
  base::copy(nonce, bytes);
  return nonce;
}

class AeadAtLevel : public testing::TestWithParam<Aead::Level> {
 protected:
  void SetUp() override {
    if (!Aead::supported(GetParam())) GTEST_SKIP() << "this CPU has no such instructions";
    aead_ = std::make_unique<Aead>(GetParam());
  }

  // Ciphertext and tag, in one call.
  ByteVector seal(AeadAlgorithm algorithm, Bytes key, Bytes nonce, Bytes aad, Bytes plaintext) {
    const OwnedKey owned(*aead_, algorithm, key);
    ByteVector sealed(plaintext.size());
    const AeadTag tag = aead_->seal(owned.view(), nonce_of(nonce), aad, plaintext, sealed);
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    return sealed;
  }
  // The plaintext, in one call; none when the tag differs.
  std::optional<ByteVector> open(AeadAlgorithm algorithm, Bytes key, Bytes nonce, Bytes aad,
                                 Bytes sealed) {
    const OwnedKey owned(*aead_, algorithm, key);
    const Bytes ciphertext = sealed.first(sealed.size() - kAeadTagSize);
    ByteVector bytes(ciphertext.begin(), ciphertext.end());
    const AeadTag tag = aead_->open(owned.view(), nonce_of(nonce), aad, bytes);
    if (!base::equal(tag, sealed.last(kAeadTagSize))) return std::nullopt;
    return bytes;
  }

  // As seal(), in chunks of the given sizes (the last one takes the rest).
  ByteVector seal_in_chunks(AeadAlgorithm algorithm, Bytes key, Bytes nonce, Bytes aad,
                            Bytes plaintext, const std::vector<std::size_t>& chunks) {
    const OwnedKey owned(*aead_, algorithm, key);
    AeadStream stream(*aead_, owned.view(), nonce_of(nonce), aad);
    ByteVector sealed(plaintext.size());
    std::size_t at = 0;
    for (const std::size_t chunk : chunks) {
      const std::size_t take = std::min(chunk, plaintext.size() - at);
      stream.seal(plaintext.subspan(at, take), MutableBytes(sealed).subspan(at, take));
      at += take;
    }
    stream.seal(plaintext.subspan(at), MutableBytes(sealed).subspan(at));
    const AeadTag tag = stream.finish();
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    return sealed;
  }
  std::optional<ByteVector> open_in_chunks(AeadAlgorithm algorithm, Bytes key, Bytes nonce,
                                           Bytes aad, Bytes sealed,
                                           const std::vector<std::size_t>& chunks) {
    const OwnedKey owned(*aead_, algorithm, key);
    AeadStream stream(*aead_, owned.view(), nonce_of(nonce), aad);
    const Bytes ciphertext = sealed.first(sealed.size() - kAeadTagSize);
    ByteVector bytes(ciphertext.begin(), ciphertext.end());
    std::size_t at = 0;
    for (const std::size_t chunk : chunks) {
      const std::size_t take = std::min(chunk, bytes.size() - at);
      stream.open(MutableBytes(bytes).subspan(at, take));
      at += take;
    }
    stream.open(MutableBytes(bytes).subspan(at));
    if (!base::equal(stream.finish(), sealed.last(kAeadTagSize))) return std::nullopt;
    return bytes;
  }

  void check_wycheproof(const nlohmann::json& vectors, AeadAlgorithm algorithm);

  std::unique_ptr<Aead> aead_;
  std::mt19937_64 random_{20240607};

  ByteVector random_bytes(std::size_t size) {
    ByteVector bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random_());
    return bytes;
  }
  std::vector<std::size_t> random_chunks(std::size_t total) {
    std::vector<std::size_t> chunks;
    // Short ones as often as long ones: block boundaries are where it goes wrong.
    for (std::size_t at = 0; at < total; at += chunks.back()) {
      chunks.push_back(random_() % (random_() % 2 == 0 ? 40 : 1500));
    }
    return chunks;
  }
};

// "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 4 and 16.
TEST_P(AeadAtLevel, GcmSpecificationVectors) {
  const auto plaintext = from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const auto aad = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto nonce = from_hex("cafebabefacedbaddecaf888");
  const auto key128 = from_hex("feffe9928665731c6d6a8f9467308308");
  const auto key256 = from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  EXPECT_EQ(to_hex(seal(AeadAlgorithm::aes128_gcm, key128, nonce, aad, plaintext)),
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
            "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
            "5bc94fbc3221a5db94fae95ae7121a47");
  EXPECT_EQ(to_hex(seal(AeadAlgorithm::aes256_gcm, key256, nonce, aad, plaintext)),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
}

// RFC 8439 2.8.2.
TEST_P(AeadAtLevel, Rfc8439Vector) {
  const auto key = from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const auto nonce = from_hex("070000004041424344454647");
  const auto aad = from_hex("50515253c0c1c2c3c4c5c6c7");
  const Bytes plaintext = base::bytes_of(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.");
  const auto sealed = seal(AeadAlgorithm::chacha20_poly1305, key, nonce, aad, plaintext);
  EXPECT_EQ(to_hex(sealed),
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
            "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
            "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
            "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691");
  const auto opened = open(AeadAlgorithm::chacha20_poly1305, key, nonce, aad, sealed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(base::equal(*opened, plaintext));
}

// Every length up to some blocks, in two pieces cut at every place.
TEST_P(AeadAtLevel, EveryShortLengthCutAnywhereMatchesLibcrypto) {
  constexpr std::size_t kSizes[] = {0, 1, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 200, 257};
  for (const AeadAlgorithm algorithm : kAlgorithms) {
    const auto key = random_bytes(key_size(algorithm));
    const auto nonce = random_bytes(kAeadNonceSize);
    const auto aad = random_bytes(5);
    for (const std::size_t size : kSizes) {
      const auto plaintext = random_bytes(size);
      const auto expected = test::reference_seal(algorithm, key, nonce, aad, plaintext);
      EXPECT_EQ(seal(algorithm, key, nonce, aad, plaintext), expected) << size;
      EXPECT_EQ(open(algorithm, key, nonce, aad, expected), plaintext) << size;
      for (std::size_t cut = 0; cut <= size; ++cut) {
        ASSERT_EQ(seal_in_chunks(algorithm, key, nonce, aad, plaintext, {cut}), expected)
            << size << " cut at " << cut;
        ASSERT_EQ(open_in_chunks(algorithm, key, nonce, aad, expected, {cut}), plaintext)
            << size << " cut at " << cut;
      }
    }
  }
}

TEST_P(AeadAtLevel, RandomInputsInRandomChunksMatchLibcrypto) {
  for (const AeadAlgorithm algorithm : kAlgorithms) {
    for (int round = 0; round < 200; ++round) {
      const auto key = random_bytes(key_size(algorithm));
      const auto nonce = random_bytes(kAeadNonceSize);
      const auto aad = random_bytes(random_() % 40);
      const auto plaintext = random_bytes(random_() % (round % 4 == 0 ? 17000 : 2000));
      const auto expected = test::reference_seal(algorithm, key, nonce, aad, plaintext);
      const auto chunks = random_chunks(plaintext.size());
      ASSERT_EQ(seal_in_chunks(algorithm, key, nonce, aad, plaintext, chunks), expected)
          << plaintext.size() << " bytes in " << testing::PrintToString(chunks);
      ASSERT_EQ(open_in_chunks(algorithm, key, nonce, aad, expected, chunks), plaintext)
          << plaintext.size() << " bytes in " << testing::PrintToString(chunks);
    }
  }
}

TEST_P(AeadAtLevel, OneByteChunksMatchLibcrypto) {
  for (const AeadAlgorithm algorithm : kAlgorithms) {
    const auto key = random_bytes(key_size(algorithm));
    const auto nonce = random_bytes(kAeadNonceSize);
    const auto plaintext = random_bytes(1500);
    const auto expected = test::reference_seal(algorithm, key, nonce, {}, plaintext);
    const std::vector<std::size_t> chunks(plaintext.size(), 1);
    EXPECT_EQ(seal_in_chunks(algorithm, key, nonce, {}, plaintext, chunks), expected);
    EXPECT_EQ(open_in_chunks(algorithm, key, nonce, {}, expected, chunks), plaintext);
  }
}

TEST_P(AeadAtLevel, SealingInPlaceGivesTheSameBytes) {
  for (const AeadAlgorithm algorithm : kAlgorithms) {
    const auto raw = random_bytes(key_size(algorithm));
    const auto nonce = random_bytes(kAeadNonceSize);
    const auto plaintext = random_bytes(3000);
    const auto expected = test::reference_seal(algorithm, raw, nonce, {}, plaintext);
    const OwnedKey key(*aead_, algorithm, raw);
    ByteVector bytes = plaintext;
    const AeadTag tag = aead_->seal(key.view(), nonce_of(nonce), {}, bytes, bytes);
    bytes.insert(bytes.end(), tag.begin(), tag.end());
    EXPECT_EQ(bytes, expected);
  }
}

// Bytes that end where readable memory ends.
class AtPageEnd {
 public:
  explicit AtPageEnd(std::size_t size)
      : mapped_(((size + kPage - 1) / kPage + 1) * kPage), size_(size) {
    void* at = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(at);
    ::mprotect(base_ + mapped_ - kPage, kPage, PROT_NONE);
  }
  ~AtPageEnd() { ::munmap(base_, mapped_); }
  AtPageEnd(const AtPageEnd&) = delete;
  AtPageEnd& operator=(const AtPageEnd&) = delete;

  [[nodiscard]] MutableBytes bytes() const { return {base_ + mapped_ - kPage - size_, size_}; }

 private:
  static constexpr std::size_t kPage = 4096;
  std::size_t mapped_;
  std::size_t size_;
  std::byte* base_;
};

// Packets may lie at the end of a mapping: nothing beyond them may be touched.
TEST_P(AeadAtLevel, NothingBeyondTheBytesIsTouched) {
  for (const AeadAlgorithm algorithm : kAlgorithms) {
    const auto raw = random_bytes(key_size(algorithm));
    const bool is_chacha = algorithm == AeadAlgorithm::chacha20_poly1305;
    const AtPageEnd key(is_chacha ? kChaChaKeyRoom : sizeof(ExpandedKey));
    base::copy(key.bytes(), raw);
    if (!is_chacha) {
      aead_->expand(algorithm, raw, *reinterpret_cast<ExpandedKey*>(key.bytes().data()));
    }
    const AeadKey view{algorithm, key.bytes().data()};
    const AtPageEnd aad(5);
    const AtPageEnd nonce_bytes(kAeadNonceSize);
    const auto& nonce = *reinterpret_cast<const AeadNonce*>(nonce_bytes.bytes().data());
    for (std::size_t size = 1; size < 5000; size += size < 600 ? 1 : 97) {
      const AtPageEnd from(size);
      const AtPageEnd to(size);
      const AeadTag whole = aead_->seal(view, nonce, aad.bytes(), from.bytes(), to.bytes());
      AeadStream stream(*aead_, view, nonce, aad.bytes());
      stream.seal(from.bytes().first(size / 3), to.bytes().first(size / 3));
      stream.seal(from.bytes().subspan(size / 3), to.bytes().subspan(size / 3));
      EXPECT_EQ(stream.finish(), whole) << size;
      EXPECT_EQ(aead_->open(view, nonce, aad.bytes(), to.bytes()), whole) << size;
      EXPECT_TRUE(base::equal(to.bytes(), from.bytes())) << size;
    }
  }
}

// The vectors with TLS's nonce and tag sizes; the others have no caller here.
void AeadAtLevel::check_wycheproof(const nlohmann::json& vectors, AeadAlgorithm algorithm) {
  int checked = 0;
  for (const auto& group : vectors["testGroups"]) {
    if (group["ivSize"] != 96 || group["tagSize"] != 128 ||
        group["keySize"] != 8 * key_size(algorithm)) {
      continue;
    }
    for (const auto& test : group["tests"]) {
      const auto hex = [&](const char* name) { return from_hex(test[name].get<std::string>()); };
      const auto message = hex("msg");
      auto sealed = hex("ct");
      const auto tag = hex("tag");
      sealed.insert(sealed.end(), tag.begin(), tag.end());
      const auto opened = open(algorithm, hex("key"), hex("iv"), hex("aad"), sealed);
      const auto in_pieces = open_in_chunks(algorithm, hex("key"), hex("iv"), hex("aad"), sealed,
                                            {message.size() / 3, message.size() / 5});
      if (test["result"] == "valid") {
        EXPECT_EQ(opened, message) << test["tcId"];
        EXPECT_EQ(in_pieces, message) << test["tcId"];
        EXPECT_EQ(seal(algorithm, hex("key"), hex("iv"), hex("aad"), message), sealed)
            << test["tcId"];
      } else {
        EXPECT_EQ(opened, std::nullopt) << test["tcId"];
        EXPECT_EQ(in_pieces, std::nullopt) << test["tcId"];
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 40);
}

TEST_P(AeadAtLevel, WycheproofAesGcm) {
  const auto vectors = test::load_vectors("aes_gcm_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  check_wycheproof(*vectors, AeadAlgorithm::aes128_gcm);
  check_wycheproof(*vectors, AeadAlgorithm::aes256_gcm);
}

TEST_P(AeadAtLevel, WycheproofChaCha20Poly1305) {
  const auto vectors = test::load_vectors("chacha20_poly1305_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  check_wycheproof(*vectors, AeadAlgorithm::chacha20_poly1305);
}

std::string level_name(const testing::TestParamInfo<Aead::Level>& info) {
  switch (info.param) {
    case Aead::Level::best:
      return "best";
    case Aead::Level::sse:
      return "sse";
    case Aead::Level::avx:
      return "avx";
    case Aead::Level::avx2:
      return "avx2";
    case Aead::Level::avx512:
      return "avx512";
  }
  return "unknown";
}

INSTANTIATE_TEST_SUITE_P(Levels, AeadAtLevel,
                         testing::Values(Aead::Level::best, Aead::Level::sse, Aead::Level::avx,
                                         Aead::Level::avx2, Aead::Level::avx512),
                         level_name);

}  // namespace
}  // namespace sluice::tls
