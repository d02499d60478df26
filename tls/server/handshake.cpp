// See handshake.hpp.
#include "tls/server/handshake.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/secret.hpp"
#include "tls/codec/certificate.hpp"
#include "tls/codec/certificate_verify.hpp"
#include "tls/codec/client_hello.hpp"
#include "tls/codec/encrypted_extensions.hpp"
#include "tls/codec/finished.hpp"
#include "tls/codec/server_hello.hpp"
#include "tls/server/context.hpp"
#include "tls/server/flight.hpp"
#include "tls/server/negotiation.hpp"
#include "tls/server/second_hello.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

namespace {

AwaitKeyAgreement await_key_agreement(Negotiated&& choice, const Transcript& transcript,
                                      Bytes peer_share, bool after_retry) {
  AwaitKeyAgreement next{.choice = std::move(choice), .transcript = transcript};
  base::copy(next.peer_share, peer_share);
  next.peer_share_size = peer_share.size();
  next.after_retry = after_retry;
  return next;
}

TlsCounter counter_of(NamedGroup group) {
  return group == NamedGroup::x25519 ? TlsCounter::kGroupX25519 : TlsCounter::kGroupSecp256r1;
}

Result<void, TlsError> check_outcome(JobOutcome outcome) {
  switch (outcome) {
    case JobOutcome::kDone:
      return {};
    case JobOutcome::kBadPeerShare:
      return Unexpected{TlsError::kIllegalKeyShare};
    case JobOutcome::kPending:
    case JobOutcome::kFailed:
      break;
  }
  return Unexpected{TlsError::kJobFailed};
}

}  // namespace

StateId ServerHandshake::state() const {
  return std::visit([](const auto& here) { return here.kId; }, state_);
}

Result<void, TlsError> ServerHandshake::receive(SpanReader fragment, HandshakeLink& link) {
  return collect_messages(
      messages_, fragment, TlsError::kMessageTooLong, [this] { return state(); },
      [&](const HandshakeMessage& message) -> Handled {
        if (auto* hello = std::get_if<ExpectClientHello>(&state_)) return on(*hello, message, link);
        if (auto* again = std::get_if<ExpectSecondClientHello>(&state_)) {
          return on(*again, message, link);
        }
        return on(std::get<ExpectFinished>(state_), message, link);
      });
}

Result<void, TlsError> ServerHandshake::on(ExpectClientHello&, const HandshakeMessage& message,
                                           HandshakeLink& link) {
  TRY_ASSIGN(const ClientHello hello, ClientHello::parse(message.body));
  TRY_ASSIGN(NegotiationResult result, negotiate(hello, link));
  Transcript transcript(hash_of(result.choice.suite));
  transcript.add(message.whole);
  if (!result.peer_share) {
    return ask_again(std::move(result.choice), transcript, unchanging_part(hello), link);
  }
  go<StateId::kExpectClientHello, Event::kClientHello>(
      await_key_agreement(std::move(result.choice), transcript, *result.peer_share, false));
  return {};
}

// RFC 8446 4.1.4.
Result<void, TlsError> ServerHandshake::ask_again(Negotiated&& choice, Transcript transcript,
                                                  Digest first_hello, HandshakeLink& link) {
  transcript.retry();
  Flight flight(link);
  write_server_hello(flight.writer(), {.random = hello_retry_random(),
                                       .legacy_session_id_echo = choice.session_id_echo(),
                                       .cipher_suite = choice.suite,
                                       .selected_version = ProtocolVersion::tls13,
                                       .selected_group = choice.group});
  TRY(flight.send(transcript));
  if (choice.session_id_size > 0) TRY(send_change_cipher_spec(link));
  link.parts.counters.add(TlsCounter::kHelloRetryRequests);
  const EarlyData early_data = choice.early_data_offered ? EarlyData::offered() : EarlyData();
  go<StateId::kExpectClientHello, Event::kClientHello>(
      ExpectSecondClientHello{std::move(choice), transcript, first_hello, early_data});
  return {};
}

