// Records in and out of a connection, by their type and its phase; alerts; the ends that a
// connection can come to. KeyUpdate is in key_update.cpp. See connection.hpp.
#include "tls/server/connection.hpp"

#include <array>
#include <cassert>
#include <utility>

#include "tls/codec/alert.hpp"
#include "tls/server/context.hpp"
#include "tls/server/handshake.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

using Kind = ServerConnection::Received::Kind;

ServerConnection::ServerConnection(ServerContext& context, const base::SocketAddress& peer,
                                   std::uint32_t listener)
    : context_(context), client_{peer, listener} {}

ServerConnection::~ServerConnection() {
  if (handshake() != nullptr) context_.counters().add(TlsCounter::kHandshakesAbandoned);
  release();
}

ServerHandshake* ServerConnection::handshake() const {
  const auto* under_way = std::get_if<Handshaking>(&phase_);
  return under_way == nullptr ? nullptr : context_.parts().handshakes.find(under_way->block);
}

bool ServerConnection::handshake_done() const {
  return std::holds_alternative<Connected>(phase_);
}

Result<ServerConnection::Received, TlsError> ServerConnection::receive(Records record,
                                                                       RecordOutput& output) {
  assert(!waiting_for_job());
  if (std::holds_alternative<Ended>(phase_)) return Unexpected{TlsError::kAlreadyFailed};
  Handled handled = process(record, output);
  if (!handled) return Unexpected{fail_with(handled.error(), output)};
  return handled;
}

Result<ServerConnection::Received, TlsError> ServerConnection::process(Records record,
                                                                       RecordOutput& output) {
  TRY_ASSIGN(const RecordHeader header, read_header(record));
  // RFC 8446 6.1: any data received after a closure alert MUST be ignored.
  const auto* connected = std::get_if<Connected>(&phase_);
  if (connected != nullptr && connected->read_closed) return Received{};

  if (header.type == ContentType::change_cipher_spec) return on_change_cipher_spec(record, header);
  if (read_.active()) return on_protected(record, header, output);
  return on_plain(record, header, output);
}

Result<ServerConnection::Received, TlsError> ServerConnection::on_change_cipher_spec(
    Records record, RecordHeader header) {
  ServerHandshake* const under_way = handshake();
  // RFC 8446 5: before the first ClientHello and after Finished it is an unexpected type.
  if (under_way == nullptr) return Unexpected{TlsError::kUnexpectedRecordType};
  std::array<std::byte, 1> content{};
  if (header.fragment_size != content.size()) return Unexpected{TlsError::kBadChangeCipherSpec};
  SpanReader(record, kRecordHeaderSize, content.size()).read(content);
  if (content[0] != std::byte{1}) return Unexpected{TlsError::kBadChangeCipherSpec};
  TRY(under_way->drop_change_cipher_spec());
  context_.counters().add(TlsCounter::kChangeCipherSpecs);
  return Received{};
}

Result<ServerConnection::Received, TlsError> ServerConnection::on_plain(Records record,
                                                                        RecordHeader header,
                                                                        RecordOutput& output) {
  ServerHandshake* const under_way = handshake();
  // RFC 8446 4.2.10: between a HelloRetryRequest and the second ClientHello, application data is
  // refused early data.
  if (header.type == ContentType::application_data && under_way != nullptr) {
    TRY_ASSIGN(const bool skipped, under_way->skip_early_data(header.fragment_size));
    if (skipped) {
      context_.counters().add(TlsCounter::kEarlyDataRecordsSkipped);
      return Received{};
    }
  }
  // RFC 8446 5.1: the length MUST NOT exceed 2^14.
  if (header.fragment_size > kMaxPlaintextFragment) return Unexpected{TlsError::kRecordOverflow};
  const SpanReader fragment(record, kRecordHeaderSize, header.fragment_size);
  if (header.type == ContentType::handshake) return on_handshake(fragment, output);
  if (header.type == ContentType::alert) return on_alert(fragment);
  return Unexpected{TlsError::kUnexpectedRecordType};
}

Result<ServerConnection::Received, TlsError> ServerConnection::on_protected(Records record,
                                                                            RecordHeader header,
                                                                            RecordOutput& output) {
  ServerHandshake* const under_way = handshake();
  // A client that cannot take our ServerHello has no keys yet to protect its alert with.
  if (header.type == ContentType::alert && under_way != nullptr && read_.sequence() == 0) {
    return on_plain(record, header, output);
  }
  if (header.type != ContentType::application_data) {
    return Unexpected{TlsError::kUnexpectedRecordType};
  }

  const auto opened = read_.open(context_.parts().keys, record);
  if (!opened) {
    // RFC 8446 4.2.10: records that fail deprotection are early data, until one does not fail.
    if (opened.error() != TlsError::kBadRecordMac || under_way == nullptr) {
      return Unexpected{opened.error()};
    }
    TRY_ASSIGN(const bool skipped, under_way->skip_early_data(header.fragment_size));
    if (!skipped) return Unexpected{TlsError::kBadRecordMac};
    context_.counters().add(TlsCounter::kEarlyDataRecordsSkipped);
    return Received{};
  }
  context_.counters().add(TlsCounter::kRecordsOpened);
  if (under_way != nullptr) under_way->end_early_data();

  const SpanReader fragment(record, opened->offset, opened->size);
  switch (opened->type) {
    case ContentType::application_data:
      return on_application_data(*opened);
    case ContentType::handshake:
      return on_handshake(fragment, output);
    case ContentType::alert:
      return on_alert(fragment);
    case ContentType::change_cipher_spec:  // RFC 8446 5: never protected
    case ContentType::invalid:
      break;
  }
  return Unexpected{TlsError::kUnexpectedRecordType};
}

