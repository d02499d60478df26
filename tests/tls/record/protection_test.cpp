// Record protection (RFC 8446 5.2 to 5.5): RFC 8448's records, every suite at every instruction set
// level against libcrypto, arbitrary spans on both sides, forgeries, padding and limits.
#include "tls/record/protection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <tuple>

#include "tests/tls/crypto/reference_aead.hpp"
#include "tests/tls/crypto/vectors.hpp"
#include "tests/tls/record/scattered.hpp"
#include "tls/crypto/hash.hpp"

namespace sluice::tls {

struct RecordProtectionTestAccess {
  static void set_sequence(RecordProtection& protection, std::uint64_t sequence) {
    protection.sequence_ = sequence;
  }
};

namespace {

using base::Bytes;
using base::MutableBytes;
using test::ByteVector;
using test::Cuts;
using test::from_hex;
using test::ScatteredOutput;
using test::to_hex;

constexpr CipherSuite kSuites[] = {CipherSuite::TLS_AES_128_GCM_SHA256,
                                   CipherSuite::TLS_AES_256_GCM_SHA384,
                                   CipherSuite::TLS_CHACHA20_POLY1305_SHA256};
const Cuts kOnePiece{1 << 20};

ByteVector secret_for(CipherSuite suite) {
  ByteVector secret(hash_size(hash_of(suite)));
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::byte>(3 * i + 1);
  return secret;
}

// A record as libcrypto seals it, around an inner plaintext that is given in full.
ByteVector reference_record(CipherSuite suite, std::uint64_t sequence, Bytes inner) {
  const auto secret = secret_for(suite);
  ByteVector key(key_size(aead_of(suite)));
  ByteVector nonce(kAeadNonceSize);
  hkdf_expand_label(hash_of(suite), secret, "key", {}, key);
  hkdf_expand_label(hash_of(suite), secret, "iv", {}, nonce);
  for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<std::byte>(sequence >> (8 * i));
  ByteVector record = from_hex("1703030000");
  base::store_be(&record[3], static_cast<std::uint16_t>(inner.size() + kAeadTagSize));
  const auto sealed = test::reference_seal(aead_of(suite), key, nonce, record, inner);
  record.insert(record.end(), sealed.begin(), sealed.end());
  return record;
}

ByteVector inner_of(Bytes content, ContentType type, std::size_t padding = 0) {
  ByteVector inner(content.begin(), content.end());
  inner.push_back(static_cast<std::byte>(type));
  inner.resize(inner.size() + padding);
  return inner;
}

// Both ends of one direction.
struct Channel {
  explicit Channel(CipherSuite suite, Aead::Level level = Aead::Level::best) : keys(4, level) {
    sealing.install(keys, suite, secret_for(suite));
    opening.install(keys, suite, secret_for(suite));
  }

  ByteVector seal(Bytes plaintext, const Cuts& from = kOnePiece, const Cuts& to = kOnePiece,
                  ContentType type = ContentType::application_data) {
    ScatteredOutput output(to);
    const auto result = sealing.seal(keys, type, test::cut(plaintext, from), output);
    EXPECT_TRUE(result);
    return output.record();
  }
  // Opens `record` where it lies.
  base::Result<RecordProtection::Opened, TlsError> open(ByteVector& record,
                                                        const Cuts& cuts = kOnePiece) {
    return opening.open(keys, test::cut(MutableBytes(record), cuts));
  }

