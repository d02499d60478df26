// See certificate_verify.hpp.
#include "tls/codec/certificate_verify.hpp"

#include <algorithm>
#include <string_view>

#include "tls/codec/handshake.hpp"

namespace sluice::tls {

base::Result<CertificateVerify, TlsError> CertificateVerify::parse(base::Bytes body) {
  base::Reader reader(body);
  CertificateVerify message;
  message.algorithm = static_cast<SignatureScheme>(reader.u16());
  message.signature = reader.vector<base::U16>();
  if (!reader.finished()) return base::Unexpected{TlsError::kMalformedHandshake};
  return message;
}

void write_certificate_verify(base::Writer& writer, const CertificateVerify& message) {
  write_handshake(writer, HandshakeType::certificate_verify, [&] {
    writer.u16(static_cast<std::uint16_t>(message.algorithm));
    writer.sub<base::U16>([&] { writer.bytes(message.signature); });
  });
}

void write_signed_content(base::Writer& writer, Side signer, base::Bytes transcript_hash) {
  constexpr std::size_t kPadding = 64;
  const std::string_view context = signer == Side::server ? "TLS 1.3, server CertificateVerify"
                                                          : "TLS 1.3, client CertificateVerify";
  const base::MutableBytes padding = writer.space(kPadding);
  std::fill(padding.begin(), padding.end(), std::byte{0x20});
  writer.bytes(base::bytes_of(context));
  writer.u8(0);
  writer.bytes(transcript_hash);
}

}  // namespace sluice::tls
