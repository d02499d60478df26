// Every state with every message and every record type: what has no edge is refused.
#include <gtest/gtest.h>

#include <array>

#include "tests/tls/server/refusal.hpp"
#include "tls/server/states.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::edge;
using tls::Event;
using tls::StateId;
using tls::TlsCounter;
using tls::TlsError;

// Nothing but jobs' results moves a handshake that waits for a job.
static_assert(edge(StateId::kAwaitKeyAgreement, Event::kClientHello) == nullptr);
static_assert(edge(StateId::kAwaitKeyAgreement, Event::kFinished) == nullptr);
static_assert(edge(StateId::kAwaitSignature, Event::kClientHello) == nullptr);
static_assert(edge(StateId::kAwaitSignature, Event::kFinished) == nullptr);
static_assert(edge(StateId::kExpectFinished, Event::kApplicationData) == nullptr);
static_assert(edge(StateId::kExpectClientHello, Event::kChangeCipherSpec) == nullptr);
static_assert(edge(StateId::kConnected, Event::kChangeCipherSpec) == nullptr);

// A server in a given state, and the client that brought it there.
struct Pair {
  Server server;
  ScriptedClient client;

  void expecting_second_hello() {
    server.routes.policy->groups = {tls::NamedGroup::secp256r1};
    server.feed(Hello().record());
    ASSERT_EQ(server.count(TlsCounter::kHelloRetryRequests), 1);
    (void)server.output.take();
  }
  void expecting_finished() { client.greet(server); }
  void connected() { client.shake_hands(server); }
};

ByteVector message(unsigned type) {
  ByteVector bytes = unhex(
      "00000001"
      "00");
  bytes[0] = static_cast<std::byte>(type);
  return bytes;
}

bool is(unsigned type, tls::HandshakeType expected) {
  return type == static_cast<unsigned>(expected);
}

constexpr unsigned kTypes = 256;

TEST(ExpectClientHello, AnyOtherMessageIsUnexpected) {
  for (unsigned type = 0; type < kTypes; ++type) {
    if (is(type, tls::HandshakeType::client_hello)) continue;
    Pair pair;
    pair.server.feed(record(ContentType::handshake, message(type)));
    expect_refused(pair.server, TlsError::kUnexpectedMessage, AlertDescription::unexpected_message);
  }
}

TEST(ExpectSecondClientHello, AnyOtherMessageIsUnexpected) {
  for (unsigned type = 0; type < kTypes; ++type) {
    if (is(type, tls::HandshakeType::client_hello)) continue;
    Pair pair;
    pair.expecting_second_hello();
    pair.server.feed(record(ContentType::handshake, message(type)));
    expect_refused(pair.server, TlsError::kUnexpectedMessage, AlertDescription::unexpected_message);
  }
}

TEST(ExpectFinished, AnyOtherMessageIsUnexpected) {
  for (unsigned type = 0; type < kTypes; ++type) {
    if (is(type, tls::HandshakeType::finished)) continue;
    Pair pair;
    pair.expecting_finished();
    pair.server.feed(pair.client.seal(ContentType::handshake, message(type)));
    expect_refused(pair.server, pair.client, TlsError::kUnexpectedMessage,
                   AlertDescription::unexpected_message);
  }
}

TEST(Connected, AnyMessageButKeyUpdateIsUnexpected) {
  for (unsigned type = 0; type < kTypes; ++type) {
    if (is(type, tls::HandshakeType::key_update)) continue;
    Pair pair;
    pair.connected();
    pair.server.feed(pair.client.seal(ContentType::handshake, message(type)));
    expect_refused(pair.server, pair.client, TlsError::kUnexpectedMessage,
                   AlertDescription::unexpected_message);
  }
}

// The type alone is enough: a message that would be long is not waited for.
TEST(ExpectClientHello, AnUnexpectedTypeIsRefusedWhenItsHeaderIsThere) {
  Pair pair;
  pair.server.feed(record(ContentType::handshake, unhex("0bffffff")));
  expect_refused(pair.server, TlsError::kUnexpectedMessage, AlertDescription::unexpected_message);
}

// Plaintext records of each type, where they may not stand. The deframer refuses types that TLS
// does not have; the engine is asked directly.
void receive(Server& server, ByteVector whole) {
  const base::MutableBytes spans[] = {whole};
  const auto result = server.connection().receive(spans, server.output);
  EXPECT_FALSE(result);
}

TEST(ExpectClientHello, RecordsThatAreNeitherHandshakeNorAlertAreUnexpected) {
  for (unsigned type = 0; type < kTypes; ++type) {
    if (type == 21 || type == 22) continue;
    Server server;
    receive(server, record(static_cast<ContentType>(type), unhex("01")));
    EXPECT_EQ(plain_alert(server.output.take()), AlertDescription::unexpected_message) << type;
    EXPECT_EQ(server.count(TlsCounter::kUnexpectedRecordType), 1);
    EXPECT_EQ(server.count(TlsCounter::kHandshakesStarted), 0);
  }
}

