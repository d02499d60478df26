// See client_hello.hpp.
#include "tls/codec/client_hello.hpp"

#include "tls/codec/extension.hpp"
#include "tls/codec/handshake.hpp"
#include "tls/codec/pre_shared_key.hpp"
#include "tls/codec/server_name.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Reader;
using base::Result;
using base::U16;
using base::U8;
using base::Unexpected;
using base::Writer;

Result<ClientHello, TlsError> ClientHello::parse(Bytes body) {
  Reader reader(body);
  ClientHello hello;
  hello.legacy_version = static_cast<ProtocolVersion>(reader.u16());
  hello.random = reader.bytes(kRandomSize);
  hello.legacy_session_id = reader.vector<U8>();
  hello.cipher_suites = read_list<CipherSuite, U16>(reader);
  hello.legacy_compression_methods = reader.vector<U8>();
  // RFC 8446 4.1.2: before TLS 1.3 the message could end here, without extensions.
  if (!reader.empty()) hello.extensions = reader.vector<U16>();
  if (!reader.finished() || hello.legacy_session_id.size() > kMaxSessionId ||
      hello.legacy_compression_methods.empty()) {
    return Unexpected{TlsError::kMalformedHandshake};
  }

  ExtensionReader extensions(ExtensionPlace::CH, hello.extensions);
  while (!extensions.empty()) {
    TRY_ASSIGN(const Extension extension, extensions.next());
    TRY(hello.parse_extension(extension.type, extension.body, extension.last));
  }
  return hello;
}

Result<void, TlsError> ClientHello::parse_extension(ExtensionType type, Bytes body, bool last) {
  Reader reader(body);
  switch (type) {
    case ExtensionType::supported_versions:
      supported_versions = read_list<ProtocolVersion, U8>(reader);
      break;
    case ExtensionType::server_name: {
      TRY_ASSIGN(server_name, parse_server_name(reader.rest()));
      has_server_name = true;
      break;
    }
    case ExtensionType::supported_groups:
      supported_groups = read_list<NamedGroup, U16>(reader);
      break;
    case ExtensionType::signature_algorithms:
      signature_algorithms = read_list<SignatureScheme, U16>(reader);
      break;
    case ExtensionType::key_share: {
      TRY_ASSIGN(key_shares, KeyShareList::parse(reader.rest()));
      break;
    }
    case ExtensionType::application_layer_protocol_negotiation: {
      TRY_ASSIGN(alpn, ProtocolNameList::parse(reader.rest()));
      break;
    }
    case ExtensionType::psk_key_exchange_modes:
      psk_key_exchange_modes = reader.vector<U8>();
      if (psk_key_exchange_modes->empty()) reader.fail();
      break;
    case ExtensionType::early_data:
      early_data = true;  // and nothing in it
      break;
    case ExtensionType::pre_shared_key:
      // RFC 8446 4.2.11: it MUST be the last extension; otherwise illegal_parameter.
      if (!last) return Unexpected{TlsError::kPskNotLast};
      TRY(check_offered_psks(reader.rest()));
      pre_shared_key = true;
      break;
    default:
      return {};  // RFC 8446 4.1.2: servers MUST ignore unrecognized extensions
  }
  if (!reader.finished()) return Unexpected{TlsError::kMalformedExtension};
  return {};
}

namespace {

void write_key_shares(Writer& writer, std::span<const KeyShareEntry> shares) {
  writer.sub<U16>([&] {
    for (const KeyShareEntry& share : shares) write_key_share_entry(writer, share);
  });
}

void write_extensions(Writer& writer, const ClientHelloFields& fields) {
  if (!fields.server_name.empty()) {
    write_extension(writer, ExtensionType::server_name,
                    [&] { write_server_name(writer, fields.server_name); });
  }
  if (!fields.supported_versions.empty()) {
    write_extension(writer, ExtensionType::supported_versions,
                    [&] { write_list<U8>(writer, fields.supported_versions); });
  }
  if (!fields.supported_groups.empty()) {
    write_extension(writer, ExtensionType::supported_groups,
                    [&] { write_list<U16>(writer, fields.supported_groups); });
  }
  if (!fields.signature_algorithms.empty()) {
    write_extension(writer, ExtensionType::signature_algorithms,
                    [&] { write_list<U16>(writer, fields.signature_algorithms); });
  }
  if (fields.key_shares) {
    write_extension(writer, ExtensionType::key_share,
                    [&] { write_key_shares(writer, *fields.key_shares); });
  }
  if (!fields.alpn.empty()) {
    write_extension(writer, ExtensionType::application_layer_protocol_negotiation,
                    [&] { write_protocol_names(writer, fields.alpn); });
  }
  if (fields.early_data) write_extension(writer, ExtensionType::early_data, [] {});
  writer.bytes(fields.more_extensions);
}

}  // namespace

void write_client_hello(Writer& writer, const ClientHelloFields& fields) {
  write_handshake(writer, HandshakeType::client_hello, [&] {
    writer.u16(static_cast<std::uint16_t>(fields.legacy_version));
    writer.bytes(fields.random);
    writer.sub<U8>([&] { writer.bytes(fields.legacy_session_id); });
    write_list<U16>(writer, fields.cipher_suites);
    writer.sub<U8>([&] { writer.u8(0); });
    writer.sub<U16>([&] { write_extensions(writer, fields); });
  });
}

}  // namespace sluice::tls
