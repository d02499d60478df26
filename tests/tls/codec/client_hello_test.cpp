// ClientHello: the trace's, our own, and cut ones. What the engine refuses of a hello that parses
// is tested with the engine.
#include "tls/codec/client_hello.hpp"

#include <gtest/gtest.h>

#include "tests/tls/support/bytes.hpp"
#include "tests/tls/support/rfc8448.hpp"
#include "tls/codec/extension.hpp"

namespace sluice::test {
namespace {

using tls::CipherSuite;
using tls::ClientHello;
using tls::ExtensionType;
using tls::NamedGroup;
using tls::ProtocolVersion;
using tls::SignatureScheme;
using tls::TlsError;

TEST(ClientHello, OfTheTraceIsRead) {
  const ByteVector message = unhex(rfc8448::kClientHello);
  auto hello = ClientHello::parse(base::Bytes(message).subspan(4));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->legacy_version, ProtocolVersion::tls12);
  EXPECT_EQ(hex(hello->random), "cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7");
  EXPECT_TRUE(hello->legacy_session_id.empty());
  EXPECT_EQ(hello->cipher_suites.size(), 3);
  EXPECT_TRUE(hello->cipher_suites.contains(CipherSuite::TLS_CHACHA20_POLY1305_SHA256));
  EXPECT_EQ(hello->server_name, "server");
  EXPECT_TRUE(hello->supported_versions->contains(ProtocolVersion::tls13));
  EXPECT_TRUE(hello->supported_groups->contains(NamedGroup::x25519));
  EXPECT_TRUE(hello->signature_algorithms->contains(SignatureScheme::rsa_pss_rsae_sha256));
  EXPECT_FALSE(hello->signature_algorithms->contains(SignatureScheme::ed25519));
  auto share = hello->key_shares->next();
  ASSERT_TRUE(share);
  EXPECT_EQ(share->group, NamedGroup::x25519);
  EXPECT_EQ(share->key_exchange.size(), 32);
  EXPECT_FALSE(hello->key_shares->next());
  EXPECT_EQ(hex(*hello->psk_key_exchange_modes), "01");
  EXPECT_FALSE(hello->alpn);
  EXPECT_FALSE(hello->early_data);
  EXPECT_FALSE(hello->pre_shared_key);
}

TEST(ClientHello, IsReadAsItWasWritten) {
  const ByteVector random(32, std::byte{7});
  const ByteVector session(32, std::byte{8});
  const ByteVector share(65, std::byte{4});
  const CipherSuite suites[] = {CipherSuite::TLS_AES_256_GCM_SHA384};
  const ProtocolVersion versions[] = {ProtocolVersion::tls13, ProtocolVersion::tls12};
  const NamedGroup groups[] = {NamedGroup::secp256r1};
  const SignatureScheme schemes[] = {SignatureScheme::ecdsa_secp256r1_sha256};
  const tls::KeyShareEntry shares[] = {{NamedGroup::secp256r1, share}};
  const std::string_view protocols[] = {"h2", "http/1.1"};
  tls::ClientHelloFields fields;
  fields.random = random;
  fields.legacy_session_id = session;
  fields.cipher_suites = suites;
  fields.supported_versions = versions;
  fields.server_name = "a.example";
  fields.supported_groups = groups;
  fields.signature_algorithms = schemes;
  fields.key_shares = shares;
  fields.alpn = protocols;
  fields.early_data = true;
  const ByteVector message =
      written([&](base::Writer& writer) { tls::write_client_hello(writer, fields); });

  auto hello = ClientHello::parse(base::Bytes(message).subspan(4));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hex(hello->random), hex(random));
  EXPECT_EQ(hex(hello->legacy_session_id), hex(session));
  EXPECT_EQ(hello->cipher_suites[0], suites[0]);
  EXPECT_EQ(hello->supported_versions->size(), 2);
  EXPECT_EQ(hello->server_name, "a.example");
  EXPECT_EQ(hello->key_shares->next()->key_exchange.size(), 65);
  EXPECT_TRUE(hello->alpn->contains("http/1.1"));
  EXPECT_FALSE(hello->alpn->contains("http"));
  EXPECT_TRUE(hello->early_data);
}

