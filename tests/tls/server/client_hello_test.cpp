// ClientHellos that are refused, each with its error, alert and counter; and what is tolerated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/tls/server/refusal.hpp"
#include "tls/codec/encrypted_extensions.hpp"
#include "tls/server/limits.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::CipherSuite;
using tls::ContentType;
using tls::ExtensionType;
using tls::NamedGroup;
using tls::ProtocolVersion;
using tls::SignatureScheme;
using tls::TlsCounter;
using tls::TlsError;

struct Refusal {
  const char* name;
  TlsError error;
  AlertDescription alert;
  std::function<void(Hello&, Routes&)> spoil;
};

class RefusedHello : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedHello, GetsItsAlertAndCounter) {
  Server server;
  Hello hello;
  GetParam().spoil(hello, server.routes);
  server.feed(hello.record());
  expect_refused(server, GetParam().error, GetParam().alert);
  EXPECT_EQ(server.count(TlsCounter::kHandshakesFailed), 1);
}

constexpr auto kUnknownSuite = static_cast<CipherSuite>(0x1304);
constexpr auto kUnknownScheme = static_cast<SignatureScheme>(0x0a0a);
constexpr auto kUnknownGroup = static_cast<NamedGroup>(0x0a0a);

const Refusal kRefusals[] = {
    // RFC 8446 4.2.1.
    {"Tls12OnlyWithoutSupportedVersions", TlsError::kNoTls13, AlertDescription::protocol_version,
     [](Hello& hello, Routes&) { hello.versions.clear(); }},
    {"Tls12OnlyInSupportedVersions", TlsError::kNoTls13, AlertDescription::protocol_version,
     [](Hello& hello, Routes&) { hello.versions = {ProtocolVersion::tls12}; }},
    // RFC 8446 D.5.
    {"Ssl30", TlsError::kSsl30, AlertDescription::protocol_version,
     [](Hello& hello, Routes&) { hello.legacy_version = static_cast<ProtocolVersion>(0x0300); }},
    // RFC 8446 9.2.
    {"NoKeyShare", TlsError::kMissingExtension, AlertDescription::missing_extension,
     [](Hello& hello, Routes&) { hello.shares.reset(); }},
    {"NoSupportedGroups", TlsError::kMissingExtension, AlertDescription::missing_extension,
     [](Hello& hello, Routes&) { hello.groups.clear(); }},
    {"NoSignatureAlgorithms", TlsError::kMissingExtension, AlertDescription::missing_extension,
     [](Hello& hello, Routes&) { hello.schemes.clear(); }},
    {"NoCommonSuite", TlsError::kNoCommonSuite, AlertDescription::handshake_failure,
     [](Hello& hello, Routes&) { hello.suites = {kUnknownSuite}; }},
    {"NoCommonGroup", TlsError::kNoCommonGroup, AlertDescription::handshake_failure,
     [](Hello& hello, Routes&) {
       hello.groups = {kUnknownGroup};
       hello.shares = {{kUnknownGroup, bytes("what they call a share")}};
     }},
    {"GroupsOfTheRouteNotOffered", TlsError::kNoCommonGroup, AlertDescription::handshake_failure,
     [](Hello& hello, Routes& routes) {
       hello.groups = {NamedGroup::x25519};
       routes.policy->groups = {NamedGroup::secp256r1};
     }},
    {"NoCommonSignatureScheme", TlsError::kNoCommonSignatureScheme,
     AlertDescription::handshake_failure,
     [](Hello& hello, Routes&) { hello.schemes = {kUnknownScheme}; }},
    // RFC 8446 4.4.3: RSASSA-PKCS1-v1_5 is for certificates, not for CertificateVerify.
    {"Pkcs1OnlyWithAnRsaKey", TlsError::kNoCommonSignatureScheme,
     AlertDescription::handshake_failure,
     [](Hello& hello, Routes& routes) {
       hello.schemes = {SignatureScheme::rsa_pkcs1_sha256, SignatureScheme::rsa_pkcs1_sha384,
                        SignatureScheme::rsa_pkcs1_sha512};
       routes.policy->certificates = {certificate(KeyKind::kRsa2048, "server.example")};
     }},
    // RFC 7301 3.2.
    {"NoCommonProtocol", TlsError::kNoApplicationProtocol,
     AlertDescription::no_application_protocol,
     [](Hello& hello, Routes& routes) {
       hello.alpn = {"h3", "spdy/3"};
       routes.policy->alpn = {"h2", "http/1.1"};
     }},
    {"UnknownName", TlsError::kUnrecognizedName, AlertDescription::unrecognized_name,
     [](Hello& hello, Routes& routes) {
       hello.server_name = "other.example";
       routes.only_name = "server.example";
     }},
    // RFC 8446 9.2.
    {"NoNameWhereOneIsNeeded", TlsError::kMissingExtension, AlertDescription::missing_extension,
     [](Hello& hello, Routes& routes) {
       hello.server_name.clear();
       routes.only_name = "server.example";
     }},
    {"AddressWhereANameIsNeeded", TlsError::kUnrecognizedName, AlertDescription::unrecognized_name,
     [](Hello& hello, Routes& routes) {
       hello.server_name = "192.0.2.1";
       routes.only_name = "server.example";
     }},
    {"RouteWithoutCertificate", TlsError::kNoCertificate, AlertDescription::handshake_failure,
     [](Hello&, Routes& routes) { routes.refusal = tls::RouteRefusal::kNoCertificate; }},
    {"PolicyWithoutCertificate", TlsError::kNoCertificate, AlertDescription::handshake_failure,
     [](Hello&, Routes& routes) { routes.policy->certificates.clear(); }},
    {"IllegalServerName", TlsError::kIllegalServerName, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) { hello.server_name = "a..b"; }},
    {"ServerNameWithTwoTrailingDots", TlsError::kIllegalServerName,
     AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) { hello.server_name = "server.example.."; }},
    // RFC 8446 4.2.8.
    {"ShareOfTheWrongLength", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) { hello.shares->front().key_exchange.pop_back(); }},
    {"TwoSharesOfOneGroup", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) { hello.shares->push_back(hello.shares->front()); }},
    {"ShareOfAnUnlistedGroup", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) { hello.groups = {NamedGroup::secp256r1}; }},
    // RFC 8446 7.4.2: an all-zero secret comes from points of small order.
    {"X25519PointOfSmallOrder", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) { hello.shares->front().key_exchange.assign(32, std::byte{0}); }},
    {"P256PointNotOnTheCurve", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) {
       ByteVector point(65, std::byte{1});
       point.front() = std::byte{4};
       hello.shares = {{NamedGroup::secp256r1, point}};
     }},
    // RFC 8446 4.2.
    {"ExtensionTwice", TlsError::kDuplicateExtension, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) {
       hello.more_extensions = extension(ExtensionType::supported_versions, unhex("020304"));
     }},
    {"UnknownExtensionTwice", TlsError::kDuplicateExtension, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) {
       const auto unknown = static_cast<ExtensionType>(0xfafa);
       append(hello.more_extensions, extension(unknown, {}));
       append(hello.more_extensions, extension(unknown, {}));
     }},
    {"ExtensionOfAnotherMessage", TlsError::kForbiddenExtension,
     AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) {
       hello.more_extensions = extension(ExtensionType::oid_filters, unhex("0000"));
     }},
    {"ExtensionWithLeftoverBytes", TlsError::kMalformedExtension, AlertDescription::decode_error,
     [](Hello& hello, Routes&) {
       hello.more_extensions = extension(ExtensionType::psk_key_exchange_modes, unhex("010100"));
     }},
    {"ExtensionBlockCutShort", TlsError::kMalformedHandshake, AlertDescription::decode_error,
     [](Hello& hello, Routes&) { hello.more_extensions = unhex("fafa00"); }},
    // RFC 8446 4.2.9, 4.2.11.
    {"PskWithoutModes", TlsError::kMissingPskModes, AlertDescription::missing_extension,
     [](Hello& hello, Routes&) {
       const ByteVector offer = resumption_offer();
       hello.more_extensions.assign(offer.begin() + 6, offer.end());
     }},
    {"PskNotLast", TlsError::kPskNotLast, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) {
       hello.more_extensions = resumption_offer();
       append(hello.more_extensions, extension(ExtensionType::padding, {}));
     }},
    {"MoreBindersThanIdentities", TlsError::kMalformedExtension, AlertDescription::decode_error,
     [](Hello& hello, Routes&) {
       ByteVector body = unhex(
           "000700016100000000"
           "0042");
       for (int i = 0; i < 2; ++i) {
         body.push_back(std::byte{32});
         body.resize(body.size() + 32);
       }
       hello.more_extensions = extension(ExtensionType::psk_key_exchange_modes, unhex("0101"));
       append(hello.more_extensions, extension(ExtensionType::pre_shared_key, body));
     }},
    {"LongerThanIsAccepted", TlsError::kMessageTooLong, AlertDescription::illegal_parameter,
     [](Hello& hello, Routes&) {
       hello.more_extensions =
           extension(ExtensionType::padding, ByteVector(tls::kMaxHandshakeBody));
     }},
};

