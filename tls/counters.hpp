// What the TLS engines count: one counter for each class of bad input, and what handshakes agreed
// on. Every TlsError that a peer can cause has a counter of its own (counter_for).
#pragma once

#include <cstdint>
#include <optional>

#include "base/counters.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

enum class TlsCounter : std::uint16_t {
  // Handshakes.
  kHandshakesStarted,
  kHandshakesCompleted,
  kHandshakesFailed,
  kHandshakesAbandoned,
  kHelloRetryRequests,
  kSuiteAes128Gcm,
  kSuiteAes256Gcm,
  kSuiteChaCha20Poly1305,
  kGroupX25519,
  kGroupSecp256r1,
  kPskOffersIgnored,
  kEarlyDataRefused,
  kEarlyDataRecordsSkipped,

  // Connections.
  kRecordsOpened,
  kRecordsSealed,
  kChangeCipherSpecs,
  kKeyUpdatesReceived,
  kKeyUpdatesSent,
  kKeyLimitsReached,
  kAlertsReceived,
  kAlertsSent,
  kCloseNotifyReceived,
  kCloseNotifySent,

  // Not TLS.
  kPlainHttp,
  kNotTls,

  // Records.
  kUnexpectedRecordType,
  kRecordOverflow,
  kBadRecordMac,
  kNoContentType,
  kEmptyFragment,
  kTooManyEmptyRecords,
  kBadChangeCipherSpec,
  kTooManyChangeCipherSpecs,
  kTooMuchEarlyData,

  // Messages.
  kMalformedAlert,
  kMalformedHandshake,
  kMalformedExtension,
  kDuplicateExtension,
  kForbiddenExtension,
  kMessageTooLong,
  kUnexpectedMessage,
  kInterleavedMessage,
  kMessageAcrossKeyChange,
  kSsl30,
  kBadCompression,
  kMissingExtension,
  kMissingPskModes,
  kPskNotLast,
  kIllegalServerName,
  kIllegalKeyShare,
  kSecondHelloDiffers,
  kBadFinished,
  kBadKeyUpdate,
  kTooManyKeyUpdates,

  // Nothing in common.
  kNoTls13,
  kNoCommonSuite,
  kNoCommonGroup,
  kNoCommonSignatureScheme,
  kNoApplicationProtocol,
  kUnrecognizedName,
  kNoCertificate,

  // The peer ended it.
  kPeerErrors,
  kTooManyWarnings,
  kPeerClosedEarly,

  // Ours.
  kHandshakesExhausted,
  kOutputFull,
  kJobFailed,
  kInternal,
  kLocalAlert,

  kCount,
};

// The counter of an error; none for kAlreadyFailed, which was counted when it happened.
[[nodiscard]] std::optional<TlsCounter> counter_for(TlsError error);

}  // namespace sluice::tls