Result<void, TlsError> ServerHandshake::on(ExpectSecondClientHello& here,
                                           const HandshakeMessage& message, HandshakeLink&) {
  TRY_ASSIGN(const ClientHello hello, ClientHello::parse(message.body));
  TRY_ASSIGN(const Bytes share, check_second_hello(hello, here.first_hello, here.choice.group));
  here.transcript.add(message.whole);
  go<StateId::kExpectSecondClientHello, Event::kClientHello>(
      await_key_agreement(std::move(here.choice), here.transcript, share, true));
  return {};
}

bool ServerHandshake::waiting_for_job() const {
  return state() == StateId::kAwaitKeyAgreement || state() == StateId::kAwaitSignature;
}

void ServerHandshake::take_job(Job& job) const {
  job.outcome = JobOutcome::kPending;
  if (const auto* agreement = std::get_if<AwaitKeyAgreement>(&state_)) {
    auto& work = job.work.emplace<KeyAgreementJob>();
    work.group = agreement->choice.group;
    work.peer_share = agreement->peer_share;
    work.peer_share_size = agreement->peer_share_size;
  } else if (const auto* signature = std::get_if<AwaitSignature>(&state_)) {
    auto& work = job.work.emplace<SignatureJob>();
    work.certificate = signature->choice.certificate;
    work.scheme = signature->choice.scheme;
    base::Writer content(work.content);
    write_signed_content(content, Side::server, signature->transcript.digest().view());
    work.content_size = content.size();
  }
}

Result<void, TlsError> ServerHandshake::finish_job(Job& job, HandshakeLink& link) {
  TRY(check_outcome(job.outcome));
  auto* agreement = std::get_if<AwaitKeyAgreement>(&state_);
  auto* agreed = std::get_if<KeyAgreementJob>(&job.work);
  if (agreement != nullptr && agreed != nullptr) return on_key_agreed(*agreement, *agreed, link);
  auto* signature = std::get_if<AwaitSignature>(&state_);
  auto* made = std::get_if<SignatureJob>(&job.work);
  if (signature != nullptr && made != nullptr) return on_signed(*signature, *made, link);
  return Unexpected{TlsError::kInternal};  // another connection's job
}

// ServerHello in the clear; EncryptedExtensions and Certificate under the handshake keys.
Result<void, TlsError> ServerHandshake::on_key_agreed(AwaitKeyAgreement& here,
                                                      const KeyAgreementJob& job,
                                                      HandshakeLink& link) {
  const Negotiated& choice = here.choice;
  link.parts.counters.add(counter_of(choice.group));
  std::array<std::byte, kRandomSize> random;
  link.parts.random.fill(random);
  {
    Flight hello(link);
    const KeyShareEntry share{choice.group, Bytes(job.own_share).first(job.own_share_size)};
    write_server_hello(hello.writer(), {.random = random,
                                        .legacy_session_id_echo = choice.session_id_echo(),
                                        .cipher_suite = choice.suite,
                                        .selected_version = ProtocolVersion::tls13,
                                        .key_share = share});
    TRY(hello.send(here.transcript));
  }
  // RFC 8446 D.4: after the first message only, which a HelloRetryRequest was already.
  if (choice.session_id_size > 0 && !here.after_retry) TRY(send_change_cipher_spec(link));

  HandshakeSecret secret = EarlySecret(hash_of(choice.suite)).handshake(job.shared_secret.bytes());
  TrafficSecrets traffic = secret.traffic(here.transcript.digest().view());
  link.write.install(link.parts.keys, choice.suite, traffic.server.bytes());
  link.read.install(link.parts.keys, choice.suite, traffic.client.bytes());
  {
    Flight certificate(link);
    const std::string_view alpn = link.session.alpn();
    write_encrypted_extensions(certificate.writer(),
                               {.alpn = alpn.empty() ? std::nullopt : std::optional(alpn),
                                .server_name = choice.server_name_used});
    write_certificate(certificate.writer(), choice.certificate->chain());
    TRY(certificate.send(here.transcript));
  }
  // RFC 8446 4.2.10: after a retry the client has no early data under way any more.
  const bool skips = choice.early_data_offered && !here.after_retry;
  go<StateId::kAwaitKeyAgreement, Event::kKeyAgreed>(
      AwaitSignature{std::move(here.choice), here.transcript, std::move(traffic),
                     std::move(secret).master(), skips ? EarlyData::offered() : EarlyData()});
  return {};
}