  KeyPool keys;
  RecordProtection sealing;
  RecordProtection opening;
};

TEST(RecordProtection, InactiveUntilInstalled) {
  KeyPool keys(1);
  RecordProtection protection;
  EXPECT_FALSE(protection.active());
  protection.install(keys, CipherSuite::TLS_AES_128_GCM_SHA256,
                     secret_for(CipherSuite::TLS_AES_128_GCM_SHA256));
  EXPECT_TRUE(protection.active());
  EXPECT_EQ(protection.sequence(), 0u);
  protection.clear(keys);
  EXPECT_FALSE(protection.active());
}

// RFC 8448 3: the client's Finished.
TEST(RecordProtection, Rfc8448ClientFinished) {
  KeyPool keys(4);
  RecordProtection sealing;
  sealing.install(keys, CipherSuite::TLS_AES_128_GCM_SHA256,
                  from_hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"));
  const auto finished =
      from_hex("14000020a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61");
  ScatteredOutput output;
  const Bytes plaintext[] = {finished};
  ASSERT_TRUE(sealing.seal(keys, ContentType::handshake, plaintext, output));
  EXPECT_EQ(to_hex(output.record()),
            "170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f"
            "38f80338ac98fc46deb384bd1caeacab6867d726c40546");
}

// RFC 8448 3: the client's application data and, with the next sequence number, its close_notify.
TEST(RecordProtection, Rfc8448ClientApplicationDataAndAlert) {
  KeyPool keys(4);
  RecordProtection opening;
  opening.install(keys, CipherSuite::TLS_AES_128_GCM_SHA256,
                  from_hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"));
  auto data = from_hex(
      "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a2044"
      "1e"
      "2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
  const auto opened = opening.open(keys, test::cut(MutableBytes(data), kOnePiece));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->type, ContentType::application_data);
  EXPECT_EQ(opened->offset, 5u);
  ASSERT_EQ(opened->size, 50u);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(data[5 + i], static_cast<std::byte>(i));

  auto alert = from_hex("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");
  const auto closed = opening.open(keys, test::cut(MutableBytes(alert), kOnePiece));
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->type, ContentType::alert);
  EXPECT_EQ(to_hex(Bytes(alert).subspan(closed->offset, closed->size)), "0100");
}

class ProtectionOf : public testing::TestWithParam<std::tuple<CipherSuite, Aead::Level>> {
 protected:
  void SetUp() override {
    if (!Aead::supported(level())) GTEST_SKIP() << "this CPU has no such instructions";
  }
  [[nodiscard]] static CipherSuite suite() { return std::get<0>(GetParam()); }
  [[nodiscard]] static Aead::Level level() { return std::get<1>(GetParam()); }

  std::mt19937_64 random_{20250101};
};

TEST_P(ProtectionOf, RandomRecordsInRandomSpansMatchLibcrypto) {
  Channel channel(suite(), level());
  for (std::uint64_t round = 0; round < 150; ++round) {
    const auto content = test::random_bytes(
        random_, round % 8 == 0 ? random_() % (kMaxPlaintextFragment + 1) : random_() % 600);
    const auto expected =
        reference_record(suite(), round, inner_of(content, ContentType::application_data));
    auto record = channel.seal(content, test::random_cuts(random_, content.size()),
                               test::random_cuts(random_, content.size() + kRecordOverhead));
    ASSERT_EQ(record, expected) << "round " << round;

    const auto opened = channel.open(record, test::random_cuts(random_, record.size()));
    ASSERT_TRUE(opened) << "round " << round;
    EXPECT_EQ(opened->type, ContentType::application_data);
    ASSERT_EQ(opened->size, content.size());
    ASSERT_TRUE(base::equal(Bytes(record).subspan(opened->offset, opened->size), content));
  }
  EXPECT_EQ(channel.sealing.sequence(), 150u);
  EXPECT_EQ(channel.opening.sequence(), 150u);
}

// Header, plaintext, type and tag each cut at every place.
TEST_P(ProtectionOf, ASmallRecordCutAnywhereIsTheSameRecord) {
  const auto content = test::random_bytes(random_, 37);
  const auto expected = reference_record(suite(), 0, inner_of(content, ContentType::handshake));
  for (std::size_t at = 0; at <= expected.size(); ++at) {
    Channel channel(suite(), level());
    auto record =
        channel.seal(content, {at % content.size(), 1000}, {at, 1000}, ContentType::handshake);
    ASSERT_EQ(record, expected) << at;
    const auto opened = channel.open(record, {at, 1000});
    ASSERT_TRUE(opened) << at;
    EXPECT_EQ(opened->type, ContentType::handshake);
    EXPECT_TRUE(base::equal(Bytes(record).subspan(opened->offset, opened->size), content));
  }
}

TEST_P(ProtectionOf, OneByteSpansOnBothSides) {
  const auto content = test::random_bytes(random_, 333);
  Channel channel(suite(), level());
  auto record = channel.seal(content, {1}, {1});
  EXPECT_EQ(record, reference_record(suite(), 0, inner_of(content, ContentType::application_data)));
  const auto opened = channel.open(record, {1});
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->size, content.size());
}

TEST_P(ProtectionOf, EveryTamperedByteIsRefusedAndNothingIsLeftBehind) {
  const auto content = test::random_bytes(random_, 50);
  const auto genuine =
      reference_record(suite(), 0, inner_of(content, ContentType::application_data, 3));
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    Channel channel(suite(), level());
    auto record = genuine;
    record[at] ^= static_cast<std::byte>(1u << (at % 8));
    const auto opened = channel.open(record, {20, 7});
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error(), TlsError::kBadRecordMac) << at;
    EXPECT_EQ(record, ByteVector(record.size(), std::byte{0})) << at;
    EXPECT_EQ(channel.opening.sequence(), 0u);
  }
}

