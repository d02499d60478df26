// See second_hello.hpp.
#include "tls/server/second_hello.hpp"

#include <array>

#include "tls/codec/extension.hpp"
#include "tls/server/negotiation.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

namespace {

// Every field with its length, so that bytes cannot move from one into the next.
class FieldHash {
 public:
  void number(std::uint32_t value) {
    std::array<std::byte, sizeof(value)> bytes;
    base::store_be(bytes.data(), value);
    hash_.update(bytes);
  }
  void field(Bytes bytes) {
    number(static_cast<std::uint32_t>(bytes.size()));
    hash_.update(bytes);
  }
  [[nodiscard]] Digest digest() const { return hash_.current(); }

 private:
  RunningHash hash_{HashAlgorithm::sha256};
};

}  // namespace

Digest unchanging_part(const ClientHello& hello) {
  FieldHash hash;
  hash.number(static_cast<std::uint32_t>(hello.legacy_version));
  hash.field(hello.random);
  hash.field(hello.legacy_session_id);
  hash.field(hello.cipher_suites.bytes());
  hash.field(hello.legacy_compression_methods);
  // In the table's order, whatever order they were sent in.
  for (const ExtensionRule& rule : kExtensionRules) {
    if (rule.may_change_after_retry) continue;
    base::Reader block(hello.extensions);
    while (!block.empty()) {
      const auto type = static_cast<ExtensionType>(block.u16());
      const Bytes body = block.vector<base::U16>();
      if (type != rule.type) continue;
      hash.number(static_cast<std::uint32_t>(type));
      hash.field(body);
    }
  }
  return hash.digest();
}

Result<Bytes, TlsError> check_second_hello(const ClientHello& second, const Digest& first,
                                           NamedGroup group) {
  // RFC 8446 4.1.2: early_data MUST be gone.
  if (second.early_data || !base::equal(unchanging_part(second).view(), first.view())) {
    return Unexpected{TlsError::kSecondHelloDiffers};
  }
  if (!second.key_shares) return Unexpected{TlsError::kMissingExtension};
  TRY_ASSIGN(const std::optional<Bytes> share, find_share(second, group));
  // RFC 8446 4.1.2: key_share holds a single entry, of the group that was asked for.
  KeyShareList shares = *second.key_shares;
  (void)shares.next();
  if (!share || shares.next()) return Unexpected{TlsError::kIllegalKeyShare};
  return *share;
}

}  // namespace sluice::tls