INSTANTIATE_TEST_SUITE_P(Each, RefusedHello, testing::ValuesIn(kRefusals),
                         [](const auto& refusal) { return std::string(refusal.param.name); });

TEST(ClientHelloRefused, WithCompressionGetsIllegalParameter) {
  Server server;
  Hello hello;
  ByteVector message = hello.message();
  const std::size_t at = 4 + 2 + 32 + 1 + hello.session_id.size() + 2 + 2 * hello.suites.size() + 1;
  message[at] = std::byte{1};
  server.feed(record(ContentType::handshake, message));
  expect_refused(server, TlsError::kBadCompression, AlertDescription::illegal_parameter);
}

TEST(ClientHelloRefused, WithTrailingBytesGetsDecodeError) {
  Server server;
  ByteVector message = Hello().message();
  message.push_back(std::byte{0});
  base::store_be(message.data(), static_cast<std::uint32_t>(0x01000000 + message.size() - 4));
  server.feed(record(ContentType::handshake, message));
  expect_refused(server, TlsError::kMalformedHandshake, AlertDescription::decode_error);
}

TEST(ClientHelloRefused, CutAnywhereIsDecodeErrorOrWorse) {
  // The length in the header is right for what is there; the fields inside run out of bytes.
  const ByteVector whole = Hello().message();
  for (std::size_t size = 4; size < whole.size(); ++size) {
    Server server;
    ByteVector message(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    base::store_be(message.data(), static_cast<std::uint32_t>(0x01000000 + size - 4));
    server.feed(record(ContentType::handshake, message));
    ASSERT_TRUE(server.error().has_value()) << size;
    EXPECT_EQ(server.context.handshakes(), 0);
  }
}

TEST(ClientHelloRefused, BeforeTheEdgeOfTheLimitIsAccepted) {
  Server server;
  Hello hello;
  const std::size_t body = hello.message().size() - 4;
  hello.more_extensions =
      extension(ExtensionType::padding, ByteVector(tls::kMaxHandshakeBody - body - 4));
  ASSERT_EQ(hello.message().size(), 4 + tls::kMaxHandshakeBody);
  // It does not fit into one record any more.
  const ByteVector message = hello.message();
  server.feed(record(ContentType::handshake, base::Bytes(message).first(9000)));
  server.feed(record(ContentType::handshake, base::Bytes(message).subspan(9000)));
  EXPECT_EQ(server.error(), std::nullopt);
}

TEST(ClientHelloTolerated, GreaseEverywhere) {
  Server server;
  ScriptedClient client;
  Hello hello;
  hello.suites.push_back(static_cast<CipherSuite>(0x1a1a));
  hello.versions.insert(hello.versions.begin(), static_cast<ProtocolVersion>(0x2a2a));
  hello.groups.insert(hello.groups.begin(), static_cast<NamedGroup>(0x3a3a));
  hello.shares->insert(hello.shares->begin(), {static_cast<NamedGroup>(0x3a3a), unhex("00")});
  hello.schemes.insert(hello.schemes.begin(), static_cast<SignatureScheme>(0x4a4a));
  hello.more_extensions = extension(static_cast<ExtensionType>(0x5a5a), unhex("00"));
  client.shake_hands(server, hello);
  EXPECT_TRUE(server.connection().handshake_done());
}

TEST(ClientHelloTolerated, LegacyVersionsBelow12AreIgnored) {
  Server server;
  ScriptedClient client;
  Hello hello;
  hello.legacy_version = ProtocolVersion::tls10;
  client.shake_hands(server, hello);
  EXPECT_TRUE(server.connection().handshake_done());
}

TEST(ClientHelloTolerated, AnAddressAsServerNameCountsAsNone) {
  Server server;
  ScriptedClient client;
  Hello hello;
  hello.server_name = "198.18.0.2";
  client.shake_hands(server, hello);
  EXPECT_EQ(server.routes.asked.at(0).server_name, std::nullopt);
}

TEST(ClientHelloTolerated, InRecordsOfOneByte) {
  Server server;
  for (const std::byte b : Hello().message()) {
    ASSERT_EQ(server.error(), std::nullopt);
    server.feed(record(ContentType::handshake, std::span(&b, 1)));
  }
  EXPECT_EQ(server.error(), std::nullopt);
  EXPECT_EQ(records_of(server.output.take()).front()[5], std::byte{2});  // ServerHello
}

TEST(Choice, SeesWhatTheClientSaidWithTheNameInLowerCase) {
  Server server;
  ScriptedClient client;
  Hello hello;
  hello.server_name = "Server.EXAMPLE";
  hello.alpn = {"h2", "http/1.1"};
  client.shake_hands(server, hello);
  ASSERT_EQ(server.routes.asked.size(), 1);
  const Routes::Asked& asked = server.routes.asked[0];
  EXPECT_EQ(asked.server_name, "server.example");
  EXPECT_THAT(asked.alpn, testing::ElementsAre("h2", "http/1.1"));
  EXPECT_EQ(asked.peer.to_string(), "198.18.0.9:4321");
  EXPECT_EQ(asked.listener, 3);
  EXPECT_EQ(server.connection().route(), Routes::kRoute);
}

TEST(Choice, TrailingDotIsNoPartOfTheName) {
  Server server;
  ScriptedClient client;
  Hello hello;
  hello.server_name = "server.example.";
  client.shake_hands(server, hello);
  EXPECT_EQ(server.routes.asked.at(0).server_name, "server.example");
  const auto sent = tls::EncryptedExtensions::parse(base::Bytes(client.flight().at(0)).subspan(1));
  ASSERT_TRUE(sent);
  EXPECT_TRUE(sent->server_name);  // the certificate covers it
}

TEST(Choice, ProtocolIsTheFirstOfOursThatTheClientOffers) {
  Server server;
  ScriptedClient client;
  server.routes.policy->alpn = {"h2", "http/1.1"};
  Hello hello;
  hello.alpn = {"http/1.1", "h2"};
  client.shake_hands(server, hello);
  EXPECT_EQ(server.connection().alpn(), "h2");
  const auto sent = tls::EncryptedExtensions::parse(base::Bytes(client.flight().at(0)).subspan(1));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->alpn, "h2");
  EXPECT_TRUE(sent->server_name);  // RFC 6066 3
}