// CertificateVerify and Finished; from here on we write under the application keys.
Result<void, TlsError> ServerHandshake::on_signed(AwaitSignature& here, const SignatureJob& job,
                                                  HandshakeLink& link) {
  const HashAlgorithm hash = here.transcript.algorithm();
  {
    Flight verify(link);
    write_certificate_verify(verify.writer(),
                             {here.choice.scheme, Bytes(job.signature).first(job.signature_size)});
    // Finished covers CertificateVerify, so the transcript is looked at between the two.
    Transcript signed_so_far = here.transcript;
    signed_so_far.add(verify.writer().written());
    const HashSecret verify_data = finished_verify_data(hash, here.handshake_traffic.server.bytes(),
                                                        signed_so_far.digest().view());
    write_finished(verify.writer(), verify_data.bytes());
    TRY(verify.send(here.transcript));
  }
  const Digest transcript_hash = here.transcript.digest();
  TrafficSecrets application = here.master.traffic(transcript_hash.view());
  link.write.install(link.parts.keys, here.choice.suite, application.server.bytes());
  go<StateId::kAwaitSignature, Event::kSigned>(
      ExpectFinished{here.choice.suite, transcript_hash, std::move(here.handshake_traffic.client),
                     std::move(application), here.early_data});
  return {};
}

Result<void, TlsError> ServerHandshake::on(ExpectFinished& here, const HandshakeMessage& message,
                                           HandshakeLink& link) {
  const HashAlgorithm hash = hash_of(here.suite);
  TRY_ASSIGN(const Bytes received, parse_finished(message.body, hash_size(hash)));
  const HashSecret expected =
      finished_verify_data(hash, here.client_handshake_secret.bytes(), here.transcript_hash.view());
  // RFC 8446 4.4.4: a Finished that does not verify MUST end the connection with decrypt_error.
  if (!base::constant_time_equal(received, expected.bytes())) {
    return Unexpected{TlsError::kBadFinished};
  }
  link.read.install(link.parts.keys, here.suite, here.application_traffic.client.bytes());
  go<StateId::kExpectFinished, Event::kFinished>(
      HandshakeDone{here.suite, std::move(here.application_traffic)});
  return {};
}

Result<void, TlsError> ServerHandshake::drop_change_cipher_spec() {
  if (edge(state(), Event::kChangeCipherSpec) == nullptr) {
    return Unexpected{TlsError::kUnexpectedRecordType};
  }
  if (!messages_.empty()) return Unexpected{TlsError::kInterleavedMessage};
  if (++change_cipher_specs_ > kMaxChangeCipherSpecs) {
    return Unexpected{TlsError::kTooManyChangeCipherSpecs};
  }
  return {};
}

Result<bool, TlsError> ServerHandshake::skip_early_data(std::size_t fragment_size) {
  EarlyData* early_data = nullptr;
  if (auto* again = std::get_if<ExpectSecondClientHello>(&state_)) early_data = &again->early_data;
  if (auto* finished = std::get_if<ExpectFinished>(&state_)) early_data = &finished->early_data;
  if (early_data == nullptr || !early_data->under_way()) return false;
  if (!messages_.empty()) return Unexpected{TlsError::kInterleavedMessage};
  if (!early_data->skip(fragment_size)) return Unexpected{TlsError::kTooMuchEarlyData};
  return true;
}

void ServerHandshake::end_early_data() {
  if (auto* finished = std::get_if<ExpectFinished>(&state_)) finished->early_data.end();
}

}  // namespace sluice::tls