Result<ServerConnection::Received, TlsError> ServerConnection::on_handshake(SpanReader fragment,
                                                                            RecordOutput& output) {
  // RFC 8446 5.1: zero-length handshake fragments MUST NOT be sent.
  if (fragment.remaining() == 0) return Unexpected{TlsError::kEmptyFragment};

  if (auto* connected = std::get_if<Connected>(&phase_)) {
    TRY(collect_messages(
        connected->messages, fragment, TlsError::kMalformedHandshake,
        [] { return StateId::kConnected; },
        [&](const HandshakeMessage& message) { return on_key_update(*connected, message.body); }));
    return Received{};
  }

  TRY_ASSIGN(ServerHandshake* const under_way, start_handshake());
  HandshakeLink link{context_.parts(), client_, session_, read_, write_, output};
  TRY(under_way->receive(fragment, link));
  if (under_way->state() != StateId::kConnected) return Received{};
  complete_handshake();
  return Received{.kind = Kind::kHandshakeDone};
}

Result<ServerHandshake*, TlsError> ServerConnection::start_handshake() {
  if (ServerHandshake* const under_way = handshake()) return under_way;
  ServerContext::Parts& parts = context_.parts();
  const auto block = parts.handshakes.create();
  if (!block) return Unexpected{TlsError::kHandshakesExhausted};
  parts.counters.add(TlsCounter::kHandshakesStarted);
  phase_ = Handshaking{block};
  return parts.handshakes.find(block);
}

void ServerConnection::complete_handshake() {
  const auto block = std::get<Handshaking>(phase_).block;
  HandshakeDone& done = handshake()->result();
  Connected connected{.suite = done.suite, .traffic = std::move(done.application_traffic)};
  phase_ = std::move(connected);
  context_.parts().handshakes.destroy(block);
  context_.counters().add(TlsCounter::kHandshakesCompleted);
}

Result<ServerConnection::Received, TlsError> ServerConnection::on_application_data(
    const RecordProtection::Opened& opened) {
  auto* connected = std::get_if<Connected>(&phase_);
  if (connected == nullptr) return Unexpected{TlsError::kUnexpectedRecordType};
  if (!connected->messages.empty()) return Unexpected{TlsError::kInterleavedMessage};
  if (opened.size == 0) {
    if (++connected->empty_records > kMaxEmptyRecords) {
      return Unexpected{TlsError::kTooManyEmptyRecords};
    }
    return Received{};
  }
  connected->empty_records = 0;
  connected->key_updates = 0;
  return Received{Kind::kApplicationData, opened.offset, opened.size};
}

Result<ServerConnection::Received, TlsError> ServerConnection::on_alert(SpanReader fragment) {
  // RFC 8446 5.4: empty Alert content MUST end the connection with unexpected_message.
  if (fragment.remaining() == 0) return Unexpected{TlsError::kEmptyFragment};
  std::array<std::byte, kAlertSize> bytes;
  if (fragment.remaining() != bytes.size()) return Unexpected{TlsError::kMalformedAlert};
  fragment.read(bytes);
  TRY_ASSIGN(const Alert alert, Alert::parse(bytes));
  context_.counters().add(TlsCounter::kAlertsReceived);

  auto* connected = std::get_if<Connected>(&phase_);
  switch (alert.description) {
    case AlertDescription::close_notify:
      context_.counters().add(TlsCounter::kCloseNotifyReceived);
      if (connected == nullptr) return Unexpected{TlsError::kPeerClosedEarly};
      connected->read_closed = true;
      connected->traffic.client.wipe();
      read_.clear(context_.parts().keys);
      return Received{.kind = Kind::kCloseNotify};
    case AlertDescription::user_canceled:
      // RFC 8446 6.1: a close_notify follows. Nothing else that could be a warning does.
      if (connected == nullptr) return Unexpected{TlsError::kPeerClosedEarly};
      if (++connected->warnings > kMaxWarnings) return Unexpected{TlsError::kTooManyWarnings};
      return Received{};
    default:
      // RFC 8446 6.2: every other alert ends the connection, whatever its level and known or not.
      return Unexpected{TlsError::kPeerAlert};
  }
}