TEST(Choice, NoProtocolIsNegotiatedUnlessBothSidesWantOne) {
  for (const bool ours : {true, false}) {
    Server server;
    ScriptedClient client;
    Hello hello;
    if (ours) server.routes.policy->alpn = {"h2"};
    if (!ours) hello.alpn = {"h2"};
    client.shake_hands(server, hello);
    EXPECT_EQ(server.connection().alpn(), "");
  }
}

TEST(Choice, ProtocolNamesLongerThanTheSessionHoldsAreNeverChosen) {
  Server server;
  ScriptedClient client;
  const std::string longer(tls::kMaxAlpnSize + 1, 'p');
  const std::string longest(tls::kMaxAlpnSize, 'p');
  server.routes.policy->alpn = {longer, longest};
  Hello hello;
  hello.alpn = {longer, longest};
  client.shake_hands(server, hello);
  EXPECT_EQ(server.connection().alpn(), longest);
}

// What the CertificateVerify was signed with.
SignatureScheme scheme_of(const ScriptedClient& client) {
  return static_cast<SignatureScheme>(
      base::load_be<std::uint16_t>(client.flight().at(2).data() + 1));
}

TEST(Choice, CertificateFollowsTheClientsSignatureAlgorithms) {
  for (const SignatureScheme offered :
       {SignatureScheme::rsa_pss_rsae_sha256, SignatureScheme::rsa_pss_rsae_sha512,
        SignatureScheme::ecdsa_secp256r1_sha256}) {
    Server server;
    ScriptedClient client;
    server.routes.policy->certificates = {certificate(KeyKind::kEcdsaP256, "server.example"),
                                          certificate(KeyKind::kRsa2048, "server.example")};
    Hello hello;
    hello.schemes = {offered, SignatureScheme::rsa_pkcs1_sha256};
    client.shake_hands(server, hello);
    EXPECT_EQ(scheme_of(client), offered);
  }
}

