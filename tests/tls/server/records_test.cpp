// Records by length, type and content, where the record layer and the state machine meet
// (RFC 8446 section 5), and what is no TLS at all.
#include <gtest/gtest.h>

#include "tests/tls/server/refusal.hpp"
#include "tls/server/limits.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::TlsCounter;
using tls::TlsError;

ByteVector change_cipher_spec() {
  return record(ContentType::change_cipher_spec, unhex("01"));
}

TEST(NotTls, HttpRequestsHaveACounterOfTheirOwn) {
  for (const char* request : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n",
                              "HEAD / HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    Server server;
    server.feed(bytes(request));
    expect_refused(server, TlsError::kPlainHttp, AlertDescription::unexpected_message);
    EXPECT_EQ(server.count(TlsCounter::kHandshakesStarted), 0);
  }
}

TEST(NotTls, OtherFirstBytesToo) {
  for (const char* noise : {"SSH-2.0-OpenSSH_9.2\r\n", "\x80\x2e\x01\x03\x01", "\x05\x01\x00"}) {
    Server server;
    server.feed(bytes(noise));
    expect_refused(server, TlsError::kNotTls, AlertDescription::unexpected_message);
  }
}

// RFC 8446 5.1: at most 2^14 bytes of plaintext.
TEST(PlainRecord, OfTheGreatestLengthIsAccepted) {
  Server server;
  ByteVector fragment = unhex("01003ffc");
  fragment.resize(tls::kMaxPlaintextFragment);
  server.feed(record(ContentType::handshake, fragment));
  EXPECT_EQ(server.error(), TlsError::kMalformedHandshake);  // it was read, to its end
}

TEST(PlainRecord, LongerIsRecordOverflow) {
  for (const std::size_t size : {tls::kMaxPlaintextFragment + 1, tls::kMaxRecordFragment,
                                 tls::kMaxRecordFragment + 1, std::size_t{0xffff}}) {
    Server server;
    server.feed(record(ContentType::handshake, ByteVector(size, std::byte{1})));
    expect_refused(server, TlsError::kRecordOverflow, AlertDescription::record_overflow);
  }
}

// RFC 8446 5.1: implementations MUST NOT send zero-length handshake fragments.
TEST(PlainRecord, EmptyHandshakeIsUnexpected) {
  Server server;
  server.feed(record(ContentType::handshake, {}));
  expect_refused(server, TlsError::kEmptyFragment, AlertDescription::unexpected_message);
}

TEST(PlainRecord, TypesBetweenFragmentsOfTheHelloAreRefused) {
  Server server;
  const ByteVector hello = Hello().message();
  server.feed(record(ContentType::handshake, base::Bytes(hello).first(10)));
  server.feed(change_cipher_spec());
  expect_refused(server, TlsError::kUnexpectedRecordType, AlertDescription::unexpected_message);
}

TEST(ProtectedRecord, OfTheGreatestLengthIsAcceptedBothWays) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  const std::string largest(tls::ServerConnection::kMaxPlaintext, 'x');
  server.feed(client.seal(ContentType::application_data, base::bytes_of(largest)));
  EXPECT_EQ(server.received(), largest);
  server.seal(largest);
  const ByteVector sealed = server.output.take();
  EXPECT_EQ(sealed.size(), largest.size() + tls::ServerConnection::kRecordOverhead);
  EXPECT_EQ(base::text_of(client.open(sealed).at(0).content), largest);
}

TEST(ProtectedRecord, LongerIsRecordOverflow) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(record(ContentType::application_data, ByteVector(tls::kMaxRecordFragment + 1)));
  expect_refused(server, client, TlsError::kRecordOverflow, AlertDescription::record_overflow);
}

