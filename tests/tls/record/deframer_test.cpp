// Where a record ends, and what is no TLS (RFC 8446 5.1).
#include "tls/record/deframer.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "tests/tls/crypto/vectors.hpp"

namespace sluice::tls {
namespace {

using base::bytes_of;
using test::from_hex;

TEST(Deframer, NothingNeedsAHeader) {
  const auto frame = frame_record({});
  ASSERT_TRUE(frame);
  EXPECT_FALSE(frame->header_complete);
  EXPECT_EQ(frame->size, kRecordHeaderSize);
}

TEST(Deframer, EveryIncompleteHeaderNeedsTheRest) {
  const auto header = from_hex("1603010200");
  for (std::size_t size = 1; size < header.size(); ++size) {
    const auto frame = frame_record(base::Bytes(header).first(size));
    ASSERT_TRUE(frame) << size;
    EXPECT_FALSE(frame->header_complete) << size;
    EXPECT_EQ(frame->size, kRecordHeaderSize) << size;
  }
}

TEST(Deframer, ACompleteHeaderTellsTypeAndSize) {
  const auto frame = frame_record(from_hex("1603010200"));
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->header_complete);
  EXPECT_EQ(frame->type, ContentType::handshake);
  EXPECT_EQ(frame->size, kRecordHeaderSize + 0x200);
}

TEST(Deframer, BytesBehindTheHeaderAreNotLookedAt) {
  const auto frame = frame_record(from_hex("1703030001ffffffffffff"));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->size, kRecordHeaderSize + 1);
}

TEST(Deframer, AnEmptyFragmentIsARecord) {
  const auto frame = frame_record(from_hex("1703030000"));
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->header_complete);
  EXPECT_EQ(frame->size, kRecordHeaderSize);
}

// RFC 8446 5.2: a length of 2^14 + 256 is the last that is allowed.
TEST(Deframer, LengthIsAcceptedUpToTheMaximumAndNotBeyond) {
  const auto longest = frame_record(from_hex("1703034100"));
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->size, kMaxRecordSize);
  for (const auto* header : {"1703034101", "170303ffff"}) {
    const auto frame = frame_record(from_hex(header));
    ASSERT_FALSE(frame) << header;
    EXPECT_EQ(frame.error(), TlsError::kRecordOverflow) << header;
  }
}

// RFC 8446 5.1: legacy_record_version MUST be ignored; every 3.x is TLS or SSL 3.0.
TEST(Deframer, AnyMinorVersionIsTls) {
  for (const auto* header : {"1603000005", "1603010005", "1603040005", "1603ff0005"}) {
    EXPECT_TRUE(frame_record(from_hex(header))) << header;
  }
}

TEST(Deframer, EachContentTypeIsAccepted) {
  for (const auto* header : {"1403030001", "1503030002", "1603030005", "1703030011"}) {
    EXPECT_TRUE(frame_record(from_hex(header))) << header;
  }
}

TEST(Deframer, WhatIsNoTlsIsRefusedWithItsFirstTellingByte) {
  for (const auto* bytes : {"00", "13", "18", "80", "ff", "1602", "16040000", "1600030005"}) {
    const auto frame = frame_record(from_hex(bytes));
    ASSERT_FALSE(frame) << bytes;
    EXPECT_EQ(frame.error(), TlsError::kNotTls) << bytes;
  }
}

TEST(Deframer, HttpRequestsAreToldFromOtherNoise) {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\n", "HEAD /x HTTP/1.0\r\n", "POST / HTTP/1.1\r\n", "PUT /a HTTP/1.1\r\n",
        "DELETE / HTTP/1.1\r\n", "CONNECT a:1 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n",
        "TRACE / HTTP/1.1\r\n", "PATCH / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n"}) {
    for (std::size_t size = 1; size < kRecordHeaderSize; ++size) {
      const auto waiting = frame_record(bytes_of(request.substr(0, size)));
      ASSERT_TRUE(waiting) << request.substr(0, size);
      EXPECT_FALSE(waiting->header_complete);
    }
    const auto frame = frame_record(bytes_of(request));
    ASSERT_FALSE(frame) << request;
    EXPECT_EQ(frame.error(), TlsError::kPlainHttp) << request;
  }
}

TEST(Deframer, TextThatIsNoHttpRequestIsNoise) {
  for (const std::string_view text : {"GETTY", "SSH-2", "G3", "POSTE", "get /", "EHLO "}) {
    const auto frame = frame_record(bytes_of(text));
    ASSERT_FALSE(frame) << text;
    EXPECT_EQ(frame.error(), TlsError::kNotTls) << text;
  }
}

}  // namespace
}  // namespace sluice::tls
