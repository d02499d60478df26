// The key_share extension (RFC 8446 section 4.2.8) in its three forms.
#pragma once

#include <cstddef>
#include <optional>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

struct KeyShareEntry {
  NamedGroup group{};
  base::Bytes key_exchange;
};

// How long a group's share is (RFC 8446 4.2.8.2, RFC 7748); 0 for a group that we do not speak.
[[nodiscard]] constexpr std::size_t share_size(NamedGroup group) {
  switch (group) {
    case NamedGroup::x25519:
      return 32;
    case NamedGroup::secp256r1:
      return 65;
    case NamedGroup::secp384r1:
      break;
  }
  return 0;
}

// The client's shares, which may be none (it then asks for a HelloRetryRequest); checked, as a
// view.
class KeyShareList {
 public:
  KeyShareList() : rest_(base::Bytes{}) {}
  static base::Result<KeyShareList, TlsError> parse(base::Bytes body);

  // The next entry, none at the end. Copy the list to walk it again.
  [[nodiscard]] std::optional<KeyShareEntry> next();

 private:
  explicit KeyShareList(base::Bytes entries) : rest_(entries) {}
  base::Reader rest_;
};

void write_key_share_entry(base::Writer& writer, const KeyShareEntry& entry);
[[nodiscard]] KeyShareEntry read_key_share_entry(base::Reader& reader);

}  // namespace sluice::tls