bool ServerConnection::waiting_for_job() const {
  const ServerHandshake* const under_way = handshake();
  return under_way != nullptr && under_way->waiting_for_job();
}

void ServerConnection::take_job(Job& job) {
  if (const ServerHandshake* const under_way = handshake()) under_way->take_job(job);
}

Result<void, TlsError> ServerConnection::finish_job(Job& job, RecordOutput& output) {
  ServerHandshake* const under_way = handshake();
  if (under_way == nullptr) return Unexpected{TlsError::kAlreadyFailed};
  HandshakeLink link{context_.parts(), client_, session_, read_, write_, output};
  auto finished = under_way->finish_job(job, link);
  if (!finished) return Unexpected{fail_with(finished.error(), output)};
  return {};
}

Result<void, TlsError> ServerConnection::seal(std::span<const Bytes> plaintext,
                                              RecordOutput& output) {
  auto* connected = std::get_if<Connected>(&phase_);
  if (connected == nullptr || connected->write_closed) {
    return Unexpected{TlsError::kAlreadyFailed};
  }
  ServerContext::Parts& parts = context_.parts();
  const bool limit = write_.key_update_due() || write_.sequence() >= parts.records_per_key;
  if (limit || connected->answer_due) {
    TRY(send_key_update(*connected, output));
    if (limit) parts.counters.add(TlsCounter::kKeyLimitsReached);
  }
  auto sealed = write_.seal(parts.keys, ContentType::application_data, plaintext, output);
  if (!sealed) {
    if (sealed.error() == TlsError::kOutputFull) return sealed;
    return Unexpected{fail_with(sealed.error(), output)};
  }
  connected->key_updates = 0;
  parts.counters.add(TlsCounter::kRecordsSealed);
  return {};
}

Result<void, TlsError> ServerConnection::close(RecordOutput& output) {
  if (std::holds_alternative<Ended>(phase_)) return {};
  auto* connected = std::get_if<Connected>(&phase_);
  if (connected != nullptr && connected->write_closed) return {};
  const auto sent = send_alert(AlertDescription::close_notify, output);
  if (!sent) {
    if (sent.error() == TlsError::kOutputFull) return sent;
    return Unexpected{fail_with(sent.error(), output)};
  }
  context_.counters().add(TlsCounter::kCloseNotifySent);
  if (connected != nullptr) {
    connected->write_closed = true;
    connected->traffic.server.wipe();
    write_.clear(context_.parts().keys);
    return {};
  }
  if (handshake() != nullptr) context_.counters().add(TlsCounter::kHandshakesAbandoned);
  end();
  return {};
}

void ServerConnection::fail(AlertDescription alert, RecordOutput& output) {
  if (std::holds_alternative<Ended>(phase_)) return;
  (void)send_alert(alert, output);
  (void)fail_with(TlsError::kLocalAlert, output);
}

void ServerConnection::reject(TlsError error, RecordOutput& output) {
  if (std::holds_alternative<Ended>(phase_)) return;
  (void)fail_with(error, output);
}

// RFC 8446 6.2: the alert that fits the error, then nothing more, and no secrets kept. An output
// without room for the alert is no reason to keep the connection.
TlsError ServerConnection::fail_with(TlsError error, RecordOutput& output) {
  if (const auto counter = counter_for(error)) context_.counters().add(*counter);
  if (const auto alert = alert_for(error)) (void)send_alert(*alert, output);
  if (handshake() != nullptr) context_.counters().add(TlsCounter::kHandshakesFailed);
  end();
  return error;
}

// RFC 8446 6.1: nothing is sent after a close_notify.
Result<void, TlsError> ServerConnection::send_alert(AlertDescription description,
                                                    RecordOutput& output) {
  const auto* connected = std::get_if<Connected>(&phase_);
  if (connected != nullptr && connected->write_closed) return {};
  const auto alert = Alert::of(description).serialize();
  const Bytes bytes = alert;
  if (write_.active()) {
    TRY(write_.seal(context_.parts().keys, ContentType::alert, std::span(&bytes, 1), output));
  } else {
    TRY(write_plain_record(ContentType::alert, bytes, output));
  }
  context_.counters().add(TlsCounter::kAlertsSent);
  return {};
}

void ServerConnection::end() {
  release();
  phase_ = Ended{};
}

// What is held in the worker's pools: the handshake's block, the expanded keys.
void ServerConnection::release() {
  if (const auto* under_way = std::get_if<Handshaking>(&phase_)) {
    context_.parts().handshakes.destroy(under_way->block);
  }
  read_.clear(context_.parts().keys);
  write_.clear(context_.parts().keys);
}

std::uint32_t ServerConnection::route() const {
  return session_.route;
}

std::string_view ServerConnection::alpn() const {
  return session_.alpn();
}

}  // namespace sluice::tls
