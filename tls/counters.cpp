// Which counter an error belongs to. See counters.hpp.
#include "tls/counters.hpp"

namespace sluice::tls {

std::optional<TlsCounter> counter_for(TlsError error) {
  switch (error) {
    case TlsError::kPlainHttp:
      return TlsCounter::kPlainHttp;
    case TlsError::kNotTls:
      return TlsCounter::kNotTls;
    case TlsError::kUnexpectedRecordType:
      return TlsCounter::kUnexpectedRecordType;
    case TlsError::kRecordOverflow:
      return TlsCounter::kRecordOverflow;
    case TlsError::kBadRecordMac:
      return TlsCounter::kBadRecordMac;
    case TlsError::kNoContentType:
      return TlsCounter::kNoContentType;
    case TlsError::kEmptyFragment:
      return TlsCounter::kEmptyFragment;
    case TlsError::kTooManyEmptyRecords:
      return TlsCounter::kTooManyEmptyRecords;
    case TlsError::kBadChangeCipherSpec:
      return TlsCounter::kBadChangeCipherSpec;
    case TlsError::kTooManyChangeCipherSpecs:
      return TlsCounter::kTooManyChangeCipherSpecs;
    case TlsError::kTooMuchEarlyData:
      return TlsCounter::kTooMuchEarlyData;
    case TlsError::kMalformedAlert:
      return TlsCounter::kMalformedAlert;
    case TlsError::kMalformedHandshake:
      return TlsCounter::kMalformedHandshake;
    case TlsError::kMalformedExtension:
      return TlsCounter::kMalformedExtension;
    case TlsError::kDuplicateExtension:
      return TlsCounter::kDuplicateExtension;
    case TlsError::kForbiddenExtension:
      return TlsCounter::kForbiddenExtension;
    case TlsError::kMessageTooLong:
      return TlsCounter::kMessageTooLong;
    case TlsError::kUnexpectedMessage:
      return TlsCounter::kUnexpectedMessage;
    case TlsError::kInterleavedMessage:
      return TlsCounter::kInterleavedMessage;
    case TlsError::kMessageAcrossKeyChange:
      return TlsCounter::kMessageAcrossKeyChange;
    case TlsError::kSsl30:
      return TlsCounter::kSsl30;
    case TlsError::kBadCompression:
      return TlsCounter::kBadCompression;
    case TlsError::kMissingExtension:
      return TlsCounter::kMissingExtension;
    case TlsError::kMissingPskModes:
      return TlsCounter::kMissingPskModes;
    case TlsError::kPskNotLast:
      return TlsCounter::kPskNotLast;
    case TlsError::kIllegalServerName:
      return TlsCounter::kIllegalServerName;
    case TlsError::kIllegalKeyShare:
      return TlsCounter::kIllegalKeyShare;
    case TlsError::kSecondHelloDiffers:
      return TlsCounter::kSecondHelloDiffers;
    case TlsError::kBadFinished:
      return TlsCounter::kBadFinished;
    case TlsError::kBadKeyUpdate:
      return TlsCounter::kBadKeyUpdate;
    case TlsError::kTooManyKeyUpdates:
      return TlsCounter::kTooManyKeyUpdates;
    case TlsError::kNoTls13:
      return TlsCounter::kNoTls13;
    case TlsError::kNoCommonSuite:
      return TlsCounter::kNoCommonSuite;
    case TlsError::kNoCommonGroup:
      return TlsCounter::kNoCommonGroup;
    case TlsError::kNoCommonSignatureScheme:
      return TlsCounter::kNoCommonSignatureScheme;
    case TlsError::kNoApplicationProtocol:
      return TlsCounter::kNoApplicationProtocol;
    case TlsError::kUnrecognizedName:
      return TlsCounter::kUnrecognizedName;
    case TlsError::kNoCertificate:
      return TlsCounter::kNoCertificate;
    case TlsError::kPeerAlert:
      return TlsCounter::kPeerErrors;
    case TlsError::kTooManyWarnings:
      return TlsCounter::kTooManyWarnings;
    case TlsError::kPeerClosedEarly:
      return TlsCounter::kPeerClosedEarly;
    case TlsError::kHandshakesExhausted:
      return TlsCounter::kHandshakesExhausted;
    case TlsError::kOutputFull:
      return TlsCounter::kOutputFull;
    case TlsError::kJobFailed:
      return TlsCounter::kJobFailed;
    case TlsError::kInternal:
      return TlsCounter::kInternal;
    case TlsError::kLocalAlert:
      return TlsCounter::kLocalAlert;
    case TlsError::kAlreadyFailed:
      return std::nullopt;
  }
  return TlsCounter::kInternal;
}

}  // namespace sluice::tls
