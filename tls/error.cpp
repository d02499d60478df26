// The two tables of TlsError: alert and text. See error.hpp.
#include "tls/error.hpp"

namespace sluice::tls {

std::optional<AlertDescription> alert_for(TlsError error) {
  switch (error) {
    // RFC 8446 5: an unexpected record type is answered with unexpected_message.
    case TlsError::kPlainHttp:
    case TlsError::kNotTls:
    case TlsError::kUnexpectedRecordType:
    case TlsError::kBadChangeCipherSpec:
    case TlsError::kTooManyChangeCipherSpecs:
    // RFC 8446 5.4: no content type, or empty Handshake or Alert content.
    case TlsError::kNoContentType:
    case TlsError::kEmptyFragment:
    case TlsError::kTooManyEmptyRecords:
    case TlsError::kTooMuchEarlyData:
    // RFC 8446 5.1: messages neither interleave with other types nor span key changes.
    case TlsError::kUnexpectedMessage:
    case TlsError::kInterleavedMessage:
    case TlsError::kMessageAcrossKeyChange:
    case TlsError::kTooManyKeyUpdates:
    case TlsError::kTooManyWarnings:
      return AlertDescription::unexpected_message;
    case TlsError::kRecordOverflow:
      return AlertDescription::record_overflow;
    case TlsError::kBadRecordMac:
      return AlertDescription::bad_record_mac;
    case TlsError::kMalformedAlert:
    case TlsError::kMalformedHandshake:
    case TlsError::kMalformedExtension:
      return AlertDescription::decode_error;
    case TlsError::kDuplicateExtension:
    case TlsError::kForbiddenExtension:
    case TlsError::kMessageTooLong:
    case TlsError::kBadCompression:
    case TlsError::kPskNotLast:
    case TlsError::kIllegalServerName:
    case TlsError::kIllegalKeyShare:
    case TlsError::kSecondHelloDiffers:
    case TlsError::kBadKeyUpdate:
      return AlertDescription::illegal_parameter;
    case TlsError::kMissingExtension:
    case TlsError::kMissingPskModes:
      return AlertDescription::missing_extension;
    case TlsError::kBadFinished:
      return AlertDescription::decrypt_error;
    case TlsError::kSsl30:
    case TlsError::kNoTls13:
      return AlertDescription::protocol_version;
    case TlsError::kNoCommonSuite:
    case TlsError::kNoCommonGroup:
    case TlsError::kNoCommonSignatureScheme:
    case TlsError::kNoCertificate:
      return AlertDescription::handshake_failure;
    case TlsError::kNoApplicationProtocol:
      return AlertDescription::no_application_protocol;
    case TlsError::kUnrecognizedName:
      return AlertDescription::unrecognized_name;
    case TlsError::kPeerClosedEarly:
      return AlertDescription::close_notify;
    case TlsError::kHandshakesExhausted:
    case TlsError::kOutputFull:
    case TlsError::kJobFailed:
    case TlsError::kInternal:
      return AlertDescription::internal_error;
    // RFC 8446 6.2: after an error alert neither side sends anything more.
    case TlsError::kPeerAlert:
    case TlsError::kLocalAlert:
    case TlsError::kAlreadyFailed:
      return std::nullopt;
  }
  return AlertDescription::internal_error;
}

std::string_view describe(TlsError error) {
  switch (error) {
    case TlsError::kPlainHttp:
      return "an HTTP request instead of a ClientHello";
    case TlsError::kNotTls:
      return "the first bytes are not TLS";
    case TlsError::kUnexpectedRecordType:
      return "a record type that is unknown or not allowed here";
    case TlsError::kRecordOverflow:
      return "a record longer than TLS allows";
    case TlsError::kBadRecordMac:
      return "a record that does not authenticate";
    case TlsError::kNoContentType:
      return "a record without a content type";
    case TlsError::kEmptyFragment:
      return "an empty handshake or alert record";
    case TlsError::kTooManyEmptyRecords:
      return "too many empty records in a row";
    case TlsError::kBadChangeCipherSpec:
      return "a change_cipher_spec record other than the single byte 1";
    case TlsError::kTooManyChangeCipherSpecs:
      return "too many change_cipher_spec records";
    case TlsError::kTooMuchEarlyData:
      return "more refused early data than is skipped";
    case TlsError::kMalformedAlert:
      return "an alert that is not two bytes";
    case TlsError::kMalformedHandshake:
      return "a handshake message that does not parse";
    case TlsError::kMalformedExtension:
      return "an extension that does not parse";
    case TlsError::kDuplicateExtension:
      return "an extension given twice";
    case TlsError::kForbiddenExtension:
      return "an extension in a message where it may not stand";
    case TlsError::kMessageTooLong:
      return "a handshake message longer than is accepted";
    case TlsError::kUnexpectedMessage:
      return "a handshake message out of order";
    case TlsError::kInterleavedMessage:
      return "another record between the fragments of a handshake message";
    case TlsError::kMessageAcrossKeyChange:
      return "handshake bytes across a key change";
    case TlsError::kSsl30:
      return "a client that speaks SSL 3.0";
    case TlsError::kBadCompression:
      return "compression methods other than null";
    case TlsError::kMissingExtension:
      return "a ClientHello without a required extension";
    case TlsError::kMissingPskModes:
      return "pre_shared_key without psk_key_exchange_modes";
    case TlsError::kPskNotLast:
      return "pre_shared_key is not the last extension";
    case TlsError::kIllegalServerName:
      return "a server name that is not a host name";
    case TlsError::kIllegalKeyShare:
      return "a key share that is not legal";
    case TlsError::kSecondHelloDiffers:
      return "a second ClientHello that differs from the first";
    case TlsError::kBadFinished:
      return "a Finished that does not verify";
    case TlsError::kBadKeyUpdate:
      return "a KeyUpdate with an unknown request";
    case TlsError::kTooManyKeyUpdates:
      return "too many KeyUpdates without data";
    case TlsError::kNoTls13:
      return "a client that does not offer TLS 1.3";
    case TlsError::kNoCommonSuite:
      return "no cipher suite in common";
    case TlsError::kNoCommonGroup:
      return "no group in common";
    case TlsError::kNoCommonSignatureScheme:
      return "no signature scheme that a certificate can serve";
    case TlsError::kNoApplicationProtocol:
      return "no application protocol in common";
    case TlsError::kUnrecognizedName:
      return "a server name that is not served";
    case TlsError::kNoCertificate:
      return "no certificate for the route";
    case TlsError::kPeerAlert:
      return "the peer sent an error alert";
    case TlsError::kTooManyWarnings:
      return "too many warning alerts";
    case TlsError::kPeerClosedEarly:
      return "the peer closed during the handshake";
    case TlsError::kHandshakesExhausted:
      return "too many handshakes at the same time";
    case TlsError::kOutputFull:
      return "no room for output";
    case TlsError::kJobFailed:
      return "public-key work failed";
    case TlsError::kInternal:
      return "an internal error";
    case TlsError::kLocalAlert:
      return "ended from this side";
    case TlsError::kAlreadyFailed:
      return "the connection has failed already";
  }
  return "an unknown error";
}

}  // namespace sluice::tls
