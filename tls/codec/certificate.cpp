// See certificate.hpp.
#include "tls/codec/certificate.hpp"

#include "tls/codec/extension.hpp"
#include "tls/codec/handshake.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Reader;
using base::Result;
using base::U16;
using base::U24;
using base::U8;
using base::Unexpected;
using base::Writer;

Result<CertificateChain, TlsError> CertificateChain::parse(Bytes body) {
  Reader reader(body);
  const Bytes context = reader.vector<U8>();
  const Bytes entries = reader.vector<U24>();
  Reader walk(entries);
  while (!walk.empty()) {
    if (walk.vector<U24>().empty()) walk.fail();  // opaque cert_data<1..2^24-1>
    ExtensionReader extensions(ExtensionPlace::CT, walk.vector<U16>());
    while (!extensions.empty()) TRY(extensions.next());
  }
  if (!walk.ok() || !reader.finished()) return Unexpected{TlsError::kMalformedHandshake};
  return CertificateChain(context, entries);
}

std::optional<Bytes> CertificateChain::next() {
  if (rest_.empty()) return std::nullopt;
  const Bytes certificate = rest_.vector<U24>();
  (void)rest_.vector<U16>();
  return certificate;
}

void write_certificate(Writer& writer, std::span<const std::vector<std::byte>> chain) {
  write_handshake(writer, HandshakeType::certificate, [&] {
    writer.sub<U8>([] {});
    writer.sub<U24>([&] {
      for (const std::vector<std::byte>& certificate : chain) {
        writer.sub<U24>([&] { writer.bytes(certificate); });
        writer.sub<U16>([] {});
      }
    });
  });
}

std::size_t certificate_message_size(std::span<const std::vector<std::byte>> chain) {
  constexpr std::size_t kContextAndListSize = 1 + 3;
  constexpr std::size_t kEntrySize = 3 + 2;  // without the certificate: its length, no extensions
  std::size_t size = kHandshakeHeaderSize + kContextAndListSize;
  for (const std::vector<std::byte>& certificate : chain) size += kEntrySize + certificate.size();
  return size;
}

}  // namespace sluice::tls
