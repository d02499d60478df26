// What a handshake costs in public-key work, one job at a time as the scalar path runs them, and in
// key derivation.
#include <benchmark/benchmark.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <memory>
#include <vector>

#include "tls/crypto/hash.hpp"
#include "tls/crypto/jobs.hpp"

namespace sluice {
namespace {

void key_agreement(benchmark::State& state, tls::NamedGroup group) {
  tls::KeyAgreement agreement;
  tls::KeyAgreementJob peer{.group = group};
  // Any share of somebody else serves.
  EVP_PKEY* key = group == tls::NamedGroup::x25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")
                                                   : EVP_EC_gen("P-256");
  unsigned char* share = nullptr;
  const std::size_t size = EVP_PKEY_get1_encoded_public_key(key, &share);
  base::copy(peer.peer_share, std::as_bytes(std::span(share, size)));
  OPENSSL_free(share);
  EVP_PKEY_free(key);

  tls::JobRunner runner;
  for (auto _ : state) {
    tls::Job job;
    auto& work = job.work.emplace<tls::KeyAgreementJob>();
    work.group = group;
    work.peer_share = peer.peer_share;
    work.peer_share_size = size;
    tls::Job* const jobs[] = {&job};
    runner.run(jobs);
    if (job.outcome != tls::JobOutcome::kDone) return state.SkipWithError("no agreement");
  }
}
BENCHMARK_CAPTURE(key_agreement, x25519, tls::NamedGroup::x25519)->Name("KeyAgreement/X25519");
BENCHMARK_CAPTURE(key_agreement, p256, tls::NamedGroup::secp256r1)->Name("KeyAgreement/P256");

void sign(benchmark::State& state, EVP_PKEY* key, tls::SignatureScheme scheme) {
  const auto certificate = std::make_shared<const tls::CertifiedKey>(
      std::vector<std::vector<std::byte>>{}, std::vector<std::string>{},
      tls::SigningKey::adopt(key));
  tls::JobRunner runner;
  for (auto _ : state) {
    tls::Job job;
    auto& work = job.work.emplace<tls::SignatureJob>();
    work.certificate = certificate;
    work.scheme = scheme;
    work.content_size = 64 + 34 + 32;
    tls::Job* const jobs[] = {&job};
    runner.run(jobs);
    if (job.outcome != tls::JobOutcome::kDone) return state.SkipWithError("no signature");
  }
}
void sign_ecdsa(benchmark::State& state) {
  sign(state, EVP_EC_gen("P-256"), tls::SignatureScheme::ecdsa_secp256r1_sha256);
}
BENCHMARK(sign_ecdsa)->Name("Sign/ECDSA_P256");
void sign_rsa(benchmark::State& state) {
  sign(state, EVP_RSA_gen(static_cast<unsigned>(state.range(0))),
       tls::SignatureScheme::rsa_pss_rsae_sha256);
}
BENCHMARK(sign_rsa)->Name("Sign/RSA_PSS")->Arg(2048)->Arg(3072);

void expand_label(benchmark::State& state, tls::HashAlgorithm algorithm) {
  const std::array<std::byte, 48> secret{};
  std::array<std::byte, 48> out{};
  const std::size_t size = tls::hash_size(algorithm);
  const tls::Digest context = tls::hash(algorithm, {});
  for (auto _ : state) {
    tls::hkdf_expand_label(algorithm, base::Bytes(secret).first(size), "c hs traffic",
                           context.view(), base::MutableBytes(out).first(size));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK_CAPTURE(expand_label, sha256, tls::HashAlgorithm::sha256)->Name("ExpandLabel/SHA256");
BENCHMARK_CAPTURE(expand_label, sha384, tls::HashAlgorithm::sha384)->Name("ExpandLabel/SHA384");

}  // namespace
}  // namespace sluice
