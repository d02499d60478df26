// See encrypted_extensions.hpp.
#include "tls/codec/encrypted_extensions.hpp"

#include <span>

#include "tls/codec/alpn.hpp"
#include "tls/codec/extension.hpp"
#include "tls/codec/handshake.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Reader;
using base::Result;
using base::U16;
using base::Unexpected;
using base::Writer;

namespace {

Result<void, TlsError> parse_extension(const Extension& extension, EncryptedExtensions& into) {
  switch (extension.type) {
    case ExtensionType::application_layer_protocol_negotiation: {
      TRY_ASSIGN(ProtocolNameList names, ProtocolNameList::parse(extension.body));
      into.alpn = names.next();
      // RFC 7301 3.1: exactly one ProtocolName.
      if (names.next()) return Unexpected{TlsError::kMalformedExtension};
      return {};
    }
    case ExtensionType::server_name:
      into.server_name = true;
      break;
    case ExtensionType::early_data:
      into.early_data = true;
      break;
    default:
      return {};
  }
  if (!extension.body.empty()) return Unexpected{TlsError::kMalformedExtension};
  return {};
}

}  // namespace

Result<EncryptedExtensions, TlsError> EncryptedExtensions::parse(Bytes body) {
  Reader reader(body);
  const Bytes block = reader.vector<U16>();
  if (!reader.finished()) return Unexpected{TlsError::kMalformedHandshake};
  EncryptedExtensions parsed;
  ExtensionReader walk(ExtensionPlace::EE, block);
  while (!walk.empty()) {
    TRY_ASSIGN(const Extension extension, walk.next());
    TRY(parse_extension(extension, parsed));
  }
  return parsed;
}

void write_encrypted_extensions(Writer& writer, const EncryptedExtensions& extensions) {
  write_handshake(writer, HandshakeType::encrypted_extensions, [&] {
    writer.sub<U16>([&] {
      if (extensions.server_name) write_extension(writer, ExtensionType::server_name, [] {});
      if (extensions.alpn) {
        write_extension(writer, ExtensionType::application_layer_protocol_negotiation, [&] {
          write_protocol_names(writer, std::span<const std::string_view>(&*extensions.alpn, 1));
        });
      }
      if (extensions.early_data) write_extension(writer, ExtensionType::early_data, [] {});
    });
  });
}

}  // namespace sluice::tls
