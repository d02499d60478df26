// One certificate's key under the hands of several workers: each signs with contexts of its own,
// and the key may be dropped by all but the last.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/certificates.hpp"
#include "tls/crypto/jobs.hpp"

namespace sluice::tls {
namespace {

TEST(SharedKey, WorkersSignWithTheSameKeyAtTheSameTime) {
  constexpr int kWorkers = 4;
  constexpr int kSignatures = 20;
  for (const auto kind : {test::KeyKind::kEcdsaP256, test::KeyKind::kRsa2048}) {
    const auto pem = test::make_certificate(kind, {"example.test"});
    auto loaded = CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
    ASSERT_TRUE(loaded);
    std::shared_ptr<const CertifiedKey> key = *std::move(loaded);
    std::atomic<int> signatures = 0;
    std::vector<std::thread> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([key, &signatures] {
        JobRunner runner;
        for (int i = 0; i < kSignatures; ++i) {
          Job job;
          auto& work = job.work.emplace<SignatureJob>();
          work.certificate = key;
          work.scheme = key->schemes().front();
          work.content_size = 130;
          Job* const jobs[] = {&job};
          runner.run(jobs);
          if (job.outcome == JobOutcome::kDone) ++signatures;
        }
      });
    }
    key.reset();
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(signatures, kWorkers * kSignatures);
  }
}

}  // namespace
}  // namespace sluice::tls
