// Alerts received (RFC 8446 section 6), in the clear and protected, and what they end.
#include <gtest/gtest.h>

#include "tests/tls/server/refusal.hpp"
#include "tls/server/limits.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::TlsCounter;
using tls::TlsError;

ByteVector alert(AlertDescription description, unsigned level = 2) {
  return {static_cast<std::byte>(level), static_cast<std::byte>(description)};
}

TEST(PeerAlert, InTheClearEndsTheHandshakeInSilence) {
  Server server;
  server.hold_jobs();
  server.feed(record(ContentType::alert, alert(AlertDescription::handshake_failure)));
  EXPECT_TRUE(server.output.take().empty());
  expect_ended(server, TlsError::kPeerAlert);
  EXPECT_EQ(server.count(TlsCounter::kAlertsReceived), 1);
}

TEST(PeerAlert, ProtectedEndsTheConnectionWhateverItsLevel) {
  for (const unsigned level : {1U, 2U, 77U}) {
    for (const auto description :
         {AlertDescription::bad_certificate, static_cast<AlertDescription>(99)}) {  // unknown
      Server server;
      ScriptedClient client;
      client.shake_hands(server);
      server.feed(client.seal(ContentType::alert, alert(description, level)));
      EXPECT_TRUE(server.output.take().empty());
      expect_ended(server, TlsError::kPeerAlert);
    }
  }
}

// A client that refuses our ServerHello has no keys to say so with.
TEST(PeerAlert, InTheClearIsTakenUntilTheFirstProtectedRecord) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  server.feed(record(ContentType::alert, alert(AlertDescription::illegal_parameter)));
  EXPECT_TRUE(server.output.take().empty());
  expect_ended(server, TlsError::kPeerAlert);
}

TEST(PeerAlert, InTheClearIsRefusedAfterIt) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  server.feed(client.seal(ContentType::handshake, base::Bytes(client.finished()).first(4)));
  server.feed(record(ContentType::alert, alert(AlertDescription::illegal_parameter)));
  expect_refused(server, client, TlsError::kUnexpectedRecordType,
                 AlertDescription::unexpected_message);
}

TEST(CloseNotify, DuringTheHandshakeEndsIt) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  server.feed(client.seal(ContentType::alert, alert(AlertDescription::close_notify, 1)));
  expect_refused(server, client, TlsError::kPeerClosedEarly, AlertDescription::close_notify);
}

TEST(CloseNotify, AlsoAtFatalLevelIsOrderly) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(client.seal(ContentType::alert, alert(AlertDescription::close_notify, 2)));
  EXPECT_TRUE(server.saw(Server::Kind::kCloseNotify));
  EXPECT_EQ(server.error(), std::nullopt);
}

// RFC 8446 6.1.
TEST(UserCanceled, IsFollowedByCloseNotifyAndNotRepeated) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  for (int i = 0; i < tls::kMaxWarnings; ++i) {
    server.feed(client.seal(ContentType::alert, alert(AlertDescription::user_canceled, 1)));
  }
  EXPECT_EQ(server.error(), std::nullopt);
  server.feed(client.seal(ContentType::alert, alert(AlertDescription::user_canceled, 1)));
  expect_refused(server, client, TlsError::kTooManyWarnings, AlertDescription::unexpected_message);
}

// RFC 8446 5.1: one whole alert per record.
TEST(MalformedAlert, IsDecodeError) {
  for (const char* content : {"01", "010000", "02280228"}) {
    Server server;
    ScriptedClient client;
    client.shake_hands(server);
    server.feed(client.seal(ContentType::alert, unhex(content)));
    expect_refused(server, client, TlsError::kMalformedAlert, AlertDescription::decode_error);
  }
}

TEST(OwnAlert, IsNotSentAfterCloseNotify) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  EXPECT_TRUE(server.connection().close(server.output));
  EXPECT_EQ(client.alert(server.output.take()), AlertDescription::close_notify);
  server.feed(client.seal(ContentType::alert, unhex("01")));  // malformed
  EXPECT_EQ(server.error(), TlsError::kMalformedAlert);
  EXPECT_TRUE(server.output.take().empty());
}

}  // namespace
}  // namespace sluice::test
