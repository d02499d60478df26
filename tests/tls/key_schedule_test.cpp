// The key schedule against RFC 8448 section 3, secret by secret.
#include "tls/key_schedule.hpp"

#include <gtest/gtest.h>

#include "tests/tls/support/bytes.hpp"
#include "tests/tls/support/rfc8448.hpp"

namespace sluice::test {
namespace {

using tls::HashAlgorithm;

tls::HandshakeSecret handshake_secret() {
  return tls::EarlySecret(HashAlgorithm::sha256).handshake(unhex(rfc8448::kSharedSecret));
}

TEST(KeySchedule, EarlySecretWithoutPskIsTheTraces) {
  EXPECT_EQ(hex(tls::EarlySecret(HashAlgorithm::sha256).secret()), rfc8448::kEarlySecret);
}

TEST(KeySchedule, HandshakeStageIsTheTraces) {
  const tls::HandshakeSecret secret = handshake_secret();
  EXPECT_EQ(hex(secret.secret()), rfc8448::kHandshakeSecret);
  const tls::TrafficSecrets traffic = secret.traffic(unhex(rfc8448::kHashToServerHello));
  EXPECT_EQ(hex(traffic.client.bytes()), rfc8448::kClientHandshakeTraffic);
  EXPECT_EQ(hex(traffic.server.bytes()), rfc8448::kServerHandshakeTraffic);
}

TEST(KeySchedule, MasterStageIsTheTraces) {
  const tls::MasterSecret secret = handshake_secret().master();
  EXPECT_EQ(hex(secret.secret()), rfc8448::kMasterSecret);
  const ByteVector server_finished = unhex(rfc8448::kHashToServerFinished);
  const tls::TrafficSecrets traffic = secret.traffic(server_finished);
  EXPECT_EQ(hex(traffic.client.bytes()), rfc8448::kClientApplicationTraffic);
  EXPECT_EQ(hex(traffic.server.bytes()), rfc8448::kServerApplicationTraffic);
  EXPECT_EQ(hex(secret.exporter(server_finished).bytes()), rfc8448::kExporterMaster);
  EXPECT_EQ(hex(secret.resumption(unhex(rfc8448::kHashToClientFinished)).bytes()),
            rfc8448::kResumptionMaster);
}

TEST(KeySchedule, ClientFinishedIsTheTraces) {
  const tls::HashSecret verify_data =
      tls::finished_verify_data(HashAlgorithm::sha256, unhex(rfc8448::kClientHandshakeTraffic),
                                unhex(rfc8448::kHashToServerFinished));
  EXPECT_EQ("14000020" + hex(verify_data.bytes()), rfc8448::kClientFinished);
}

TEST(KeySchedule, Sha384SecretsAreAsLongAsTheirHash) {
  tls::HandshakeSecret secret =
      tls::EarlySecret(HashAlgorithm::sha384).handshake(ByteVector(32, std::byte{1}));
  EXPECT_EQ(secret.secret().size(), 48);
  const tls::MasterSecret master = std::move(secret).master();
  EXPECT_EQ(master.traffic(ByteVector(48)).client.size(), 48);
}

// RFC 8446 7.2.
TEST(KeySchedule, EachKeyUpdateIsExpandedFromTheSecretBefore) {
  const ByteVector current = unhex(rfc8448::kClientApplicationTraffic);
  ByteVector expected(32);
  tls::hkdf_expand_label(HashAlgorithm::sha256, current, "traffic upd", {}, expected);
  const tls::HashSecret next = tls::next_traffic_secret(HashAlgorithm::sha256, current);
  EXPECT_EQ(hex(next.bytes()), hex(expected));
}

}  // namespace
}  // namespace sluice::test
