// ClientHello (RFC 8446 section 4.1.2) and the extensions in it that we read.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/alpn.hpp"
#include "tls/codec/key_share.hpp"
#include "tls/codec/list.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

inline constexpr std::size_t kRandomSize = 32;
inline constexpr std::size_t kMaxSessionId = 32;

// Views into the message. What is absent from it is absent here; what it means is not judged here.
struct ClientHello {
  ProtocolVersion legacy_version{};
  base::Bytes random;
  base::Bytes legacy_session_id;
  CodePointList<CipherSuite> cipher_suites;
  base::Bytes legacy_compression_methods;
  base::Bytes extensions;  // the whole block

  std::optional<CodePointList<ProtocolVersion>> supported_versions;
  bool has_server_name = false;                 // the extension was there ...
  std::optional<std::string_view> server_name;  // ... and held a host name, as sent
  std::optional<CodePointList<NamedGroup>> supported_groups;
  std::optional<CodePointList<SignatureScheme>> signature_algorithms;
  std::optional<KeyShareList> key_shares;
  std::optional<ProtocolNameList> alpn;
  std::optional<base::Bytes> psk_key_exchange_modes;
  bool early_data = false;
  bool pre_shared_key = false;

  // Takes the body, without the handshake header. A hello of an older TLS parses too.
  static base::Result<ClientHello, TlsError> parse(base::Bytes body);

 private:
  base::Result<void, TlsError> parse_extension(ExtensionType type, base::Bytes body, bool last);
};

// What a client writes: the plain fields of a TLS 1.3 hello. Empty spans leave their extension out.
struct ClientHelloFields {
  ProtocolVersion legacy_version = ProtocolVersion::tls12;
  base::Bytes random;
  base::Bytes legacy_session_id;
  std::span<const CipherSuite> cipher_suites;
  std::span<const ProtocolVersion> supported_versions;
  std::string_view server_name;
  std::span<const NamedGroup> supported_groups;
  std::span<const SignatureScheme> signature_algorithms;
  std::optional<std::span<const KeyShareEntry>> key_shares;
  std::span<const std::string_view> alpn;
  bool early_data = false;
  base::Bytes more_extensions;  // already serialised; they come last
};
// The whole message, header included.
void write_client_hello(base::Writer& writer, const ClientHelloFields& fields);

}  // namespace sluice::tls
