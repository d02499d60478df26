// The key schedule (RFC 8446 section 7.1), one type per stage. A stage is consumed by the next, so
// that no secret outlives its use and none can be derived out of order:
//
//   EarlySecret -> HandshakeSecret (+ the key agreement's secret) -> MasterSecret
#pragma once

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "tls/crypto/hash.hpp"

namespace sluice::tls {

// As long as the suite's hash.
using HashSecret = base::Secret<kMaxHashSize>;

struct TrafficSecrets {
  HashSecret client;
  HashSecret server;
};

class HandshakeSecret;
class MasterSecret;

// What the stages have in common: a secret and the hash that it is derived with.
class ScheduleStage {
 public:
  [[nodiscard]] base::Bytes secret() const { return secret_.bytes(); }
  [[nodiscard]] HashAlgorithm algorithm() const { return algorithm_; }

 protected:
  explicit ScheduleStage(HashAlgorithm algorithm) : algorithm_(algorithm) {}
  // Derive-Secret(secret, label, messages), with the messages already hashed.
  [[nodiscard]] HashSecret derive(std::string_view label, base::Bytes transcript_hash) const;
  // HKDF-Extract(Derive-Secret(previous, "derived", ""), input).
  void extract_after(const ScheduleStage& previous, base::Bytes input);
  void extract_first(base::Bytes input);

 private:
  HashSecret secret_;
  HashAlgorithm algorithm_;
};

class EarlySecret : public ScheduleStage {
 public:
  // Without a PSK, whose place a string of zeros takes.
  explicit EarlySecret(HashAlgorithm algorithm);
  // `shared_secret`: of the (EC)DHE key agreement.
  [[nodiscard]] HandshakeSecret handshake(base::Bytes shared_secret) &&;
};

class HandshakeSecret : public ScheduleStage {
 public:
  HandshakeSecret(const EarlySecret& early, base::Bytes shared_secret);
  // `transcript_hash`: ClientHello...ServerHello.
  [[nodiscard]] TrafficSecrets traffic(base::Bytes transcript_hash) const;
  [[nodiscard]] MasterSecret master() &&;
};

class MasterSecret : public ScheduleStage {
 public:
  explicit MasterSecret(const HandshakeSecret& handshake);
  // `transcript_hash`: ClientHello...server Finished.
  [[nodiscard]] TrafficSecrets traffic(base::Bytes transcript_hash) const;
  [[nodiscard]] HashSecret exporter(base::Bytes transcript_hash) const;
  // `transcript_hash`: ClientHello...client Finished.
  [[nodiscard]] HashSecret resumption(base::Bytes transcript_hash) const;
};

// RFC 8446 4.4.4: the verify_data of whoever sends with `traffic_secret`.
[[nodiscard]] HashSecret finished_verify_data(HashAlgorithm algorithm, base::Bytes traffic_secret,
                                              base::Bytes transcript_hash);
// RFC 8446 7.2: the traffic secret after a KeyUpdate.
[[nodiscard]] HashSecret next_traffic_secret(HashAlgorithm algorithm, base::Bytes traffic_secret);

}  // namespace sluice::tls
