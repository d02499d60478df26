// Everything that can go wrong with a TLS peer or with us, more specific than the alert that is
// sent for it: counters and logs name the error, the wire gets alert_for(error) (RFC 8446
// section 6.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tls/codec/registry.hpp"

namespace sluice::tls {

enum class TlsError : std::uint8_t {
  // Not TLS at all.
  kPlainHttp,  // an HTTP request where a ClientHello should be
  kNotTls,     // any other first bytes

  // Records.
  kUnexpectedRecordType,      // unknown, or not allowed in this state
  kRecordOverflow,            // longer than RFC 8446 5.1 or 5.2 allows, before or after opening
  kBadRecordMac,              // did not authenticate
  kNoContentType,             // opened to nothing but padding
  kEmptyFragment,             // zero-length handshake or alert content
  kTooManyEmptyRecords,       // zero-length application data, again and again
  kBadChangeCipherSpec,       // not the single byte 0x01
  kTooManyChangeCipherSpecs,  // more than middlebox compatibility can need
  kTooMuchEarlyData,          // refused early data goes on beyond the bound

  // Messages that do not parse.
  kMalformedAlert,
  kMalformedHandshake,  // any message whose lengths do not add up
  kMalformedExtension,
  kDuplicateExtension,
  kForbiddenExtension,  // a known extension in a message where it may not stand
  kMessageTooLong,      // longer than that message may be here

  // Messages that parse and are wrong.
  kUnexpectedMessage,       // no edge in the state table
  kInterleavedMessage,      // another record type between the fragments of a message
  kMessageAcrossKeyChange,  // bytes follow a message after which the keys change
  kSsl30,                   // legacy_version 0x0300
  kBadCompression,
  kMissingExtension,
  kMissingPskModes,
  kPskNotLast,
  kIllegalServerName,
  kIllegalKeyShare,     // duplicate, unannounced, of the wrong length or not on the curve
  kSecondHelloDiffers,  // from the first in what may not change after a HelloRetryRequest
  kBadFinished,
  kBadKeyUpdate,  // request_update neither 0 nor 1
  kTooManyKeyUpdates,

  // Peers with which we have nothing in common.
  kNoTls13,
  kNoCommonSuite,
  kNoCommonGroup,
  kNoCommonSignatureScheme,
  kNoApplicationProtocol,
  kUnrecognizedName,
  kNoCertificate,  // the route has none

  // The peer ended it.
  kPeerAlert,        // an error alert
  kTooManyWarnings,  // user_canceled, again and again
  kPeerClosedEarly,  // close_notify before the handshake was done

  // Ours.
  kHandshakesExhausted,  // the bounded pool of handshakes is full
  kOutputFull,           // no room for a record in the output
  kJobFailed,            // the library refused public-key work
  kInternal,
  kLocalAlert,     // fail() was called: a timeout, no backend
  kAlreadyFailed,  // used after an earlier error, or after its end
};

// What the peer is told; none where there is nothing to say or nobody to say it to.
[[nodiscard]] std::optional<AlertDescription> alert_for(TlsError error);

// One clause for a log line, without a full stop.
[[nodiscard]] std::string_view describe(TlsError error);

}  // namespace sluice::tls