// RFC 8446 4.1.2: a hello of TLS 1.2 or before may end after the compression methods.
TEST(ClientHello, WithoutExtensionsParses) {
  ByteVector body = unhex("0303");
  body.resize(2 + 32);
  append(body, unhex("00"
                     "0002002f"
                     "0100"));
  const auto hello = ClientHello::parse(body);
  ASSERT_TRUE(hello);
  EXPECT_FALSE(hello->supported_versions);
}

TEST(ClientHello, CutAnywhereIsRefused) {
  const ByteVector message = unhex(rfc8448::kClientHello);
  const base::Bytes body = base::Bytes(message).subspan(4);
  // The one place where it may end is before the extensions.
  const std::size_t end_without_extensions = 2 + 32 + 1 + 2 + 6 + 2;
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(ClientHello::parse(body.first(size)).has_value(), size == end_without_extensions);
  }
}

TEST(ClientHello, FieldsOutOfTheirBoundsAreRefused) {
  struct Case {
    const char* session_id;
    const char* suites;
    const char* compression;
  };
  const std::string long_session = "21" + std::string(66, '0');
  const Case cases[] = {{long_session.c_str(), "00021301", "0100"},
                        {"00", "0000", "0100"},
                        {"00", "0003130113", "0100"},
                        {"00", "00021301", "00"}};
  for (const Case& bad : cases) {
    ByteVector body = unhex("0303");
    body.resize(2 + 32);
    append(body, unhex(bad.session_id));
    append(body, unhex(bad.suites));
    append(body, unhex(bad.compression));
    const auto hello = ClientHello::parse(body);
    ASSERT_FALSE(hello);
    EXPECT_EQ(hello.error(), TlsError::kMalformedHandshake);
  }
}

// Each known extension with a body that does not add up.
TEST(ClientHello, MalformedExtensionsAreRefused) {
  const std::pair<ExtensionType, const char*> bodies[] = {
      {ExtensionType::supported_versions, ""},
      {ExtensionType::supported_versions, "00"},
      {ExtensionType::supported_versions, "03030403"},
      {ExtensionType::supported_versions, "02030400"},
      {ExtensionType::supported_groups, "0000"},
      {ExtensionType::supported_groups, "0003001d00"},
      {ExtensionType::signature_algorithms, "0000"},
      {ExtensionType::signature_algorithms, "00040804"},
      {ExtensionType::server_name, ""},
      {ExtensionType::server_name, "0000"},
      {ExtensionType::server_name, "0003000000"},
      {ExtensionType::server_name,
       "0004010001"
       "61"},
      {ExtensionType::server_name,
       "0008"
       "00000161"
       "00000162"},
      {ExtensionType::key_share, ""},
      {ExtensionType::key_share, "0004001d0000"},
      {ExtensionType::key_share, "0004001d0001"},
      {ExtensionType::key_share, "000000"},
      {ExtensionType::application_layer_protocol_negotiation, "0000"},
      {ExtensionType::application_layer_protocol_negotiation, "000100"},
      {ExtensionType::application_layer_protocol_negotiation,
       "0003026832"
       "00"},
      {ExtensionType::application_layer_protocol_negotiation, "000404683200"},
      {ExtensionType::psk_key_exchange_modes, "00"},
      {ExtensionType::psk_key_exchange_modes, "0201"},
      {ExtensionType::early_data, "00"},
      {ExtensionType::pre_shared_key, ""},
      {ExtensionType::pre_shared_key, "00000000"},
  };
  for (const auto& [type, body] : bodies) {
    const ByteVector random(32);
    const CipherSuite suites[] = {CipherSuite::TLS_AES_128_GCM_SHA256};
    const ByteVector extension =
        written([&, kind = type, content = unhex(body)](base::Writer& writer) {
          tls::write_extension(writer, kind, [&] { writer.bytes(content); });
        });
    tls::ClientHelloFields fields;
    fields.random = random;
    fields.cipher_suites = suites;
    fields.more_extensions = extension;
    const ByteVector message =
        written([&](base::Writer& writer) { tls::write_client_hello(writer, fields); });
    auto hello = ClientHello::parse(base::Bytes(message).subspan(4));
    ASSERT_FALSE(hello) << static_cast<int>(type) << " " << body;
    EXPECT_EQ(hello.error(), TlsError::kMalformedExtension)
        << static_cast<int>(type) << " " << body;
  }
}

}  // namespace
}  // namespace sluice::test
