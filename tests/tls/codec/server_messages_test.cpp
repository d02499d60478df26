// The server's messages: the trace's are read, ours are read as they were written, cut ones are
// not.
#include <gtest/gtest.h>

#include <functional>

#include "tests/tls/support/bytes.hpp"
#include "tests/tls/support/rfc8448.hpp"
#include "tls/codec/certificate.hpp"
#include "tls/codec/certificate_verify.hpp"
#include "tls/codec/encrypted_extensions.hpp"
#include "tls/codec/server_hello.hpp"
#include "tls/crypto/hash.hpp"

namespace sluice::test {
namespace {

using tls::CipherSuite;
using tls::NamedGroup;
using tls::ServerHello;
using tls::SignatureScheme;
using tls::TlsError;

base::Bytes body_of(const ByteVector& message) {
  return base::Bytes(message).subspan(4);
}

// The lengths in a message's header and body agree, so every shorter body is refused.
void expect_cut_refused(base::Bytes body, const std::function<bool(base::Bytes)>& parses) {
  ASSERT_TRUE(parses(body));
  for (std::size_t size = 0; size < body.size(); ++size) EXPECT_FALSE(parses(body.first(size)));
  ByteVector longer(body.begin(), body.end());
  longer.push_back(std::byte{0});
  EXPECT_FALSE(parses(longer));
}

TEST(ServerHello, OfTheTraceIsRead) {
  const ByteVector message = unhex(rfc8448::kServerHello);
  const auto hello = ServerHello::parse(body_of(message));
  ASSERT_TRUE(hello);
  EXPECT_FALSE(hello->is_hello_retry_request());
  EXPECT_EQ(hello->cipher_suite, CipherSuite::TLS_AES_128_GCM_SHA256);
  EXPECT_EQ(hello->selected_version, tls::ProtocolVersion::tls13);
  EXPECT_EQ(hello->key_share->group, NamedGroup::x25519);
  expect_cut_refused(body_of(message),
                     [](base::Bytes body) { return ServerHello::parse(body).has_value(); });
}

TEST(ServerHello, IsReadAsItWasWritten) {
  const ByteVector random(32, std::byte{3});
  const ByteVector session(32, std::byte{4});
  const ByteVector share(32, std::byte{5});
  const ByteVector message = written([&](base::Writer& writer) {
    tls::write_server_hello(writer, {.random = random,
                                     .legacy_session_id_echo = session,
                                     .cipher_suite = CipherSuite::TLS_AES_256_GCM_SHA384,
                                     .selected_version = tls::ProtocolVersion::tls13,
                                     .key_share = tls::KeyShareEntry{NamedGroup::x25519, share},
                                     .selected_psk = 2});
  });
  const auto hello = ServerHello::parse(body_of(message));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hex(hello->random), hex(random));
  EXPECT_EQ(hex(hello->legacy_session_id_echo), hex(session));
  EXPECT_EQ(hello->cipher_suite, CipherSuite::TLS_AES_256_GCM_SHA384);
  EXPECT_EQ(hex(hello->key_share->key_exchange), hex(share));
  EXPECT_EQ(hello->selected_psk, 2);
  EXPECT_FALSE(hello->selected_group);
}

TEST(HelloRetryRequest, IsToldApartByItsRandom) {
  // RFC 8446 4.1.3.
  EXPECT_EQ(hex(tls::hello_retry_random()),
            hex(tls::hash(tls::HashAlgorithm::sha256, base::bytes_of("HelloRetryRequest")).view()));
  const ByteVector cookie = bytes("a cookie");
  const ByteVector message = written([&](base::Writer& writer) {
    tls::write_server_hello(writer, {.random = tls::hello_retry_random(),
                                     .cipher_suite = CipherSuite::TLS_AES_128_GCM_SHA256,
                                     .selected_version = tls::ProtocolVersion::tls13,
                                     .selected_group = NamedGroup::secp256r1,
                                     .cookie = cookie});
  });
  const auto hello = ServerHello::parse(body_of(message));
  ASSERT_TRUE(hello);
  EXPECT_TRUE(hello->is_hello_retry_request());
  EXPECT_EQ(hello->selected_group, NamedGroup::secp256r1);
  EXPECT_EQ(hex(*hello->cookie), hex(cookie));
  EXPECT_FALSE(hello->key_share);
}

// RFC 8446 4.2: a cookie stands in a HelloRetryRequest, not in a ServerHello.
TEST(ServerHello, ExtensionsOfOtherMessagesAreRefused) {
  const ByteVector random(32);
  const ByteVector cookie = bytes("c");
  const ByteVector message = written([&](base::Writer& writer) {
    tls::write_server_hello(writer, {.random = random, .cookie = cookie});
  });
  const auto hello = ServerHello::parse(body_of(message));
  ASSERT_FALSE(hello);
  EXPECT_EQ(hello.error(), TlsError::kForbiddenExtension);
}

TEST(EncryptedExtensions, OfTheTraceAreRead) {
  const ByteVector message = unhex(rfc8448::kEncryptedExtensions);
  const auto extensions = tls::EncryptedExtensions::parse(body_of(message));
  ASSERT_TRUE(extensions);
  EXPECT_TRUE(extensions->server_name);
  EXPECT_FALSE(extensions->alpn);
  expect_cut_refused(body_of(message), [](base::Bytes body) {
    return tls::EncryptedExtensions::parse(body).has_value();
  });
}

TEST(EncryptedExtensions, AreReadAsTheyWereWritten) {
  const ByteVector message = written([&](base::Writer& writer) {
    tls::write_encrypted_extensions(writer, {.alpn = "h2", .early_data = true});
  });
  const auto extensions = tls::EncryptedExtensions::parse(body_of(message));
  ASSERT_TRUE(extensions);
  EXPECT_EQ(extensions->alpn, "h2");
  EXPECT_TRUE(extensions->early_data);
  EXPECT_FALSE(extensions->server_name);
}

TEST(EncryptedExtensions, WithTwoProtocolsAreRefused) {
  // RFC 7301 3.1: the answer holds exactly one.
  const auto extensions =
      tls::EncryptedExtensions::parse(unhex("000c"
                                            "00100008"
                                            "0006026832026833"));
  ASSERT_FALSE(extensions);
  EXPECT_EQ(extensions.error(), TlsError::kMalformedExtension);
}

TEST(Certificate, OfTheTraceIsReadAndWrittenAgain) {
  const ByteVector message = unhex(rfc8448::kCertificate);
  auto chain = tls::CertificateChain::parse(body_of(message));
  ASSERT_TRUE(chain);
  EXPECT_TRUE(chain->request_context().empty());
  const auto leaf = chain->next();
  ASSERT_TRUE(leaf);
  EXPECT_FALSE(chain->next());
  const std::vector<ByteVector> certificates = {{leaf->begin(), leaf->end()}};
  EXPECT_EQ(
      hex(written([&](base::Writer& writer) { tls::write_certificate(writer, certificates); })),
      rfc8448::kCertificate);
  expect_cut_refused(body_of(message), [](base::Bytes body) {
    return tls::CertificateChain::parse(body).has_value();
  });
}

TEST(Certificate, SizeIsThatOfTheMessage) {
  for (const auto& chain :
       {std::vector<ByteVector>{}, std::vector<ByteVector>{ByteVector(500)},
        std::vector<ByteVector>{ByteVector(7), ByteVector(0), ByteVector(300)}}) {
    const ByteVector message =
        written([&](base::Writer& writer) { tls::write_certificate(writer, chain); });
    EXPECT_EQ(tls::certificate_message_size(chain), message.size());
  }
}

TEST(CertificateVerify, OfTheTraceIsReadAndWrittenAgain) {
  const ByteVector message = unhex(rfc8448::kCertificateVerify);
  const auto verify = tls::CertificateVerify::parse(body_of(message));
  ASSERT_TRUE(verify);
  EXPECT_EQ(verify->algorithm, SignatureScheme::rsa_pss_rsae_sha256);
  EXPECT_EQ(verify->signature.size(), 128);
  EXPECT_EQ(
      hex(written([&](base::Writer& writer) { tls::write_certificate_verify(writer, *verify); })),
      rfc8448::kCertificateVerify);
  expect_cut_refused(body_of(message), [](base::Bytes body) {
    return tls::CertificateVerify::parse(body).has_value();
  });
}

// RFC 8446 4.4.3's own example: 64 spaces, the context string, a zero, the hash.
TEST(CertificateVerify, SignedContentIsTheRfcs) {
  const ByteVector hash(32, std::byte{1});
  const ByteVector content = written(
      [&](base::Writer& writer) { tls::write_signed_content(writer, tls::Side::server, hash); });
  std::string spaces;
  for (int i = 0; i < 64; ++i) spaces += "20";
  std::string ones;
  for (int i = 0; i < 32; ++i) ones += "01";
  EXPECT_EQ(hex(content), spaces +
                              "544c5320312e332c207365727665722043657274696669636174655665726966790"
                              "0" +
                              ones);
}

}  // namespace
}  // namespace sluice::test