TEST(ExpectFinished, PlaintextRecordsAreUnexpected) {
  for (const ContentType type : {ContentType::handshake, ContentType::invalid,
                                 static_cast<ContentType>(24), static_cast<ContentType>(255)}) {
    Pair pair;
    pair.expecting_finished();
    receive(pair.server, record(type, unhex("1400000100")));
    EXPECT_EQ(pair.client.alert(pair.server.output.take()), AlertDescription::unexpected_message);
    EXPECT_EQ(pair.server.count(TlsCounter::kUnexpectedRecordType), 1);
  }
}

TEST(ExpectFinished, ProtectedRecordsOfOtherTypesAreUnexpected) {
  for (const ContentType type : {ContentType::application_data, ContentType::change_cipher_spec,
                                 static_cast<ContentType>(24), static_cast<ContentType>(255)}) {
    Pair pair;
    pair.expecting_finished();
    pair.server.feed(pair.client.seal(type, unhex("01")));
    expect_refused(pair.server, pair.client, TlsError::kUnexpectedRecordType,
                   AlertDescription::unexpected_message);
  }
}

TEST(Connected, RecordsOfOtherTypesAreUnexpected) {
  for (const ContentType type :
       {ContentType::change_cipher_spec, ContentType::handshake, ContentType::alert}) {
    Pair pair;
    pair.connected();
    pair.server.feed(record(type, unhex("01")));
    expect_refused(pair.server, pair.client, TlsError::kUnexpectedRecordType,
                   AlertDescription::unexpected_message);
  }
  for (const ContentType type : {ContentType::change_cipher_spec, static_cast<ContentType>(24)}) {
    Pair pair;
    pair.connected();
    pair.server.feed(pair.client.seal(type, unhex("01")));
    expect_refused(pair.server, pair.client, TlsError::kUnexpectedRecordType,
                   AlertDescription::unexpected_message);
  }
}

// RFC 8446 5.1: messages MUST NOT span key changes.
TEST(ExpectClientHello, BytesBehindItInTheRecordAreRefused) {
  Server server;
  ByteVector fragment = Hello().message();
  append(fragment, unhex("01"));
  server.feed(record(ContentType::handshake, fragment));
  expect_refused(server, TlsError::kMessageAcrossKeyChange, AlertDescription::unexpected_message);
}

TEST(ExpectFinished, BytesBehindItInTheRecordAreRefused) {
  Pair pair;
  pair.expecting_finished();
  ByteVector fragment = pair.client.finished();
  append(fragment, unhex("1800000100"));
  pair.server.feed(pair.client.seal(ContentType::handshake, fragment));
  expect_refused(pair.server, pair.client, TlsError::kMessageAcrossKeyChange,
                 AlertDescription::unexpected_message);
}

TEST(Connected, BytesBehindAKeyUpdateInTheRecordAreRefused) {
  Pair pair;
  pair.connected();
  pair.server.feed(pair.client.seal(ContentType::handshake, unhex("1800000100"
                                                                  "1800000100")));
  expect_refused(pair.server, pair.client, TlsError::kMessageAcrossKeyChange,
                 AlertDescription::unexpected_message);
}

// RFC 8446 4.4.4.
TEST(ExpectFinished, AWrongFinishedIsDecryptError) {
  Pair pair;
  pair.expecting_finished();
  ByteVector finished = pair.client.finished();
  finished.back() ^= std::byte{1};
  pair.server.feed(pair.client.seal(ContentType::handshake, finished));
  expect_refused(pair.server, pair.client, TlsError::kBadFinished, AlertDescription::decrypt_error);
}

TEST(ExpectFinished, AFinishedOfAnotherLengthIsDecodeError) {
  Pair pair;
  pair.expecting_finished();
  ByteVector finished = pair.client.finished();
  finished.pop_back();
  finished[3] = static_cast<std::byte>(finished.size() - 4);
  pair.server.feed(pair.client.seal(ContentType::handshake, finished));
  expect_refused(pair.server, pair.client, TlsError::kMalformedHandshake,
                 AlertDescription::decode_error);
}

TEST(ExpectFinished, InRecordsOfOneByteIsAccepted) {
  Pair pair;
  pair.expecting_finished();
  for (const std::byte b : pair.client.finished()) {
    pair.server.feed(pair.client.seal(ContentType::handshake, std::span(&b, 1)));
  }
  EXPECT_TRUE(pair.server.connection().handshake_done());
}

}  // namespace
}  // namespace sluice::test
