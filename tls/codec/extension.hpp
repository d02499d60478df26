// Extensions (RFC 8446 section 4.2): the one table of those we know, with the messages each may
// stand in, and the block that they form at the end of a message.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// The messages of RFC 8446 4.2's table, by its abbreviations.
enum class ExtensionPlace : std::uint8_t {
  CH = 1 << 0,   // ClientHello
  SH = 1 << 1,   // ServerHello
  HRR = 1 << 2,  // HelloRetryRequest
  EE = 1 << 3,   // EncryptedExtensions
  CT = 1 << 4,   // Certificate
  CR = 1 << 5,   // CertificateRequest
  NST = 1 << 6,  // NewSessionTicket
};

struct ExtensionRule {
  ExtensionType type;
  std::uint8_t places;
  // RFC 8446 4.1.2: may differ between a ClientHello and the one after a HelloRetryRequest.
  bool may_change_after_retry = false;

  [[nodiscard]] constexpr bool allows(ExtensionPlace place) const {
    return (places & static_cast<std::uint8_t>(place)) != 0;
  }
};

namespace detail {
template <typename... Places>
constexpr std::uint8_t in(Places... places) {
  return static_cast<std::uint8_t>((0 | ... | static_cast<int>(places)));
}
}  // namespace detail

// RFC 8446 section 4.2, RFC 8449 for record_size_limit. To teach the engine another extension, give
// it a line here and parse it in the messages that it may stand in.
inline constexpr auto kExtensionRules = [] {
  using enum ExtensionPlace;
  using enum ExtensionType;
  using detail::in;
  return std::to_array<ExtensionRule>({
      {server_name, in(CH, EE)},
      {max_fragment_length, in(CH, EE)},
      {status_request, in(CH, CR, CT)},
      {supported_groups, in(CH, EE)},
      {signature_algorithms, in(CH, CR)},
      {application_layer_protocol_negotiation, in(CH, EE)},
      {signed_certificate_timestamp, in(CH, CR, CT)},
      {padding, in(CH), true},
      {record_size_limit, in(CH, EE)},
      {pre_shared_key, in(CH, SH), true},
      {early_data, in(CH, EE, NST), true},
      {supported_versions, in(CH, SH, HRR)},
      {cookie, in(CH, HRR), true},
      {psk_key_exchange_modes, in(CH)},
      {certificate_authorities, in(CH, CR)},
      {oid_filters, in(CR)},
      {post_handshake_auth, in(CH)},
      {signature_algorithms_cert, in(CH, CR)},
      {key_share, in(CH, SH, HRR), true},
  });
}();

// The rule of a known extension; null for any other.
[[nodiscard]] constexpr const ExtensionRule* rule_of(ExtensionType type) {
  for (const ExtensionRule& rule : kExtensionRules) {
    if (rule.type == type) return &rule;
  }
  return nullptr;
}

// One extension as it lies in its message.
struct Extension {
  ExtensionType type{};
  base::Bytes body;
  bool last = false;
};

// Reads the extensions of one message in order. Refuses what RFC 8446 4.2 refuses in every message:
// a known extension out of place, and two of one type.
class ExtensionReader {
 public:
  ExtensionReader(ExtensionPlace place, base::Bytes block) : place_(place), rest_(block) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  // Precondition: !empty().
  [[nodiscard]] base::Result<Extension, TlsError> next();

 private:
  ExtensionPlace place_;
  base::Reader rest_;
  std::bitset<1 << 16> seen_;
};

template <typename Body>
void write_extension(base::Writer& writer, ExtensionType type, Body&& body) {
  writer.u16(static_cast<std::uint16_t>(type));
  writer.sub<base::U16>(std::forward<Body>(body));
}

}  // namespace sluice::tls
