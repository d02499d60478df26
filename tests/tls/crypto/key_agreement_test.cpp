// Key agreement against RFC 7748, RFC 5903 and Wycheproof, and what has to be refused (RFC 8446
// 4.2.8.2, 7.4.2).
#include "tls/crypto/key_agreement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/tls/crypto/vectors.hpp"

namespace sluice::tls {
namespace {

using base::Bytes;
using test::ByteVector;
using test::from_hex;
using test::to_hex;

KeyAgreementJob job_for(NamedGroup group, Bytes peer_share) {
  KeyAgreementJob job;
  job.group = group;
  base::copy(job.peer_share, peer_share);
  job.peer_share_size = peer_share.size();
  return job;
}

Bytes own_share(const KeyAgreementJob& job) {
  return Bytes(job.own_share).first(job.own_share_size);
}

void expect_no_results(const KeyAgreementJob& job) {
  EXPECT_EQ(job.own_share_size, 0u);
  EXPECT_TRUE(job.shared_secret.empty());
}

// RFC 7748 6.1.
TEST(KeyAgreement, Rfc7748Vector) {
  KeyAgreement agreement;
  auto job = job_for(NamedGroup::x25519,
                     from_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
  ASSERT_EQ(agreement.run_with(
                from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), job),
            JobOutcome::kDone);
  EXPECT_EQ(to_hex(own_share(job)),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(job.shared_secret.bytes()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

// RFC 5903 8.1.
TEST(KeyAgreement, Rfc5903Vector) {
  KeyAgreement agreement;
  auto job = job_for(NamedGroup::secp256r1,
                     from_hex("04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                              "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"));
  ASSERT_EQ(agreement.run_with(
                from_hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"), job),
            JobOutcome::kDone);
  EXPECT_EQ(to_hex(own_share(job)),
            "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
            "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
  EXPECT_EQ(to_hex(job.shared_secret.bytes()),
            "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
}

class KeyAgreementOn : public testing::TestWithParam<NamedGroup> {};

// Two fresh key pairs: the first run only makes the pair, for which any valid share serves.
TEST_P(KeyAgreementOn, BothSidesReachTheSameSecret) {
  KeyAgreement agreement;
  const ByteVector private_key(32, std::byte{0x11});
  auto alice = job_for(GetParam(), {});
  if (GetParam() == NamedGroup::x25519) {
    alice.peer_share[0] = std::byte{9};
    alice.peer_share_size = 32;
  } else {
    const auto generator = from_hex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    alice = job_for(GetParam(), generator);
  }
  ASSERT_EQ(agreement.run_with(private_key, alice), JobOutcome::kDone);

  auto bob = job_for(GetParam(), own_share(alice));
  ASSERT_EQ(agreement.run(bob), JobOutcome::kDone);
  auto alice_again = job_for(GetParam(), own_share(bob));
  ASSERT_EQ(agreement.run_with(private_key, alice_again), JobOutcome::kDone);
  EXPECT_EQ(to_hex(bob.shared_secret.bytes()), to_hex(alice_again.shared_secret.bytes()));

  auto other = job_for(GetParam(), own_share(alice));
  ASSERT_EQ(agreement.run(other), JobOutcome::kDone);
  EXPECT_NE(to_hex(own_share(other)), to_hex(own_share(bob)));  // a fresh key each time
}

TEST_P(KeyAgreementOn, SharesOfAnyOtherLengthAreRefused) {
  KeyAgreement agreement;
  const std::size_t right = GetParam() == NamedGroup::x25519 ? 32 : 65;
  for (std::size_t size = 0; size <= kMaxShareSize; ++size) {
    if (size == right) continue;
    ByteVector share(size, std::byte{0x04});
    auto job = job_for(GetParam(), share);
    EXPECT_EQ(agreement.run(job), JobOutcome::kBadPeerShare) << size;
    expect_no_results(job);
  }
}

INSTANTIATE_TEST_SUITE_P(Groups, KeyAgreementOn,
                         testing::Values(NamedGroup::x25519, NamedGroup::secp256r1));

TEST(KeyAgreement, AGroupWithoutCodeFails) {
  KeyAgreement agreement;
  auto job = job_for(NamedGroup::secp384r1, ByteVector(97, std::byte{4}));
  EXPECT_EQ(agreement.run(job), JobOutcome::kFailed);
  expect_no_results(job);
}

// RFC 8446 7.4.2: the all-zero secret MUST be refused. RFC 7748's points of order 1, 2, 4 and 8.
TEST(KeyAgreement, X25519PointsOfSmallOrderAreRefused) {
  KeyAgreement agreement;
  for (const auto* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    auto job = job_for(NamedGroup::x25519, from_hex(point));
    EXPECT_EQ(agreement.run(job), JobOutcome::kBadPeerShare) << point;
    expect_no_results(job);
  }
}

TEST(KeyAgreement, P256PointsThatAreNotOnTheCurveAreRefused) {
  KeyAgreement agreement;
  const auto good = from_hex(
      "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  auto job = job_for(NamedGroup::secp256r1, good);
  ASSERT_EQ(agreement.run(job), JobOutcome::kDone);
  for (const std::size_t at : {0u, 1u, 32u, 33u, 64u}) {
    auto bad = good;
    bad[at] ^= std::byte{1};
    job = job_for(NamedGroup::secp256r1, bad);
    EXPECT_EQ(agreement.run(job), JobOutcome::kBadPeerShare) << at;
    expect_no_results(job);
  }
  // The hybrid form (RFC 8446 4.2.8.2 allows the uncompressed one alone), and x = p.
  auto hybrid = good;
  hybrid[0] = std::byte{0x07};
  job = job_for(NamedGroup::secp256r1, hybrid);
  EXPECT_EQ(agreement.run(job), JobOutcome::kBadPeerShare);
  auto too_large = good;
  base::copy(base::MutableBytes(too_large).subspan(1),
             from_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"));
  job = job_for(NamedGroup::secp256r1, too_large);
  EXPECT_EQ(agreement.run(job), JobOutcome::kBadPeerShare);
}

// "acceptable" in these files is what a protocol may decide: TLS refuses compressed points and
// all-zero secrets, and takes twist points and non-canonical coordinates as RFC 7748 does.
TEST(KeyAgreementWycheproof, X25519) {
  const auto vectors = test::load_vectors("x25519_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  KeyAgreement agreement;
  for (const auto& group : (*vectors)["testGroups"]) {
    for (const auto& test : group["tests"]) {
      auto job = job_for(NamedGroup::x25519, from_hex(test["public"].get<std::string>()));
      const auto outcome = agreement.run_with(from_hex(test["private"].get<std::string>()), job);
      const auto shared = test["shared"].get<std::string>();
      if (shared.find_first_not_of('0') == std::string::npos) {
        EXPECT_EQ(outcome, JobOutcome::kBadPeerShare) << test["tcId"];
        expect_no_results(job);
      } else {
        EXPECT_EQ(outcome, JobOutcome::kDone) << test["tcId"];
        EXPECT_EQ(to_hex(job.shared_secret.bytes()), shared) << test["tcId"];
      }
    }
  }
}

// The files write scalars as signed integers of any length.
ByteVector scalar_of(const std::string& hex) {
  ByteVector bytes = from_hex(hex);
  while (bytes.size() > 32) bytes.erase(bytes.begin());
  bytes.insert(bytes.begin(), 32 - bytes.size(), std::byte{0});
  return bytes;
}

TEST(KeyAgreementWycheproof, P256) {
  const auto vectors = test::load_vectors("ecdh_secp256r1_ecpoint_test.json");
  if (!vectors) GTEST_SKIP() << test::kNoVectors;
  KeyAgreement agreement;
  for (const auto& group : (*vectors)["testGroups"]) {
    for (const auto& test : group["tests"]) {
      auto job = job_for(NamedGroup::secp256r1, from_hex(test["public"].get<std::string>()));
      const auto outcome = agreement.run_with(scalar_of(test["private"].get<std::string>()), job);
      if (test["result"] == "valid") {
        EXPECT_EQ(outcome, JobOutcome::kDone) << test["tcId"];
        EXPECT_EQ(to_hex(job.shared_secret.bytes()), test["shared"]) << test["tcId"];
      } else {
        EXPECT_EQ(outcome, JobOutcome::kBadPeerShare) << test["tcId"];
        expect_no_results(job);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::tls
