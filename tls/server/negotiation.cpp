// See negotiation.hpp.
#include "tls/server/negotiation.hpp"

#include <algorithm>
#include <utility>

#include "tls/codec/server_name.hpp"
#include "tls/crypto/signer.hpp"
#include "tls/server/context.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

namespace {

constexpr auto kSsl30 = static_cast<ProtocolVersion>(0x0300);

TlsCounter counter_of(CipherSuite suite) {
  switch (suite) {
    case CipherSuite::TLS_AES_128_GCM_SHA256:
      return TlsCounter::kSuiteAes128Gcm;
    case CipherSuite::TLS_AES_256_GCM_SHA384:
      return TlsCounter::kSuiteAes256Gcm;
    case CipherSuite::TLS_CHACHA20_POLY1305_SHA256:
      break;
  }
  return TlsCounter::kSuiteChaCha20Poly1305;
}

class Negotiation {
 public:
  Negotiation(const ClientHello& hello, HandshakeLink& link)
      : hello_(hello), link_(link), parts_(link.parts) {
    if (hello.server_name) lower_case_.emplace(*hello.server_name);
  }

  Result<NegotiationResult, TlsError> run() {
    TRY(check_version());
    TRY(check_legacy_fields());
    TRY(check_required_extensions());
    TRY(check_resumption());
    TRY(choose_route());
    TRY(choose_suite());
    TRY(choose_protocol());
    TRY(choose_certificate());
    TRY(choose_group());
    return std::move(result_);
  }

 private:
  using Checked = Result<void, TlsError>;

  Checked check_version();
  Checked check_legacy_fields();
  Checked check_required_extensions();
  Checked check_resumption();
  Checked choose_route();
  Checked choose_suite();
  Checked choose_protocol();
  Checked choose_certificate();
  Checked choose_group();

  [[nodiscard]] std::optional<std::string_view> server_name() const {
    return lower_case_ ? std::optional(lower_case_->view()) : std::nullopt;
  }
  [[nodiscard]] TlsError error_of(RouteRefusal refusal) const;
  [[nodiscard]] std::optional<SignatureScheme> scheme_for(const CertifiedKey& certificate) const;

