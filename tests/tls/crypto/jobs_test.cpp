// A burst of jobs of all kinds: each gets its own result, whatever happens to its neighbours.
#include "tls/crypto/jobs.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/support/certificates.hpp"

namespace sluice::tls {
namespace {

Job key_agreement(NamedGroup group, std::byte first, std::size_t size) {
  Job job;
  auto& work = job.work.emplace<KeyAgreementJob>();
  work.group = group;
  work.peer_share[0] = first;
  work.peer_share_size = size;
  return job;
}

TEST(JobRunner, AMixedBurstGivesEachJobItsOutcome) {
  const auto certificate = test::make_certificate(test::KeyKind::kEcdsaP256, {"example.test"});
  const auto key = CertifiedKey::from_pem(certificate.chain_pem, certificate.key_pem);
  ASSERT_TRUE(key);

  Job good_share = key_agreement(NamedGroup::x25519, std::byte{9}, 32);
  Job low_order = key_agreement(NamedGroup::x25519, std::byte{0}, 32);
  Job off_curve = key_agreement(NamedGroup::secp256r1, std::byte{4}, 65);
  Job unknown_group = key_agreement(static_cast<NamedGroup>(0xfefe), std::byte{9}, 32);
  Job signature;
  auto& signing = signature.work.emplace<SignatureJob>();
  signing.certificate = *key;
  signing.scheme = SignatureScheme::ecdsa_secp256r1_sha256;
  signing.content_size = 130;
  Job bad_scheme;
  bad_scheme.work.emplace<SignatureJob>().certificate = *key;
  Job empty;

  JobRunner runner;
  Job* const jobs[] = {&signature, &low_order,     &good_share, &bad_scheme,
                       &off_curve, &unknown_group, &empty};
  runner.run(jobs);
  EXPECT_EQ(good_share.outcome, JobOutcome::kDone);
  EXPECT_EQ(std::get<KeyAgreementJob>(good_share.work).shared_secret.size(), 32u);
  EXPECT_EQ(low_order.outcome, JobOutcome::kBadPeerShare);
  EXPECT_EQ(off_curve.outcome, JobOutcome::kBadPeerShare);
  EXPECT_EQ(unknown_group.outcome, JobOutcome::kFailed);
  EXPECT_EQ(signature.outcome, JobOutcome::kDone);
  EXPECT_GT(signing.signature_size, 60u);
  EXPECT_EQ(bad_scheme.outcome, JobOutcome::kFailed);
  EXPECT_EQ(empty.outcome, JobOutcome::kFailed);
}

TEST(JobRunner, JobsThatAreDoneAreLeftAlone) {
  Job job = key_agreement(NamedGroup::x25519, std::byte{9}, 32);
  job.outcome = JobOutcome::kBadPeerShare;
  JobRunner runner;
  Job* const jobs[] = {&job};
  runner.run(jobs);
  EXPECT_EQ(job.outcome, JobOutcome::kBadPeerShare);
  EXPECT_TRUE(std::get<KeyAgreementJob>(job.work).shared_secret.empty());
}

TEST(JobRunner, AnEmptyBurstIsNothing) {
  JobRunner runner;
  runner.run({});
}

}  // namespace
}  // namespace sluice::tls
