// EncryptedExtensions (RFC 8446 section 4.3.1).
#pragma once

#include <optional>
#include <string_view>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

struct EncryptedExtensions {
  std::optional<std::string_view> alpn;  // the one protocol chosen
  bool server_name = false;              // RFC 6066 3: the name was used
  bool early_data = false;

  static base::Result<EncryptedExtensions, TlsError> parse(base::Bytes body);
};

// The whole message, header included.
void write_encrypted_extensions(base::Writer& writer, const EncryptedExtensions& extensions);

}  // namespace sluice::tls