template <>
struct sluice::base::CounterTable<sluice::tls::TlsCounter> {
  static constexpr CounterInfo kInfos[] = {
      {"handshakes_started", Severity::kInfo, "Connections whose first handshake record arrived."},
      {"handshakes_completed", Severity::kInfo, "Handshakes whose Finished was verified."},
      {"handshakes_failed", Severity::kNotice, "Handshakes that ended with an error."},
      {"handshakes_abandoned", Severity::kNotice, "Connections that went away mid-handshake."},
      {"hello_retry_requests", Severity::kInfo, "Clients asked for a share of another group."},
      {"suite_aes_128_gcm_sha256", Severity::kInfo, "Handshakes that chose AES-128-GCM."},
      {"suite_aes_256_gcm_sha384", Severity::kInfo, "Handshakes that chose AES-256-GCM."},
      {"suite_chacha20_poly1305_sha256", Severity::kInfo,
       "Handshakes that chose ChaCha20-Poly1305."},
      {"group_x25519", Severity::kInfo, "Key agreements over X25519."},
      {"group_secp256r1", Severity::kInfo, "Key agreements over P-256."},
      {"psk_offers_ignored", Severity::kInfo, "Offers to resume that got a full handshake."},
      {"early_data_refused", Severity::kInfo, "Offers of early data that were refused."},
      {"early_data_records_skipped", Severity::kInfo, "Records of refused early data."},

      {"records_opened", Severity::kInfo, "Protected records that authenticated."},
      {"records_sealed", Severity::kInfo, "Protected records sent."},
      {"change_cipher_specs", Severity::kInfo, "Compatibility records that were dropped."},
      {"key_updates_received", Severity::kInfo, "KeyUpdates received."},
      {"key_updates_sent", Severity::kInfo, "KeyUpdates sent, answers included."},
      {"key_limits_reached", Severity::kInfo, "Keys replaced before their AEAD usage limit."},
      {"alerts_received", Severity::kInfo, "Alerts received, close_notify included."},
      {"alerts_sent", Severity::kInfo, "Alerts sent, close_notify included."},
      {"close_notify_received", Severity::kInfo, "Orderly closes by the peer."},
      {"close_notify_sent", Severity::kInfo, "Orderly closes by us."},

      {"plain_http", Severity::kNotice, "HTTP requests where a ClientHello should be."},
      {"not_tls", Severity::kNotice, "Connections whose first bytes are not TLS."},

      {"unexpected_record_type", Severity::kNotice, "Record types unknown or not allowed there."},
      {"record_overflow", Severity::kNotice, "Records longer than TLS allows."},
      {"bad_record_mac", Severity::kNotice, "Records that did not authenticate."},
      {"no_content_type", Severity::kNotice, "Records that were nothing but padding."},
      {"empty_fragment", Severity::kNotice, "Empty handshake or alert records."},
      {"too_many_empty_records", Severity::kNotice, "Peers that sent empty records in a row."},
      {"bad_change_cipher_spec", Severity::kNotice, "Compatibility records with other content."},
      {"too_many_change_cipher_specs", Severity::kNotice, "Peers that repeated them too often."},
      {"too_much_early_data", Severity::kNotice, "Refused early data beyond the skipping bound."},

      {"malformed_alert", Severity::kNotice, "Alerts that are not two bytes."},
      {"malformed_handshake", Severity::kNotice, "Handshake messages that do not parse."},
      {"malformed_extension", Severity::kNotice, "Extensions that do not parse."},
      {"duplicate_extension", Severity::kNotice, "Extensions given twice."},
      {"forbidden_extension", Severity::kNotice, "Extensions where they may not stand."},
      {"message_too_long", Severity::kNotice, "Handshake messages longer than accepted."},
      {"unexpected_message", Severity::kNotice, "Handshake messages out of order."},
      {"interleaved_message", Severity::kNotice, "Other records between fragments of a message."},
      {"message_across_key_change", Severity::kNotice, "Handshake bytes across a key change."},
      {"ssl30", Severity::kNotice, "Clients that speak SSL 3.0."},
      {"bad_compression", Severity::kNotice, "Compression methods other than null."},
      {"missing_extension", Severity::kNotice, "ClientHellos without a required extension."},
      {"missing_psk_modes", Severity::kNotice, "Resumption offers without their modes."},
      {"psk_not_last", Severity::kNotice, "Resumption offers that are not the last extension."},
      {"illegal_server_name", Severity::kNotice, "Server names that are not host names."},
      {"illegal_key_share", Severity::kNotice, "Key shares that are not legal."},
      {"second_hello_differs", Severity::kNotice, "Second ClientHellos unlike their first."},
      {"bad_finished", Severity::kNotice, "Finished messages that did not verify."},
      {"bad_key_update", Severity::kNotice, "KeyUpdates with an unknown request."},
      {"too_many_key_updates", Severity::kNotice, "Peers that sent KeyUpdates without data."},

      {"no_tls13", Severity::kNotice, "Clients that do not offer TLS 1.3."},
      {"no_common_suite", Severity::kNotice, "Clients without a common cipher suite."},
      {"no_common_group", Severity::kNotice, "Clients without a common group."},
      {"no_common_signature_scheme", Severity::kNotice,
       "Clients that no certificate's key can sign for."},
      {"no_application_protocol", Severity::kNotice, "Clients without a common protocol."},
      {"unrecognized_name", Severity::kNotice, "Server names that are not served."},
      {"no_certificate", Severity::kWarning, "Routes that have no certificate."},

      {"peer_errors", Severity::kNotice, "Connections that the peer ended with an error alert."},
      {"too_many_warnings", Severity::kNotice, "Peers that sent warnings in a row."},
      {"peer_closed_early", Severity::kNotice, "Peers that closed during the handshake."},

      {"handshakes_exhausted", Severity::kWarning, "Handshakes refused: all blocks were in use."},
      {"output_full", Severity::kWarning, "Connections ended for lack of output room."},
      {"job_failed", Severity::kWarning, "Public-key work that the library refused."},
      {"internal", Severity::kWarning, "Internal errors."},
      {"local_alert", Severity::kInfo, "Connections ended from this side with an error alert."},
  };
};
