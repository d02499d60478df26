// Finished, KeyUpdate, Alert.
#include <gtest/gtest.h>

#include "tests/tls/support/bytes.hpp"
#include "tests/tls/support/rfc8448.hpp"
#include "tls/codec/alert.hpp"
#include "tls/codec/finished.hpp"
#include "tls/codec/key_update.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::KeyUpdateRequest;
using tls::TlsError;

TEST(Finished, OfTheTraceIsReadAndWrittenAgain) {
  const ByteVector message = unhex(rfc8448::kServerFinished);
  const auto verify_data = tls::parse_finished(base::Bytes(message).subspan(4), 32);
  ASSERT_TRUE(verify_data);
  EXPECT_EQ(hex(written([&](base::Writer& writer) { tls::write_finished(writer, *verify_data); })),
            rfc8448::kServerFinished);
}

TEST(Finished, OfAnotherLengthIsRefused) {
  for (const std::size_t size : {0U, 31U, 33U, 48U}) {
    EXPECT_FALSE(tls::parse_finished(ByteVector(size), 32));
  }
}

TEST(KeyUpdate, IsReadAsItWasWritten) {
  for (const KeyUpdateRequest request :
       {KeyUpdateRequest::update_not_requested, KeyUpdateRequest::update_requested}) {
    const ByteVector message =
        written([&](base::Writer& writer) { tls::write_key_update(writer, request); });
    EXPECT_EQ(message.size(), tls::kKeyUpdateSize);
    const auto read = tls::parse_key_update(base::Bytes(message).subspan(4));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, request);
  }
}

TEST(KeyUpdate, OtherValuesAndLengthsAreRefused) {
  EXPECT_EQ(tls::parse_key_update(unhex("02")).error(), TlsError::kBadKeyUpdate);
  EXPECT_EQ(tls::parse_key_update({}).error(), TlsError::kMalformedHandshake);
  EXPECT_EQ(tls::parse_key_update(unhex("0000")).error(), TlsError::kMalformedHandshake);
}

TEST(Alert, IsReadAsItWasWritten) {
  const auto bytes = tls::Alert::of(AlertDescription::decode_error).serialize();
  EXPECT_EQ(hex(bytes), "0232");
  EXPECT_EQ(tls::Alert::parse(bytes)->description, AlertDescription::decode_error);
}

// RFC 8446 6.
TEST(Alert, ClosuresAreWarningsAndAllOthersFatal) {
  EXPECT_EQ(hex(tls::Alert::of(AlertDescription::close_notify).serialize()), "0100");
  EXPECT_EQ(hex(tls::Alert::of(AlertDescription::user_canceled).serialize()), "015a");
  EXPECT_EQ(hex(tls::Alert::of(AlertDescription::no_application_protocol).serialize()), "0278");
}

TEST(Alert, OfAnotherLengthIsRefused) {
  for (const char* record : {"", "02", "020202"}) {
    EXPECT_EQ(tls::Alert::parse(unhex(record)).error(), TlsError::kMalformedAlert);
  }
}

}  // namespace
}  // namespace sluice::test
