// One handshake under way (RFC 8446 section 2, A.2): messages and jobs' results in, flights and
// jobs out. It lives in a block of a bounded pool from the first byte of the ClientHello until the
// client's Finished has been verified; records and alerts are the connection's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.hpp"
#include "tls/codec/handshake.hpp"
#include "tls/crypto/job.hpp"
#include "tls/error.hpp"
#include "tls/record/output.hpp"
#include "tls/record/protection.hpp"
#include "tls/server/connection.hpp"
#include "tls/server/limits.hpp"
#include "tls/server/message_buffer.hpp"
#include "tls/server/session.hpp"
#include "tls/server/states.hpp"

namespace sluice::tls {

// What a handshake works with, and does not own: it is handed in with every call.
struct HandshakeLink {
  ServerContext::Parts& parts;
  const ServerConnection::Client& client;
  Session& session;
  RecordProtection& read;
  RecordProtection& write;
  RecordOutput& output;
};

class ServerHandshake {
 public:
  ServerHandshake() {}

  [[nodiscard]] StateId state() const;

  // The content of a handshake record, as far as it was plaintext or has been opened.
  base::Result<void, TlsError> receive(SpanReader fragment, HandshakeLink& link);
  // A change_cipher_spec record of the right form.
  base::Result<void, TlsError> drop_change_cipher_spec();
  // RFC 8446 4.2.10: whether a record that cannot be opened is refused early data, to be skipped.
  base::Result<bool, TlsError> skip_early_data(std::size_t fragment_size);
  // A record was opened with the handshake keys: whatever early data there was is over.
  void end_early_data();

  [[nodiscard]] bool waiting_for_job() const;
  void take_job(Job& job) const;
  base::Result<void, TlsError> finish_job(Job& job, HandshakeLink& link);

  // Precondition: state() is kConnected.
  [[nodiscard]] HandshakeDone& result() { return std::get<HandshakeDone>(state_); }

 private:
  using Handled = base::Result<void, TlsError>;

  Handled on(ExpectClientHello& here, const HandshakeMessage& message, HandshakeLink& link);
  Handled on(ExpectSecondClientHello& here, const HandshakeMessage& message, HandshakeLink& link);
  Handled on(ExpectFinished& here, const HandshakeMessage& message, HandshakeLink& link);
  Handled ask_again(Negotiated&& choice, Transcript transcript, Digest first_hello,
                    HandshakeLink& link);
  Handled on_key_agreed(AwaitKeyAgreement& here, const KeyAgreementJob& job, HandshakeLink& link);
  Handled on_signed(AwaitSignature& here, const SignatureJob& job, HandshakeLink& link);

  // The only way from state to state; it compiles for the edges of the table.
  template <StateId kFrom, Event kOn, typename Next>
  void go(Next next) {
    static_assert(has_edge(kFrom, kOn, Next::kId), "no such edge in kEdges");
    state_ = std::move(next);
  }

  HandshakeState state_;
  std::uint8_t change_cipher_specs_ = 0;
  MessageBuffer<kMaxHandshakeBody> messages_;
};
static_assert(sizeof(ServerHandshake) <= kMaxHandshakeBody + 2048, "what a handshake costs");

}  // namespace sluice::tls