TEST_P(ProtectionOf, EveryTruncatedRecordIsRefused) {
  const auto content = test::random_bytes(random_, 50);
  const auto genuine =
      reference_record(suite(), 0, inner_of(content, ContentType::application_data));
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    Channel channel(suite(), level());
    ByteVector record(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size));
    const auto opened = channel.open(record, {9});
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error(), TlsError::kBadRecordMac) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Suites, ProtectionOf,
                         testing::Combine(testing::ValuesIn(kSuites),
                                          testing::Values(Aead::Level::best, Aead::Level::sse,
                                                          Aead::Level::avx2, Aead::Level::avx512)));

class ProtectionWith : public testing::TestWithParam<CipherSuite> {};
INSTANTIATE_TEST_SUITE_P(Suites, ProtectionWith, testing::ValuesIn(kSuites));

TEST_P(ProtectionWith, RepeatedReorderedOrSkippedRecordsAreRefused) {
  Channel channel(GetParam());
  const auto first = channel.seal(base::bytes_of("first"));
  const auto second = channel.seal(base::bytes_of("second"));
  auto record = second;
  EXPECT_EQ(channel.open(record).error(), TlsError::kBadRecordMac);
  record = first;
  EXPECT_TRUE(channel.open(record));
  record = first;
  EXPECT_EQ(channel.open(record).error(), TlsError::kBadRecordMac);
  record = second;
  EXPECT_TRUE(channel.open(record));
}

// RFC 8446 5.4: zeros behind the content type are padding.
TEST_P(ProtectionWith, PaddingIsStrippedAcrossSpans) {
  for (const std::size_t padding : {1u, 15u, 16u, 100u, 5000u}) {
    for (const std::size_t content_size : {0u, 1u, 40u}) {
      Channel channel(GetParam());
      const ByteVector content(content_size, std::byte{0});  // zeros, that must not be stripped
      auto record = reference_record(GetParam(), 0,
                                     inner_of(content, ContentType::application_data, padding));
      const auto opened = channel.open(record, {3, 11, 0, 17});
      ASSERT_TRUE(opened) << padding;
      EXPECT_EQ(opened->type, ContentType::application_data);
      EXPECT_EQ(opened->size, content_size);
    }
  }
}

// RFC 8446 5.4: a receiver that finds no non-zero byte MUST end with unexpected_message.
TEST_P(ProtectionWith, NothingButPaddingIsRefused) {
  for (const std::size_t size : {1u, 16u, 300u}) {
    Channel channel(GetParam());
    auto record = reference_record(GetParam(), 0, ByteVector(size, std::byte{0}));
    const auto opened = channel.open(record, {19});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), TlsError::kNoContentType);
    EXPECT_EQ(alert_for(opened.error()), AlertDescription::unexpected_message);
  }
}

TEST_P(ProtectionWith, ARecordWithoutRoomForATypeIsRefused) {
  Channel channel(GetParam());
  auto record = reference_record(GetParam(), 0, {});
  EXPECT_EQ(channel.open(record).error(), TlsError::kBadRecordMac);
}

