// One TLS 1.3 server connection, sans IO (RFC 8446): whole records in, whole records out,
// public-key work handed out as jobs.
//
//   frame_record(prefix of the byte stream)   how long the next record is (record/deframer.hpp)
//   receive(record, output)                   opens it in place and acts on it
//   waiting_for_job()                         take_job(job), run it, finish_job(job, output)
//   seal(plaintext, output)                   one record of application data
//   close(output)                             close_notify
//
// Whatever was written to the output before an error (an alert) is still to be sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/counters.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/counters.hpp"
#include "tls/crypto/job.hpp"
#include "tls/error.hpp"
#include "tls/record/output.hpp"
#include "tls/record/protection.hpp"
#include "tls/server/phase.hpp"
#include "tls/server/policy.hpp"
#include "tls/server/session.hpp"

namespace sluice::tls {

// What a worker's connections share: libcrypto's and ipsec-mb's fetched objects, the pools of
// handshake blocks and expanded keys, the counters. One per worker.
class ServerContext {
 public:
  struct Options {
    std::size_t max_handshakes = 8192;  // at the same time; more are refused
    std::size_t expanded_keys = 4096;   // of 1 KB each, least recently used
    // A KeyUpdate is sent after so many records at the latest; the AEAD's own limit holds besides.
    std::uint64_t records_per_key = ~std::uint64_t{0};
  };
  ServerContext(const Options& options, const PolicySource& policies);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  [[nodiscard]] base::Counters<TlsCounter>& counters();
  [[nodiscard]] std::size_t handshakes() const;  // under way

  struct Parts;
  [[nodiscard]] Parts& parts() { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

class ServerConnection {
 public:
  // Whom the ClientHello came from; it goes into ClientHelloFacts.
  struct Client {
    base::SocketAddress peer;
    std::uint32_t listener = 0;
  };

  // `listener` goes into ClientHelloFacts as it is. Precondition: `context` outlives the
  // connection.
  ServerConnection(ServerContext& context, const base::SocketAddress& peer, std::uint32_t listener);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // What one record meant.
  struct Received {
    enum class Kind : std::uint8_t {
      kNothing,          // handled inside: handshake, KeyUpdate, change_cipher_spec
      kHandshakeDone,    // the client's Finished was verified: application data may flow both ways
      kApplicationData,  // `plaintext_size` bytes at `plaintext_offset` of the record, verified
      kCloseNotify,      // the client sends no more; orderly
    };
    Kind kind = Kind::kNothing;
    std::size_t plaintext_offset = 0;
    std::size_t plaintext_size = 0;
  };
  // Takes exactly one record, header included, as deframed; it is decrypted in place. Precondition:
  // !waiting_for_job(). After an error only the alert in `output` is left to send.
  base::Result<Received, TlsError> receive(std::span<const base::MutableBytes> record,
                                           RecordOutput& output);

  // True while the handshake needs `take_job()`'s result; no record may be fed meanwhile.
  [[nodiscard]] bool waiting_for_job() const;
  // Copies the job's inputs out. Once per wait.
  void take_job(Job& job);
  // Nothing is waiting any more when the connection has been closed or failed meanwhile; then the
  // error is kAlreadyFailed.
  base::Result<void, TlsError> finish_job(Job& job, RecordOutput& output);

  [[nodiscard]] bool handshake_done() const;
  // The policy source's name for the route, once the ClientHello has been read.
  [[nodiscard]] std::uint32_t route() const;

  // The longest plaintext of one record.
  static constexpr std::size_t kMaxPlaintext = kMaxPlaintextFragment;
  // What sealing adds: header, content type, tag.
  static constexpr std::size_t kRecordOverhead = tls::kRecordOverhead;
  // Seals 1 to kMaxPlaintext bytes, in one pass from `plaintext` to the output's spans, which may
  // not overlap. Precondition: handshake_done(). Errors: kOutputFull (none of the plaintext was
  // taken; the connection goes on), kAlreadyFailed after close() or any other error.
  base::Result<void, TlsError> seal(std::span<const base::Bytes> plaintext, RecordOutput& output);

  // close_notify; afterwards seal() may not be called. Safe in every state, and again. Error:
  // kOutputFull, and then nothing has changed: to be called again before the stream is ended, or
  // the peer takes it for truncated.
  [[nodiscard]] base::Result<void, TlsError> close(RecordOutput& output);
  // A fatal alert for a reason that the engine cannot see: handshake timeout, no backend.
  void fail(AlertDescription alert, RecordOutput& output);
  // As receive() does it: counts an error that was found before a record was whole (frame_record's)
  // and writes its alert.
  void reject(TlsError error, RecordOutput& output);

  // The negotiated protocol, empty for none.
  [[nodiscard]] std::string_view alpn() const;

 private:
  using Records = std::span<const base::MutableBytes>;
  using Handled = base::Result<Received, TlsError>;

  // What a record is, by the state that it meets.
  Handled process(Records record, RecordOutput& output);
  Handled on_change_cipher_spec(Records record, RecordHeader header);
  Handled on_plain(Records record, RecordHeader header, RecordOutput& output);
  Handled on_protected(Records record, RecordHeader header, RecordOutput& output);
  // What a record held, by its content type.
  Handled on_handshake(SpanReader fragment, RecordOutput& output);
  Handled on_application_data(const RecordProtection::Opened& opened);
  Handled on_alert(SpanReader fragment);
  base::Result<void, TlsError> on_key_update(Connected& connected, base::Bytes body);
  base::Result<void, TlsError> send_key_update(Connected& connected, RecordOutput& output);

  // The handshake's block; null when there is none, or none yet.
  [[nodiscard]] ServerHandshake* handshake() const;
  base::Result<ServerHandshake*, TlsError> start_handshake();
  void complete_handshake();

  TlsError fail_with(TlsError error, RecordOutput& output);
  base::Result<void, TlsError> send_alert(AlertDescription alert, RecordOutput& output);
  void end();
  void release();

  ServerContext& context_;
  Client client_;
  Session session_;
  Phase phase_;
  // An idle connection keeps these and nothing else: raw keys, sequence numbers, traffic secrets.
  RecordProtection read_;
  RecordProtection write_;
};
static_assert(sizeof(ServerConnection) <= 512, "what an idle connection costs");

}  // namespace sluice::tls
