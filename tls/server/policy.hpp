// What a route decides about a handshake, and how the engine asks for it: the per-ClientHello hook.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/crypto/certified_key.hpp"

namespace sluice::tls {

// The longest protocol name that is negotiated; those of the IANA registry have up to 18 bytes.
inline constexpr std::size_t kMaxAlpnSize = 32;

struct ServerPolicy {
  // Tried in order: the first one the client's signature algorithms allow, and whose names match
  // the server name where one of them does.
  std::vector<std::shared_ptr<const CertifiedKey>> certificates;
  // In our order of preference; empty: ALPN is not negotiated. A name longer than kMaxAlpnSize is
  // never chosen.
  std::vector<std::string> alpn;
  std::vector<CipherSuite> suites = {CipherSuite::TLS_AES_128_GCM_SHA256,
                                     CipherSuite::TLS_AES_256_GCM_SHA384,
                                     CipherSuite::TLS_CHACHA20_POLY1305_SHA256};
  std::vector<NamedGroup> groups = {NamedGroup::x25519, NamedGroup::secp256r1};
};

// Everything a ClientHello says, as views into it: valid during the call of the hook only.
struct ClientHelloFacts {
  std::optional<std::string_view> server_name;  // a legal host name, in lower case
  std::vector<std::string_view> alpn;           // in the client's order, the first 64
  base::SocketAddress peer;
  std::uint32_t listener = 0;  // the caller's own name for where the connection came in
};

enum class RouteRefusal : std::uint8_t { kUnrecognizedName, kNoCertificate };

class PolicySource {
 public:
  virtual ~PolicySource() = default;
  // The policy outlives the handshake, whatever is reloaded meanwhile.
  struct Choice {
    std::shared_ptr<const ServerPolicy> policy;
    std::uint32_t route = 0;  // the caller's own name for it; ServerConnection::route() returns it
  };
  [[nodiscard]] virtual base::Result<Choice, RouteRefusal> choose(
      const ClientHelloFacts& hello) const = 0;
};

}  // namespace sluice::tls