TEST_P(ProtectionWith, AnUnknownInnerTypeIsHandedOn) {
  Channel channel(GetParam());
  auto record = reference_record(GetParam(), 0, inner_of({}, static_cast<ContentType>(99)));
  const auto opened = channel.open(record);
  ASSERT_TRUE(opened);
  EXPECT_EQ(static_cast<int>(opened->type), 99);
}

TEST_P(ProtectionWith, EmptyPlaintextIsARecord) {
  Channel channel(GetParam());
  auto record = channel.seal({});
  EXPECT_EQ(record.size(), kRecordOverhead);
  const auto opened = channel.open(record);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->size, 0u);
}

// RFC 8446 5.1, 5.4: 2^14 bytes of content, and 2^14 + 1 bytes of inner plaintext, are the limit.
TEST_P(ProtectionWith, PlaintextIsLimitedTo2To14) {
  Channel channel(GetParam());
  ByteVector content(kMaxPlaintextFragment + 1, std::byte{1});
  ScatteredOutput output;
  const Bytes too_long[] = {content};
  const auto refused =
      channel.sealing.seal(channel.keys, ContentType::application_data, too_long, output);
  ASSERT_FALSE(refused);
  EXPECT_EQ(output.allocations(), 0);
  EXPECT_EQ(channel.sealing.sequence(), 0u);

  content.pop_back();
  auto record = channel.seal(content, {1448}, {1448});
  const auto opened = channel.open(record, {1448});
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->size, kMaxPlaintextFragment);
}

TEST_P(ProtectionWith, InnerPlaintextBeyondTheLimitIsRecordOverflow) {
  const ByteVector longest(kMaxPlaintextFragment, std::byte{1});
  for (const std::size_t padding : {std::size_t{1}, std::size_t{239}}) {
    Channel channel(GetParam());
    auto record =
        reference_record(GetParam(), 0, inner_of(longest, ContentType::application_data, padding));
    ASSERT_LE(record.size(), kMaxRecordSize);
    const auto opened = channel.open(record, {1448});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), TlsError::kRecordOverflow);
  }
  // As much padding as fits.
  Channel channel(GetParam());
  auto record = reference_record(
      GetParam(), 0, inner_of({}, ContentType::application_data, kMaxPlaintextFragment));
  EXPECT_TRUE(channel.open(record));
}

TEST_P(ProtectionWith, NoRoomInTheOutputChangesNothing) {
  Channel channel(GetParam());
  ScatteredOutput output;
  output.fill_up();
  const auto text = base::bytes_of("later");
  const Bytes plaintext[] = {text};
  const auto refused =
      channel.sealing.seal(channel.keys, ContentType::application_data, plaintext, output);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), TlsError::kOutputFull);
  auto record = channel.seal(text);
  EXPECT_TRUE(channel.open(record));
}

// RFC 8446 5.3: the whole 64-bit number enters the nonce.
TEST_P(ProtectionWith, LargeSequenceNumbersMatchLibcrypto) {
  for (const std::uint64_t sequence :
       {std::uint64_t{0xffffffff}, std::uint64_t{0x0123456789abcdef}}) {
    Channel channel(GetParam());
    RecordProtectionTestAccess::set_sequence(channel.sealing, sequence);
    const auto text = base::bytes_of("far on");
    EXPECT_EQ(channel.seal(text), reference_record(GetParam(), sequence,
                                                   inner_of(text, ContentType::application_data)));
  }
}

// RFC 8446 5.3: sequence numbers MUST NOT wrap.
TEST_P(ProtectionWith, SequenceNumbersDoNotWrap) {
  Channel channel(GetParam());
  RecordProtectionTestAccess::set_sequence(channel.sealing, ~std::uint64_t{0} - 1);
  RecordProtectionTestAccess::set_sequence(channel.opening, ~std::uint64_t{0} - 1);
  auto last = channel.seal(base::bytes_of("last"));
  EXPECT_TRUE(channel.open(last));

  ScatteredOutput output;
  const auto refused =
      channel.sealing.seal(channel.keys, ContentType::application_data, {}, output);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), TlsError::kInternal);
  EXPECT_EQ(output.allocations(), 0);
  EXPECT_EQ(channel.open(last).error(), TlsError::kInternal);
}

