// Runs a burst's public-key jobs. Jobs of one kind run together: one by one through libcrypto,
// which is the path that serves every CPU; a path that takes several at a time stands beside it and
// takes what it can of a kind first. A batch never waits for more work.
#pragma once

#include <cstddef>
#include <span>

#include "tls/crypto/job.hpp"
#include "tls/crypto/key_agreement.hpp"
#include "tls/crypto/signer.hpp"

namespace sluice::tls {

// One per worker.
class JobRunner {
 public:
  // Runs every pending job and sets its outcome. Results of failed jobs are empty.
  void run(std::span<Job* const> jobs);

 private:
  void run_key_agreements(std::span<Job* const> jobs);
  void run_signatures(std::span<Job* const> jobs);

  KeyAgreement key_agreement_;
  Signer signer_;
};

}  // namespace sluice::tls
