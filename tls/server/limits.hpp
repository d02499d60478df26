// What a client may make the engine hold, skip or repeat. Beyond a bound the connection ends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tls/codec/certificate.hpp"

namespace sluice::tls {

// The longest handshake message, without its header. Clients of today send 0.3 to 2 KB; the room
// above that is for post-quantum shares and offers of several tickets with certificates in them.
inline constexpr std::size_t kMaxHandshakeBody = std::size_t{16} * 1024;

// Our own longest flight: EncryptedExtensions, of 49 bytes at most, and the Certificate message.
inline constexpr std::size_t kMaxFlight = 64 + kMaxCertificateMessage;

// change_cipher_spec records. RFC 8446 D.4 lets a client send one before its second flight; twice
// that covers who repeats it after a HelloRetryRequest.
inline constexpr std::uint8_t kMaxChangeCipherSpecs = 4;

// Refused early data, as far as it is payload (RFC 8446 4.2.10). Twice the 16 KB that is most
// servers' limit, since the ticket may be another server's.
inline constexpr std::size_t kMaxSkippedEarlyData = std::size_t{32} * 1024;
// Its records, however little is in them: each costs a trial decryption.
inline constexpr std::uint16_t kMaxSkippedEarlyRecords = 1024;

// In a row, without application data between them.
inline constexpr std::uint8_t kMaxKeyUpdates = 32;
inline constexpr std::uint8_t kMaxEmptyRecords = 32;

// user_canceled alerts, which announce a close that should then follow.
inline constexpr std::uint8_t kMaxWarnings = 4;

// Protocols of a client's ALPN offer that the policy source is shown.
inline constexpr std::size_t kMaxProtocolsShown = 64;

}  // namespace sluice::tls
