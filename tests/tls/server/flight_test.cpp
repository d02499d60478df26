// The server's flights at their greatest length.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "tests/tls/server/scripted_client.hpp"
#include "tls/codec/certificate.hpp"
#include "tls/codec/encrypted_extensions.hpp"
#include "tls/crypto/signer.hpp"

namespace sluice::test {
namespace {

// Whatever a policy may hold fits: the longest chain that is loaded, beside the longest protocol.
TEST(Flight, HasRoomForTheLongestChain) {
  const std::size_t around = tls::certificate_message_size(std::vector<ByteVector>(1));
  const ByteVector der(tls::kMaxCertificateMessage - around, std::byte{0x30});
  const std::string protocol(tls::kMaxAlpnSize, 'p');
  Server server;
  server.routes.policy->certificates = {std::make_shared<const tls::CertifiedKey>(
      std::vector<ByteVector>{der}, std::vector<std::string>{"server.example"},
      tls::SigningKey::adopt(EVP_EC_gen("P-256")))};
  server.routes.policy->alpn = {protocol};
  Hello hello;
  hello.alpn = {protocol};
  ScriptedClient client;
  client.shake_hands(server, hello);

  const auto extensions =
      tls::EncryptedExtensions::parse(base::Bytes(client.flight().at(0)).subspan(1));
  ASSERT_TRUE(extensions);
  EXPECT_EQ(extensions->alpn, protocol);
  EXPECT_TRUE(extensions->server_name);
  auto sent = tls::CertificateChain::parse(base::Bytes(client.flight().at(1)).subspan(1));
  ASSERT_TRUE(sent);
  const auto leaf = sent->next();
  ASSERT_TRUE(leaf);
  EXPECT_TRUE(base::equal(*leaf, der));
}

}  // namespace
}  // namespace sluice::test
