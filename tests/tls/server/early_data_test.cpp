// Early data that nobody accepts (RFC 8446 section 4.2.10): skipped up to a bound, whether a
// HelloRetryRequest came between or not; offers to resume get a full handshake.
#include <gtest/gtest.h>

#include "tests/tls/server/refusal.hpp"
#include "tls/server/limits.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::TlsCounter;
using tls::TlsError;

Hello offering_early_data() {
  Hello hello;
  hello.early_data = true;
  hello.more_extensions = resumption_offer();
  return hello;
}

// What protection adds to a record's content: type and tag.
constexpr std::size_t kExpansion = 17;

// A record under keys that the server does not have.
ByteVector early_record(std::size_t fragment_size) {
  return record(ContentType::application_data, ByteVector(fragment_size, std::byte{0xed}));
}

// As many bytes as are skipped, in so many records.
void feed_all_that_is_skipped(Server& server, std::size_t records) {
  const std::size_t size = tls::kMaxSkippedEarlyData / records;
  ASSERT_EQ(size * records, tls::kMaxSkippedEarlyData);
  for (std::size_t i = 0; i < records; ++i) server.feed(early_record(size + kExpansion));
  ASSERT_EQ(server.error(), std::nullopt);
  ASSERT_EQ(server.count(TlsCounter::kEarlyDataRecordsSkipped), records);
}

TEST(Resumption, IsAnsweredWithAFullHandshake) {
  Server server;
  ScriptedClient client;
  Hello hello;
  hello.more_extensions = resumption_offer();
  client.shake_hands(server, hello);
  EXPECT_EQ(server.count(TlsCounter::kPskOffersIgnored), 1);
  EXPECT_EQ(client.flight().size(), 4);  // EncryptedExtensions to Finished, none left out
}

TEST(EarlyData, BeforeFinishedIsSkipped) {
  Server server;
  ScriptedClient client;
  client.greet(server, offering_early_data());
  server.feed(early_record(1000));
  server.feed(record(ContentType::change_cipher_spec, unhex("01")));
  server.feed(early_record(2000));
  server.feed(client.seal(ContentType::handshake, client.finished()));
  EXPECT_TRUE(server.connection().handshake_done());
  EXPECT_EQ(server.count(TlsCounter::kEarlyDataRecordsSkipped), 2);
  EXPECT_EQ(server.count(TlsCounter::kEarlyDataRefused), 1);
  EXPECT_EQ(server.received(), "");
}

// RFC 8446 4.2.10: only the payload counts, so that small records may bring as much as large ones.
TEST(EarlyData, UpToTheBoundIsSkippedInRecordsOfAnySize) {
  for (const std::size_t records : {2U, 64U, 512U}) {
    Server server;
    ScriptedClient client;
    client.greet(server, offering_early_data());
    feed_all_that_is_skipped(server, records);
    server.feed(client.seal(ContentType::handshake, client.finished()));
    EXPECT_TRUE(server.connection().handshake_done());
  }
}

TEST(EarlyData, BeyondTheBoundIsRefused) {
  Server server;
  ScriptedClient client;
  client.greet(server, offering_early_data());
  feed_all_that_is_skipped(server, 4);
  server.feed(early_record(1 + kExpansion));
  expect_refused(server, client, TlsError::kTooMuchEarlyData, AlertDescription::unexpected_message);
}

// Records that bring nothing cost a trial decryption each.
TEST(EarlyData, InTooManyRecordsIsRefused) {
  for (const std::size_t fragment : {std::size_t{0}, kExpansion, kExpansion + 1}) {
    Server server;
    ScriptedClient client;
    client.greet(server, offering_early_data());
    for (int i = 0; i < tls::kMaxSkippedEarlyRecords; ++i) server.feed(early_record(fragment));
    ASSERT_EQ(server.error(), std::nullopt);
    server.feed(early_record(fragment));
    expect_refused(server, client, TlsError::kTooMuchEarlyData,
                   AlertDescription::unexpected_message);
  }
}

// RFC 8446 4.2.10: once a record has been opened, skipping is over.
TEST(EarlyData, AfterTheFirstProtectedRecordIsBadRecordMac) {
  Server server;
  ScriptedClient client;
  client.greet(server, offering_early_data());
  server.feed(client.seal(ContentType::handshake, base::Bytes(client.finished()).first(4)));
  server.feed(early_record(1000));
  expect_refused(server, client, TlsError::kBadRecordMac, AlertDescription::bad_record_mac);
}

TEST(EarlyData, NotOfferedIsBadRecordMac) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  server.feed(early_record(1000));
  expect_refused(server, client, TlsError::kBadRecordMac, AlertDescription::bad_record_mac);
}

TEST(EarlyData, BeforeTheSecondHelloIsSkipped) {
  Server server;
  ScriptedClient client;
  Hello first = offering_early_data();
  first.shares.emplace();
  server.feed(first.record());
  const auto sent = records_of(server.output.take());
  const base::Bytes retry = base::Bytes(sent.at(0)).subspan(tls::kRecordHeaderSize);
  server.feed(early_record(1000));
  server.feed(early_record(tls::kMaxRecordFragment));
  EXPECT_EQ(server.count(TlsCounter::kEarlyDataRecordsSkipped), 2);

  Hello second = first;
  second.early_data = false;
  second.shares = Hello().shares;
  client.greet_again(server, first, retry, second);
  // The client has seen our answer: there is no early data under way any more.
  server.feed(early_record(1000));
  expect_refused(server, client, TlsError::kBadRecordMac, AlertDescription::bad_record_mac);
}

TEST(EarlyData, BeforeTheSecondHelloBeyondTheBoundIsRefused) {
  Server server;
  Hello first = offering_early_data();
  first.shares.emplace();
  server.feed(first.record());
  (void)server.output.take();
  feed_all_that_is_skipped(server, 2);
  server.feed(early_record(1 + kExpansion));
  expect_refused(server, TlsError::kTooMuchEarlyData, AlertDescription::unexpected_message);
}

TEST(EarlyData, NotOfferedBeforeTheSecondHelloIsUnexpected) {
  Server server;
  Hello first;
  first.shares.emplace();
  server.feed(first.record());
  (void)server.output.take();
  server.feed(early_record(1000));
  expect_refused(server, TlsError::kUnexpectedRecordType, AlertDescription::unexpected_message);
}

}  // namespace
}  // namespace sluice::test
