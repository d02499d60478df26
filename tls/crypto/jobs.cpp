#include "tls/crypto/jobs.hpp"

namespace sluice::tls {

void JobRunner::run(std::span<Job* const> jobs) {
  run_key_agreements(jobs);
  run_signatures(jobs);
  for (Job* job : jobs) {
    if (job->outcome == JobOutcome::kPending) job->outcome = JobOutcome::kFailed;  // without work
  }
}

void JobRunner::run_key_agreements(std::span<Job* const> jobs) {
  for (Job* job : jobs) {
    auto* work = std::get_if<KeyAgreementJob>(&job->work);
    if (work == nullptr || job->outcome != JobOutcome::kPending) continue;
    job->outcome = key_agreement_.run(*work);
  }
}

void JobRunner::run_signatures(std::span<Job* const> jobs) {
  signer_.forget_dropped_keys();
  for (Job* job : jobs) {
    auto* work = std::get_if<SignatureJob>(&job->work);
    if (work == nullptr || job->outcome != JobOutcome::kPending) continue;
    job->outcome = signer_.run(*work);
  }
}

}  // namespace sluice::tls