  const ClientHello& hello_;
  HandshakeLink& link_;
  ServerContext::Parts& parts_;
  std::optional<LowerCaseName> lower_case_;
  std::shared_ptr<const ServerPolicy> policy_;
  NegotiationResult result_;
};

Result<void, TlsError> Negotiation::check_version() {
  // RFC 8446 4.2.1: with supported_versions, only it decides; without, the client has at most 1.2.
  if (!hello_.supported_versions || !hello_.supported_versions->contains(ProtocolVersion::tls13)) {
    return Unexpected{TlsError::kNoTls13};
  }
  // RFC 8446 D.5: legacy_version 0x0300 MUST be refused with protocol_version.
  if (hello_.legacy_version == kSsl30) return Unexpected{TlsError::kSsl30};
  return {};
}

Result<void, TlsError> Negotiation::check_legacy_fields() {
  // RFC 8446 4.1.2: exactly one byte, set to zero, else illegal_parameter.
  const Bytes methods = hello_.legacy_compression_methods;
  if (methods.size() != 1 || methods[0] != std::byte{0}) {
    return Unexpected{TlsError::kBadCompression};
  }
  Negotiated& choice = result_.choice;
  base::copy(choice.session_id, hello_.legacy_session_id);
  choice.session_id_size = static_cast<std::uint8_t>(hello_.legacy_session_id.size());
  return {};
}

Result<void, TlsError> Negotiation::check_required_extensions() {
  // RFC 8446 9.2: without a PSK that is accepted (none is), signature_algorithms, supported_groups
  // and key_share MUST be there, else missing_extension.
  if (!hello_.signature_algorithms || !hello_.supported_groups || !hello_.key_shares) {
    return Unexpected{TlsError::kMissingExtension};
  }
  return {};
}

Result<void, TlsError> Negotiation::check_resumption() {
  if (hello_.pre_shared_key) {
    // RFC 8446 4.2.9: pre_shared_key without psk_key_exchange_modes MUST end the handshake.
    if (!hello_.psk_key_exchange_modes) return Unexpected{TlsError::kMissingPskModes};
    parts_.counters.add(TlsCounter::kPskOffersIgnored);
  }
  if (hello_.early_data) {
    result_.choice.early_data_offered = true;
    parts_.counters.add(TlsCounter::kEarlyDataRefused);
  }
  return {};
}

Result<void, TlsError> Negotiation::choose_route() {
  ClientHelloFacts& facts = parts_.facts;
  facts.server_name = server_name();
  facts.peer = link_.client.peer;
  facts.listener = link_.client.listener;
  facts.alpn.clear();
  if (hello_.alpn) {
    ProtocolNameList offered = *hello_.alpn;
    while (facts.alpn.size() < kMaxProtocolsShown) {
      const auto name = offered.next();
      if (!name) break;
      facts.alpn.push_back(*name);
    }
  }

  auto chosen = parts_.policies.choose(facts);
  if (!chosen) return Unexpected{error_of(chosen.error())};
  policy_ = std::move(chosen->policy);
  link_.session.route = chosen->route;
  return {};
}

TlsError Negotiation::error_of(RouteRefusal refusal) const {
  if (refusal == RouteRefusal::kNoCertificate) return TlsError::kNoCertificate;
  // RFC 8446 9.2: a server that needs a server_name SHOULD refuse who sends none with
  // missing_extension.
  return hello_.has_server_name ? TlsError::kUnrecognizedName : TlsError::kMissingExtension;
}

Result<void, TlsError> Negotiation::choose_suite() {
  for (const CipherSuite suite : policy_->suites) {
    if (!hello_.cipher_suites.contains(suite)) continue;
    result_.choice.suite = suite;
    parts_.counters.add(counter_of(suite));
    return {};
  }
  return Unexpected{TlsError::kNoCommonSuite};
}

Result<void, TlsError> Negotiation::choose_protocol() {
  if (policy_->alpn.empty() || !hello_.alpn) return {};
  for (const std::string& name : policy_->alpn) {
    if (name.size() > kMaxAlpnSize || !hello_.alpn->contains(name)) continue;
    link_.session.set_alpn(name);
    return {};
  }
  // RFC 7301 3.2: no protocol in common SHALL be answered with no_application_protocol.
  return Unexpected{TlsError::kNoApplicationProtocol};
}

// The first of the key's schemes that the client takes. RFC 8446 4.4.3: RSASSA-PKCS1-v1_5 is never
// among a key's schemes.
std::optional<SignatureScheme> Negotiation::scheme_for(const CertifiedKey& certificate) const {
  for (const SignatureScheme scheme : certificate.key().schemes()) {
    if (hello_.signature_algorithms->contains(scheme)) return scheme;
  }
  return std::nullopt;
}

Result<void, TlsError> Negotiation::choose_certificate() {
  if (policy_->certificates.empty()) return Unexpected{TlsError::kNoCertificate};
  const std::shared_ptr<const CertifiedKey>* usable = nullptr;
  const auto name = server_name();
  bool covers = false;
  for (const auto& certificate : policy_->certificates) {
    if (!scheme_for(*certificate)) continue;
    covers = name && certificate->covers(*name);
    if (usable == nullptr || covers) usable = &certificate;
    if (covers || !name) break;
  }
  if (usable == nullptr) return Unexpected{TlsError::kNoCommonSignatureScheme};

  Negotiated& choice = result_.choice;
  choice.certificate = *usable;
  choice.scheme = *scheme_for(**usable);
  choice.server_name_used = covers;
  return {};
}

Result<void, TlsError> Negotiation::choose_group() {
  const auto common = [&](NamedGroup group) {
    return share_size(group) != 0 && hello_.supported_groups->contains(group);
  };
  // A group for which there is a share saves a round trip, so it goes before a better liked one.
  for (const NamedGroup group : policy_->groups) {
    if (share_size(group) == 0) continue;
    TRY_ASSIGN(result_.peer_share, find_share(hello_, group));
    if (!result_.peer_share) continue;
    // RFC 8446 4.2.8: shares for groups that supported_groups does not list MUST NOT be offered.
    if (!common(group)) return Unexpected{TlsError::kIllegalKeyShare};
    result_.choice.group = group;
    return {};
  }
  const auto asked = std::find_if(policy_->groups.begin(), policy_->groups.end(), common);
  if (asked == policy_->groups.end()) return Unexpected{TlsError::kNoCommonGroup};
  result_.choice.group = *asked;
  return {};
}

}  // namespace

Result<NegotiationResult, TlsError> negotiate(const ClientHello& hello, HandshakeLink& link) {
  return Negotiation(hello, link).run();
}

Result<std::optional<Bytes>, TlsError> find_share(const ClientHello& hello, NamedGroup group) {
  KeyShareList shares = *hello.key_shares;
  std::optional<Bytes> found;
  while (const auto share = shares.next()) {
    if (share->group != group) continue;
    // RFC 8446 4.2.8: more than one share of a group MUST NOT be offered.
    if (found || share->key_exchange.size() != share_size(group)) {
      return Unexpected{TlsError::kIllegalKeyShare};
    }
    found = share->key_exchange;
  }
  return found;
}

}  // namespace sluice::tls
