// KeyUpdate from a client that keeps no rule (RFC 8446 section 4.6.3); orderly ones are in
// interop_test.cpp.
#include <gtest/gtest.h>

#include "tests/tls/server/refusal.hpp"
#include "tls/server/limits.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::TlsCounter;
using tls::TlsError;

const char* const kNotRequested = "1800000100";
const char* const kRequested = "1800000101";

TEST(KeyUpdate, WithAnUnknownRequestIsIllegalParameter) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(client.seal(ContentType::handshake, unhex("1800000102")));
  expect_refused(server, client, TlsError::kBadKeyUpdate, AlertDescription::illegal_parameter);
}

TEST(KeyUpdate, OfAnotherLengthIsDecodeError) {
  for (const char* message : {"18000000", "180000020000", "18ffffff"}) {
    Server server;
    ScriptedClient client;
    client.shake_hands(server);
    server.feed(client.seal(ContentType::handshake, unhex(message)));
    expect_refused(server, client, TlsError::kMalformedHandshake, AlertDescription::decode_error);
  }
}

TEST(KeyUpdate, InRecordsOfOneByteIsAccepted) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  for (const std::byte b : unhex(kNotRequested)) {
    server.feed(client.seal(ContentType::handshake, std::span(&b, 1)));
  }
  client.update_write_keys();
  server.feed(client.seal(ContentType::application_data, bytes("new keys")));
  EXPECT_EQ(server.received(), "new keys");
}

TEST(KeyUpdate, AgainAndAgainWithoutDataIsRefused) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  const auto update = [&] {
    server.feed(client.seal(ContentType::handshake, unhex(kNotRequested)));
    client.update_write_keys();
  };
  for (int i = 0; i < tls::kMaxKeyUpdates; ++i) update();
  server.feed(client.seal(ContentType::application_data, bytes("x")));  // starts the count anew
  for (int i = 0; i < tls::kMaxKeyUpdates; ++i) update();
  ASSERT_EQ(server.error(), std::nullopt);
  update();
  expect_refused(server, client, TlsError::kTooManyKeyUpdates,
                 AlertDescription::unexpected_message);
}

// What we send counts as well: a client that only downloads may update its keys as often.
TEST(KeyUpdate, CountStartsAnewWithOurData) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  for (int i = 0; i < 2 * tls::kMaxKeyUpdates; ++i) {
    server.feed(client.seal(ContentType::handshake, unhex(kNotRequested)));
    client.update_write_keys();
    if (i % tls::kMaxKeyUpdates == 0) server.seal("x");
  }
  EXPECT_EQ(server.error(), std::nullopt);
}

// RFC 8446 4.6.3: several requests while we are silent may be answered by one. However many there
// are, they make us send nothing until there is data to send.
TEST(KeyUpdate, RequestsAreAnsweredByOneBeforeTheNextData) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  for (int i = 0; i < 3; ++i) {
    server.feed(client.seal(ContentType::handshake, unhex(kRequested)));
    client.update_write_keys();
    server.feed(client.seal(ContentType::application_data, bytes("x")));
  }
  EXPECT_EQ(server.received(), "xxx");
  EXPECT_TRUE(server.output.take().empty());

  server.seal("after the update");
  server.seal("and more");
  const auto sent = records_of(server.output.take());
  ASSERT_EQ(sent.size(), 3);
  EXPECT_EQ(client.open(sent[0]).at(0).content, unhex(kNotRequested));
  client.update_read_keys();
  EXPECT_EQ(base::text_of(client.open(sent[1]).at(0).content), "after the update");
  EXPECT_EQ(base::text_of(client.open(sent[2]).at(0).content), "and more");
  EXPECT_EQ(server.count(TlsCounter::kKeyUpdatesSent), 1);
}

TEST(KeyUpdate, AnswerWithoutRoomForTheDataIsSentOnce) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(client.seal(ContentType::handshake, unhex(kRequested)));
  client.update_write_keys();
  for (const std::size_t room : {0U, 1U}) {
    server.output.allow(room);
    server.seal("later");
    EXPECT_EQ(server.error(), TlsError::kOutputFull);
    server.forget_error();
  }
  server.output.allow(1);
  server.seal("later");
  const auto sent = records_of(server.output.take());
  ASSERT_EQ(sent.size(), 2);
  EXPECT_EQ(client.open(sent[0]).at(0).content, unhex(kNotRequested));
  client.update_read_keys();
  EXPECT_EQ(base::text_of(client.open(sent[1]).at(0).content), "later");
}

// Only application data has to wait for the answer.
TEST(KeyUpdate, RequestedBeforeCloseIsNotAnswered) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(client.seal(ContentType::handshake, unhex(kRequested)));
  client.update_write_keys();
  EXPECT_TRUE(server.connection().close(server.output));
  EXPECT_EQ(client.alert(server.output.take()), AlertDescription::close_notify);
  EXPECT_EQ(server.count(TlsCounter::kKeyUpdatesSent), 0);
}

TEST(KeyUpdate, RequestedAfterCloseIsNotAnswered) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  EXPECT_TRUE(server.connection().close(server.output));
  (void)server.output.take();
  server.feed(client.seal(ContentType::handshake, unhex(kRequested)));
  client.update_write_keys();
  server.feed(client.seal(ContentType::application_data, bytes("x")));
  EXPECT_EQ(server.received(), "x");
  EXPECT_TRUE(server.output.take().empty());
}

}  // namespace
}  // namespace sluice::test