TEST(ProtectedRecord, ThatDoesNotAuthenticateIsBadRecordMac) {
  for (const bool connected : {false, true}) {
    Server server;
    ScriptedClient client;
    connected ? client.shake_hands(server) : client.greet(server);
    ByteVector sealed = client.seal(ContentType::application_data, bytes("data"));
    sealed.back() ^= std::byte{1};
    server.feed(sealed);
    expect_refused(server, client, TlsError::kBadRecordMac, AlertDescription::bad_record_mac);
    EXPECT_EQ(server.received(), "");
  }
}

TEST(ProtectedRecord, ShorterThanATagIsBadRecordMac) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(record(ContentType::application_data, unhex("00112233")));
  expect_refused(server, client, TlsError::kBadRecordMac, AlertDescription::bad_record_mac);
}

// RFC 8446 5.4: padding only.
TEST(ProtectedRecord, WithoutContentTypeIsUnexpected) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(client.seal(ContentType::invalid, unhex("000000")));
  expect_refused(server, client, TlsError::kNoContentType, AlertDescription::unexpected_message);
}

// RFC 8446 5.4: empty application data is allowed, empty handshake and alert content is not.
TEST(ProtectedRecord, EmptyApplicationDataIsTakenUpToABound) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  for (int i = 0; i < tls::kMaxEmptyRecords; ++i) {
    server.feed(client.seal(ContentType::application_data, {}));
  }
  server.feed(client.seal(ContentType::application_data, bytes("x")));  // starts the count anew
  for (int i = 0; i < tls::kMaxEmptyRecords; ++i) {
    server.feed(client.seal(ContentType::application_data, {}));
  }
  ASSERT_EQ(server.error(), std::nullopt);
  server.feed(client.seal(ContentType::application_data, {}));
  expect_refused(server, client, TlsError::kTooManyEmptyRecords,
                 AlertDescription::unexpected_message);
}

TEST(ProtectedRecord, EmptyHandshakeOrAlertIsUnexpected) {
  for (const ContentType type : {ContentType::handshake, ContentType::alert}) {
    Server server;
    ScriptedClient client;
    client.shake_hands(server);
    server.feed(client.seal(type, {}));
    expect_refused(server, client, TlsError::kEmptyFragment, AlertDescription::unexpected_message);
  }
}

// RFC 8446 5.1: no other type between the fragments of a message.
TEST(ProtectedRecord, ApplicationDataBetweenFragmentsIsRefused) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.feed(client.seal(ContentType::handshake, unhex("1800")));
  server.feed(client.seal(ContentType::application_data, bytes("between")));
  expect_refused(server, client, TlsError::kInterleavedMessage,
                 AlertDescription::unexpected_message);
}

// RFC 8446 5: dropped between the first ClientHello and Finished, if it is the single byte 1.
TEST(ChangeCipherSpec, BeforeFinishedIsDroppedUpToABound) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  for (int i = 0; i < tls::kMaxChangeCipherSpecs; ++i) server.feed(change_cipher_spec());
  EXPECT_EQ(server.error(), std::nullopt);
  EXPECT_EQ(server.count(TlsCounter::kChangeCipherSpecs), tls::kMaxChangeCipherSpecs);
  server.feed(change_cipher_spec());
  expect_refused(server, client, TlsError::kTooManyChangeCipherSpecs,
                 AlertDescription::unexpected_message);
}

TEST(ChangeCipherSpec, WithAnotherContentIsUnexpected) {
  for (const char* content : {"00", "02", "0101", ""}) {
    Server server;
    ScriptedClient client;
    client.greet(server);
    server.feed(record(ContentType::change_cipher_spec, unhex(content)));
    expect_refused(server, client, TlsError::kBadChangeCipherSpec,
                   AlertDescription::unexpected_message);
  }
}

TEST(ChangeCipherSpec, BetweenFragmentsOfFinishedIsRefused) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  const ByteVector finished = client.finished();
  server.feed(client.seal(ContentType::handshake, base::Bytes(finished).first(7)));
  server.feed(change_cipher_spec());
  expect_refused(server, client, TlsError::kInterleavedMessage,
                 AlertDescription::unexpected_message);
}

}  // namespace
}  // namespace sluice::test