// RFC 8446 5.5.
TEST_P(ProtectionWith, AKeyUpdateIsDueBeforeTheLimitOfGcm) {
  Channel channel(GetParam());
  RecordProtectionTestAccess::set_sequence(channel.sealing, (1u << 24) - 1);
  EXPECT_FALSE(channel.sealing.key_update_due());
  RecordProtectionTestAccess::set_sequence(channel.sealing, 1u << 24);
  EXPECT_EQ(channel.sealing.key_update_due(),
            GetParam() != CipherSuite::TLS_CHACHA20_POLY1305_SHA256);
}

// RFC 8446 7.2: after a KeyUpdate both ends go on with the new key from record 0.
TEST_P(ProtectionWith, InstallingAgainChangesTheKey) {
  Channel channel(GetParam());
  auto before = channel.seal(base::bytes_of("old"));
  ASSERT_TRUE(channel.open(before));
  auto next = secret_for(GetParam());
  next[0] ^= std::byte{1};
  channel.sealing.install(channel.keys, GetParam(), next);
  auto after = channel.seal(base::bytes_of("new"));
  auto copy = after;
  EXPECT_EQ(channel.open(copy).error(), TlsError::kBadRecordMac);
  channel.opening.install(channel.keys, GetParam(), next);
  EXPECT_TRUE(channel.open(after));
}

// Not when the next record comes, which may be never.
TEST_P(ProtectionWith, InstallingAgainGivesTheOldExpandedKeyBackAtOnce) {
  Channel channel(GetParam());
  (void)channel.seal(base::bytes_of("x"));
  channel.sealing.install(channel.keys, GetParam(), secret_for(GetParam()));
  EXPECT_EQ(channel.keys.size(), 0u);
}

TEST_P(ProtectionWith, ClearingGivesTheExpandedKeyBack) {
  Channel channel(GetParam());
  (void)channel.seal(base::bytes_of("x"));
  channel.sealing.clear(channel.keys);
  EXPECT_EQ(channel.keys.size(), 0u);
}

// More connections than expanded keys: each record still under its own key.
TEST(RecordProtection, ManyConnectionsShareASmallKeyPool) {
  constexpr std::size_t kConnections = 40;
  KeyPool keys(3);
  std::vector<std::unique_ptr<RecordProtection>> sealing;
  std::vector<std::unique_ptr<RecordProtection>> opening;
  for (std::size_t i = 0; i < kConnections; ++i) {
    const CipherSuite suite = kSuites[i % 3];
    auto secret = secret_for(suite);
    secret[1] = static_cast<std::byte>(i);
    for (auto* side : {&sealing, &opening}) {
      side->push_back(std::make_unique<RecordProtection>());
      side->back()->install(keys, suite, secret);
    }
  }
  std::mt19937_64 random(99);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t i = random() % kConnections;
    if (random() % 50 == 0) {  // goes idle
      sealing[i]->clear(keys);
      auto secret = secret_for(kSuites[i % 3]);
      secret[1] = static_cast<std::byte>(i);
      sealing[i]->install(keys, kSuites[i % 3], secret);
      opening[i]->install(keys, kSuites[i % 3], secret);
    }
    const auto content = test::random_bytes(random, random() % 200);
    ScatteredOutput output({13});
    const Bytes plaintext[] = {content};
    ASSERT_TRUE(sealing[i]->seal(keys, ContentType::application_data, plaintext, output));
    auto record = output.record();
    const auto opened = opening[i]->open(keys, test::cut(MutableBytes(record), {29}));
    ASSERT_TRUE(opened) << "round " << round;
    ASSERT_TRUE(base::equal(Bytes(record).subspan(opened->offset, opened->size), content));
  }
  EXPECT_EQ(keys.size(), 3u);
}

}  // namespace
}  // namespace sluice::tls
