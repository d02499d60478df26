// CertificateVerify (RFC 8446 section 4.4.3) and what is signed in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

struct CertificateVerify {
  SignatureScheme algorithm{};
  base::Bytes signature;

  // A view into the body.
  static base::Result<CertificateVerify, TlsError> parse(base::Bytes body);
};

// The whole message, header included.
void write_certificate_verify(base::Writer& writer, const CertificateVerify& message);

enum class Side : std::uint8_t { client, server };

// RFC 8446 4.4.3: 64 spaces, the signer's context string, a zero, the transcript's hash.
void write_signed_content(base::Writer& writer, Side signer, base::Bytes transcript_hash);

}  // namespace sluice::tls
