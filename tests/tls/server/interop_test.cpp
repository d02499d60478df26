// The engine against libssl: every suite, group and certificate kind, and what both can say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "tests/tls/server/libssl_client.hpp"

namespace sluice::test {
namespace {

using tls::TlsCounter;
using tls::TlsError;

using Combination = std::tuple<const char*, const char*, KeyKind>;

class Interop : public testing::TestWithParam<Combination> {};

TEST_P(Interop, HandshakeAndDataBothWays) {
  const auto [suite, group, kind] = GetParam();
  Server server;
  server.routes.policy->certificates = {certificate(kind, "server.example")};
  LibsslClient client({.suites = suite, .groups = group});
  client.start();
  converse(client, server);
  ASSERT_TRUE(client.connected());
  EXPECT_TRUE(server.connection().handshake_done());
  EXPECT_EQ(client.suite(), suite);
  EXPECT_EQ(client.group(), group);
  EXPECT_EQ(client.peer_signature(), kind == KeyKind::kRsa2048 ? "RSA-PSS" : "ECDSA");
  EXPECT_EQ(client.peer_common_name(), "server.example");

  const std::string large(40'000, 'u');
  client.write("from the client");
  client.write(large);
  server.seal("from the server");
  converse(client, server);
  EXPECT_EQ(server.received(), "from the client" + large);
  EXPECT_EQ(client.received(), "from the server");
  EXPECT_EQ(server.error(), std::nullopt);
  EXPECT_EQ(server.count(TlsCounter::kHandshakesCompleted), 1);
  EXPECT_EQ(server.context.handshakes(), 0);
}

INSTANTIATE_TEST_SUITE_P(AllSuitesGroupsAndKeys, Interop,
                         testing::Combine(testing::Values("TLS_AES_128_GCM_SHA256",
                                                          "TLS_AES_256_GCM_SHA384",
                                                          "TLS_CHACHA20_POLY1305_SHA256"),
                                          testing::Values("X25519", "P-256"),
                                          testing::Values(KeyKind::kEcdsaP256, KeyKind::kRsa2048)));

TEST(Interop, OneByteSpansAreAsGoodAsOne) {
  Server server;
  server.span_size = 1;
  LibsslClient client({});
  client.start();
  converse(client, server);
  ASSERT_TRUE(client.connected());
  client.write("scattered");
  converse(client, server);
  EXPECT_EQ(server.received(), "scattered");
}

TEST(Interop, WithoutMiddleboxCompatibilityNoChangeCipherSpecIsSent) {
  Server server;
  LibsslClient client({.middlebox_compatibility = false});
  client.start();
  server.feed(client.take_output());
  const ByteVector flight = server.output.take();
  for (const ByteVector& sent : records_of(flight)) {
    EXPECT_NE(sent[0], static_cast<std::byte>(tls::ContentType::change_cipher_spec));
  }
  client.feed(flight);
  converse(client, server);
  EXPECT_TRUE(server.connection().handshake_done());
}

TEST(Interop, WithMiddleboxCompatibilityChangeCipherSpecFollowsServerHello) {
  Server server;
  LibsslClient client({});
  client.start();
  server.feed(client.take_output());
  const auto sent = records_of(server.output.take());
  ASSERT_GE(sent.size(), 2);
  EXPECT_EQ(sent[0][0], static_cast<std::byte>(tls::ContentType::handshake));
  EXPECT_THAT(sent[1], testing::ElementsAreArray(unhex("140303000101")));
}

TEST(HelloRetry, ClientWithTheWrongShareConnectsAfterAskingAgain) {
  // libssl sends a share of its first group only.
  for (const auto& [preferred, ours] : {std::pair("X25519:P-256", tls::NamedGroup::secp256r1),
                                        std::pair("P-256:X25519", tls::NamedGroup::x25519),
                                        std::pair("P-384:X25519", tls::NamedGroup::x25519)}) {
    for (const bool compatibility : {true, false}) {
      Server server;
      server.routes.policy->groups = {ours};
      LibsslClient client({.groups = preferred, .middlebox_compatibility = compatibility});
      client.start();
      converse(client, server);
      EXPECT_TRUE(client.connected()) << preferred;
      EXPECT_EQ(server.count(TlsCounter::kHelloRetryRequests), 1);
      EXPECT_EQ(client.group(), ours == tls::NamedGroup::x25519 ? "X25519" : "P-256");
      EXPECT_EQ(server.context.handshakes(), 0);
    }
  }
}

TEST(HelloRetry, WithSha384TheTranscriptStillAgrees) {
  Server server;
  server.routes.policy->groups = {tls::NamedGroup::secp256r1};
  LibsslClient client({.suites = "TLS_AES_256_GCM_SHA384", .groups = "X25519:P-256"});
  client.start();
  converse(client, server);
  EXPECT_TRUE(client.connected());
}

TEST(KeyUpdates, RequestedByTheClientAreAnsweredAndDataGoesOn) {
  Server server;
  LibsslClient client({.suites = "TLS_AES_256_GCM_SHA384"});
  client.start();
  converse(client, server);
  for (int round = 0; round < 3; ++round) {
    client.key_update(true);
    client.write("up");
    converse(client, server);
    server.seal("down");
    converse(client, server);
  }
  EXPECT_EQ(server.received(), "upupup");
  EXPECT_EQ(client.received(), "downdowndown");
  EXPECT_EQ(server.count(TlsCounter::kKeyUpdatesReceived), 3);
  EXPECT_EQ(server.count(TlsCounter::kKeyUpdatesSent), 3);
}

TEST(KeyUpdates, NotRequestedAreNotAnswered) {
  Server server;
  LibsslClient client({});
  client.start();
  converse(client, server);
  client.key_update(false);
  client.write("up");
  converse(client, server);
  EXPECT_EQ(server.received(), "up");
  EXPECT_EQ(server.count(TlsCounter::kKeyUpdatesSent), 0);
}

TEST(KeyUpdates, AreSentBeforeTheKeyIsUsedUp) {
  Server server({.max_handshakes = 1, .expanded_keys = 4, .records_per_key = 3});
  LibsslClient client({});
  client.start();
  converse(client, server);
  std::string all;
  for (int i = 0; i < 10; ++i) {
    server.seal("x" + std::to_string(i));
    all += "x" + std::to_string(i);
    converse(client, server);
  }
  EXPECT_EQ(client.received(), all);
  EXPECT_EQ(server.count(TlsCounter::kKeyLimitsReached), 3);
  EXPECT_EQ(server.count(TlsCounter::kKeyUpdatesSent), 3);
}

TEST(Closing, ByTheServerArrivesAsCloseNotifyAndReadingGoesOn) {
  Server server;
  LibsslClient client({});
  client.start();
  converse(client, server);
  EXPECT_TRUE(server.connection().close(server.output));
  EXPECT_TRUE(server.connection().close(server.output));  // once is enough
  client.write("still talking");
  converse(client, server);
  EXPECT_TRUE(client.saw_close_notify());
  EXPECT_EQ(server.received(), "still talking");
  EXPECT_EQ(server.count(TlsCounter::kCloseNotifySent), 1);
  server.seal("too late");
  EXPECT_EQ(server.error(), TlsError::kAlreadyFailed);
}

TEST(Closing, ByTheClientIsReportedAndWritingGoesOn) {
  Server server;
  LibsslClient client({});
  client.start();
  converse(client, server);
  client.shutdown();
  converse(client, server);
  EXPECT_TRUE(server.saw(Server::Kind::kCloseNotify));
  EXPECT_EQ(server.count(TlsCounter::kCloseNotifyReceived), 1);
  // RFC 8446 6.1: what comes after a closure alert is ignored.
  server.feed(record(tls::ContentType::application_data, bytes("after the end")));
  EXPECT_EQ(server.error(), std::nullopt);
  server.seal("half open");
  EXPECT_EQ(server.error(), std::nullopt);
}

TEST(Failing, FromOutsideSendsTheAlertUnderTheKeys) {
  Server server;
  LibsslClient client({});
  client.start();
  converse(client, server);
  server.connection().fail(tls::AlertDescription::internal_error, server.output);
  converse(client, server);
  EXPECT_EQ(client.alert(), "internal error");
  EXPECT_TRUE(client.failed());
  server.seal("no more");
  EXPECT_EQ(server.error(), TlsError::kAlreadyFailed);
}

}  // namespace
}  // namespace sluice::test
