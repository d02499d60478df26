// See key_schedule.hpp.
#include "tls/key_schedule.hpp"

#include <array>

namespace sluice::tls {

using base::Bytes;

namespace {

// RFC 8446 7.1: "0" in the schedule is a string of hash-length zeros.
Bytes zeros(HashAlgorithm algorithm) {
  static constexpr std::array<std::byte, kMaxHashSize> kZeros{};
  return Bytes(kZeros).first(hash_size(algorithm));
}

HashSecret expand(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes context) {
  HashSecret derived;
  hkdf_expand_label(algorithm, secret, label, context, derived.resize(hash_size(algorithm)));
  return derived;
}

}  // namespace

HashSecret ScheduleStage::derive(std::string_view label, Bytes transcript_hash) const {
  return expand(algorithm_, secret(), label, transcript_hash);
}

void ScheduleStage::extract_first(Bytes input) {
  hkdf_extract(algorithm_, zeros(algorithm_), input, secret_.resize(hash_size(algorithm_)));
}

void ScheduleStage::extract_after(const ScheduleStage& previous, Bytes input) {
  const HashSecret salt = previous.derive("derived", hash(algorithm_, {}).view());
  hkdf_extract(algorithm_, salt.bytes(), input, secret_.resize(hash_size(algorithm_)));
}

EarlySecret::EarlySecret(HashAlgorithm algorithm) : ScheduleStage(algorithm) {
  extract_first(zeros(algorithm));
}

HandshakeSecret EarlySecret::handshake(Bytes shared_secret) && {
  return HandshakeSecret(*this, shared_secret);
}

HandshakeSecret::HandshakeSecret(const EarlySecret& early, Bytes shared_secret)
    : ScheduleStage(early.algorithm()) {
  extract_after(early, shared_secret);
}

TrafficSecrets HandshakeSecret::traffic(Bytes transcript_hash) const {
  return {derive("c hs traffic", transcript_hash), derive("s hs traffic", transcript_hash)};
}

MasterSecret HandshakeSecret::master() && {
  return MasterSecret(*this);
}

MasterSecret::MasterSecret(const HandshakeSecret& handshake)
    : ScheduleStage(handshake.algorithm()) {
  extract_after(handshake, zeros(algorithm()));
}

TrafficSecrets MasterSecret::traffic(Bytes transcript_hash) const {
  return {derive("c ap traffic", transcript_hash), derive("s ap traffic", transcript_hash)};
}

HashSecret MasterSecret::exporter(Bytes transcript_hash) const {
  return derive("exp master", transcript_hash);
}

HashSecret MasterSecret::resumption(Bytes transcript_hash) const {
  return derive("res master", transcript_hash);
}

HashSecret finished_verify_data(HashAlgorithm algorithm, Bytes traffic_secret,
                                Bytes transcript_hash) {
  const HashSecret finished_key = expand(algorithm, traffic_secret, "finished", {});
  HashSecret verify_data;
  hmac(algorithm, finished_key.bytes(), transcript_hash, verify_data.resize(hash_size(algorithm)));
  return verify_data;
}

HashSecret next_traffic_secret(HashAlgorithm algorithm, Bytes traffic_secret) {
  return expand(algorithm, traffic_secret, "traffic upd", {});
}

}  // namespace sluice::tls
