// See server_hello.hpp.
#include "tls/codec/server_hello.hpp"

#include <array>
#include <span>

#include "tls/codec/client_hello.hpp"
#include "tls/codec/extension.hpp"
#include "tls/codec/handshake.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Reader;
using base::Result;
using base::U16;
using base::U8;
using base::Unexpected;
using base::Writer;

Bytes hello_retry_random() {
  static constexpr std::array<std::uint8_t, kRandomSize> kRandom = {
      0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
      0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
      0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
  return std::as_bytes(std::span(kRandom));
}

bool ServerHello::is_hello_retry_request() const {
  return base::equal(random, hello_retry_random());
}

namespace {

Result<void, TlsError> parse_extension(const Extension& extension, ServerHello& hello) {
  Reader reader(extension.body);
  switch (extension.type) {
    case ExtensionType::supported_versions:
      hello.selected_version = static_cast<ProtocolVersion>(reader.u16());
      break;
    case ExtensionType::key_share:
      if (hello.is_hello_retry_request()) {
        hello.selected_group = static_cast<NamedGroup>(reader.u16());
      } else {
        hello.key_share = read_key_share_entry(reader);
      }
      break;
    case ExtensionType::cookie:
      hello.cookie = reader.vector<U16>();
      if (hello.cookie->empty()) reader.fail();
      break;
    case ExtensionType::pre_shared_key:
      hello.selected_psk = reader.u16();
      break;
    default:
      return {};
  }
  if (!reader.finished()) return Unexpected{TlsError::kMalformedExtension};
  return {};
}

}  // namespace

Result<ServerHello, TlsError> ServerHello::parse(Bytes body) {
  Reader reader(body);
  ServerHello hello;
  const auto legacy_version = static_cast<ProtocolVersion>(reader.u16());
  hello.random = reader.bytes(kRandomSize);
  hello.legacy_session_id_echo = reader.vector<U8>();
  hello.cipher_suite = static_cast<CipherSuite>(reader.u16());
  const std::uint8_t legacy_compression_method = reader.u8();
  const Bytes extensions = reader.vector<U16>();
  if (!reader.finished() || hello.legacy_session_id_echo.size() > kMaxSessionId) {
    return Unexpected{TlsError::kMalformedHandshake};
  }
  if (legacy_version != ProtocolVersion::tls12) return Unexpected{TlsError::kNoTls13};
  if (legacy_compression_method != 0) return Unexpected{TlsError::kBadCompression};

  const auto place = hello.is_hello_retry_request() ? ExtensionPlace::HRR : ExtensionPlace::SH;
  ExtensionReader walk(place, extensions);
  while (!walk.empty()) {
    TRY_ASSIGN(const Extension extension, walk.next());
    TRY(parse_extension(extension, hello));
  }
  return hello;
}

void write_server_hello(Writer& writer, const ServerHello& hello) {
  write_handshake(writer, HandshakeType::server_hello, [&] {
    writer.u16(static_cast<std::uint16_t>(ProtocolVersion::tls12));
    writer.bytes(hello.random);
    writer.sub<U8>([&] { writer.bytes(hello.legacy_session_id_echo); });
    writer.u16(static_cast<std::uint16_t>(hello.cipher_suite));
    writer.u8(0);
    writer.sub<U16>([&] {
      if (hello.selected_version) {
        write_extension(writer, ExtensionType::supported_versions,
                        [&] { writer.u16(static_cast<std::uint16_t>(*hello.selected_version)); });
      }
      if (hello.key_share) {
        write_extension(writer, ExtensionType::key_share,
                        [&] { write_key_share_entry(writer, *hello.key_share); });
      }
      if (hello.selected_group) {
        write_extension(writer, ExtensionType::key_share,
                        [&] { writer.u16(static_cast<std::uint16_t>(*hello.selected_group)); });
      }
      if (hello.cookie) {
        write_extension(writer, ExtensionType::cookie,
                        [&] { writer.sub<U16>([&] { writer.bytes(*hello.cookie); }); });
      }
      if (hello.selected_psk) {
        write_extension(writer, ExtensionType::pre_shared_key,
                        [&] { writer.u16(*hello.selected_psk); });
      }
    });
  });
}

}  // namespace sluice::tls