TEST(Choice, CertificateWhoseNameCoversTheHostGoesBeforeAnEarlierOne) {
  Server server;
  ScriptedClient client;
  server.routes.policy->certificates = {certificate(KeyKind::kEcdsaP256, "other.example"),
                                        certificate(KeyKind::kRsa2048, "server.example")};
  client.shake_hands(server);
  EXPECT_EQ(scheme_of(client), SignatureScheme::rsa_pss_rsae_sha256);
}

TEST(Choice, FirstUsableCertificateServesWhereNoNameCovers) {
  Server server;
  ScriptedClient client;
  server.routes.policy->certificates = {certificate(KeyKind::kRsa2048, "other.example"),
                                        certificate(KeyKind::kEcdsaP256, "another.example")};
  client.shake_hands(server);
  EXPECT_EQ(scheme_of(client), SignatureScheme::rsa_pss_rsae_sha256);
  const auto sent = tls::EncryptedExtensions::parse(base::Bytes(client.flight().at(0)).subspan(1));
  EXPECT_FALSE(sent->server_name);
}

TEST(Choice, SuiteIsTheFirstOfOursThatTheClientOffers) {
  Server server;
  server.routes.policy->suites = {CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
                                  CipherSuite::TLS_AES_128_GCM_SHA256};
  Hello hello;
  hello.suites = {CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_CHACHA20_POLY1305_SHA256};
  server.feed(hello.record());
  EXPECT_EQ(server.count(TlsCounter::kSuiteChaCha20Poly1305), 1);
}

}  // namespace
}  // namespace sluice::test
