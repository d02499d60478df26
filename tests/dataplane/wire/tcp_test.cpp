#include "dataplane/wire/tcp.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

const TcpHeader kPlain{.source_port = 443,
                       .destination_port = 50000,
                       .sequence = SeqNumber(0x01020304),
                       .acknowledgement = SeqNumber(0x05060708),
                       .flags = {.psh = true, .ack = true},
                       .window = 0x1234,
                       .urgent_pointer = 0,
                       .options = {}};

test::ByteVector written(const TcpHeader& header) {
  test::ByteVector bytes(tcp_header_size(header));
  serialize_tcp(header, bytes);
  return bytes;
}

// A header with the given option bytes, padded with end-of-list to a multiple of four.
test::ByteVector with_options(TcpFlags flags, test::ByteVector options) {
  while (options.size() % 4 != 0) options.push_back(std::byte{0});
  TcpHeader header = kPlain;
  header.flags = flags;
  test::ByteVector bytes = written(header);
  bytes[12] = static_cast<std::byte>(((20 + options.size()) / 4) << 4);
  return test::concatenated(bytes, options);
}

constexpr TcpFlags kSyn{.syn = true};
constexpr TcpFlags kAck{.ack = true};

ParsedTcpHeader parsed(const test::ByteVector& segment) {
  const auto result = parse_tcp(segment);
  EXPECT_TRUE(result);
  return result ? *result : ParsedTcpHeader{};
}

TEST(Tcp, PlainHeaderIsWrittenAsRfc9293DrawsIt) {
  EXPECT_EQ(written(kPlain), hex("01bb c350 01020304 05060708 50 18 1234 0000 0000"));
}

TEST(Tcp, PlainHeaderComesBackAsItWasWritten) {
  const auto segment = test::concatenated(written(kPlain), hex("aa bb"));
  EXPECT_EQ(parsed(segment).header, kPlain);
  EXPECT_EQ(parsed(segment).size, 20U);
}

TEST(Tcp, EveryFlagHasItsOwnBit) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const auto flags = TcpFlags::from_octet(static_cast<std::uint8_t>(octet));
    EXPECT_EQ(flags.octet(), octet);
  }
  EXPECT_TRUE(TcpFlags::from_octet(0x12).syn);
  EXPECT_TRUE(TcpFlags::from_octet(0x12).ack);
  EXPECT_FALSE(TcpFlags::from_octet(0x12).fin);
}

TEST(Tcp, SynOptionsComeBackAsTheyWereWritten) {
  TcpHeader header = kPlain;
  header.flags = {.syn = true, .ack = true};
  for (unsigned mask = 0; mask < 16; ++mask) {
    header.options = {};
    if ((mask & 1) != 0) header.options.mss = 1460;
    if ((mask & 2) != 0) header.options.window_scale = 7;
    if ((mask & 4) != 0) header.options.sack_permitted = true;
    if ((mask & 8) != 0) header.options.timestamps = TcpTimestamps{.value = 1, .echo = 2};
    const auto segment = written(header);
    EXPECT_EQ(segment.size() % 4, 0U);
    EXPECT_EQ(parsed(segment).header, header) << mask;
    EXPECT_FALSE(parsed(segment).malformed_options);
  }
}

// Alone, SACK-permitted stands behind its padding; with timestamps it takes the place of theirs.
TEST(Tcp, SackPermittedStandsWhereLinuxWritesIt) {
  TcpHeader header = kPlain;
  header.flags = {.syn = true};
  header.options.sack_permitted = true;
  EXPECT_EQ(written(header), hex("01bb c350 01020304 05060708 60 02 1234 0000 0000 01010402"));
  header.options.timestamps = TcpTimestamps{.value = 1, .echo = 2};
  EXPECT_EQ(written(header), hex("01bb c350 01020304 05060708 80 02 1234 0000 0000"
                                 "0402 080a 00000001 00000002"));
}

TEST(Tcp, SackBlocksComeBackAsTheyWereWritten) {
  for (const bool timestamps : {false, true}) {
    for (std::uint32_t blocks = 0; blocks <= (timestamps ? 3U : 4U); ++blocks) {
      TcpHeader header = kPlain;
      if (timestamps) header.options.timestamps = TcpTimestamps{.value = 1, .echo = 2};
      for (std::uint32_t i = 0; i < blocks; ++i) {
        EXPECT_TRUE(header.options.sack.push_back({SeqNumber(i * 10), SeqNumber(i * 10 + 5)}));
      }
      EXPECT_LE(written(header).size(), TcpHeader::kMaxSize);
      EXPECT_EQ(parsed(written(header)).header, header);
    }
  }
}

TEST(Tcp, FourthSackBlockGivesWayToTimestamps) {
  TcpHeader header = kPlain;
  header.options.timestamps = TcpTimestamps{.value = 1, .echo = 2};
  for (std::uint32_t i = 0; i < SackBlocks::kMax; ++i) {
    header.options.sack.push_back({SeqNumber(i), SeqNumber(i + 1)});
  }
  EXPECT_FALSE(header.options.sack.push_back({}));
  const auto read = parsed(written(header)).header.options.sack;
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read.view()[2], (SackBlock{SeqNumber(2), SeqNumber(3)}));
}

TEST(Tcp, HeaderCutAnywhereIsTruncated) {
  TcpHeader header = kPlain;
  header.options.timestamps = TcpTimestamps{};
  const auto bytes = written(header);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = parse_tcp(base::Bytes(bytes).first(size));
    ASSERT_FALSE(result) << size;
    EXPECT_EQ(result.error(), WireError::kTruncated);
  }
}

TEST(Tcp, DataOffsetBelowFiveIsRefused) {
  for (unsigned words = 0; words < 5; ++words) {
    auto bytes = written(kPlain);
    bytes[12] = static_cast<std::byte>(words << 4);
    const auto result = parse_tcp(bytes);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), WireError::kBadLength);
  }
}

// RFC 9293 3.2 MUST-6.
TEST(Tcp, UnknownOptionsAreSkipped) {
  const auto result = parsed(with_options(kSyn, hex("fe 05 01 02 03 02 04 05b4 1e 02")));
  EXPECT_EQ(result.header.options.mss, 1460);
  EXPECT_FALSE(result.malformed_options);
}

TEST(Tcp, NothingBehindEndOfListCounts) {
  const auto result = parsed(with_options(kSyn, hex("01 00 02 04 05b4 00 00")));
  EXPECT_FALSE(result.header.options.mss);
  EXPECT_FALSE(result.malformed_options);
}

// RFC 9293 3.2 MUST-7.
TEST(Tcp, IllegalOptionLengthsEndTheListAndKeepWhatStoodBefore) {
  for (const char* bad : {"08 00 00 00", "08 01 00 00", "08 0a 00 00", "01 01 01 08"}) {
    const auto result = parsed(with_options(kSyn, test::concatenated(hex("02 04 05b4"), hex(bad))));
    EXPECT_TRUE(result.malformed_options) << bad;
    EXPECT_EQ(result.header.options.mss, 1460) << bad;
    EXPECT_FALSE(result.header.options.timestamps) << bad;
  }
}

TEST(Tcp, KnownOptionsOfAnotherLengthAreSkipped) {
  for (const char* odd :
       {"02 03 05", "03 04 07 07", "04 03 00", "08 06 00000001", "05 06 00000001"}) {
    const auto result = parsed(with_options(kSyn, hex(odd)));
    EXPECT_EQ(result.header.options, TcpOptions{}) << odd;
    EXPECT_FALSE(result.malformed_options) << odd;
  }
}

// RFC 9293 3.7.1, RFC 7323 2.2, RFC 2018 2.
TEST(Tcp, HandshakeOptionsOutsideAHandshakeAreIgnored) {
  const auto options = hex("02 04 05b4 01 03 03 07 04 02");
  EXPECT_EQ(parsed(with_options(kAck, options)).header.options, TcpOptions{});
  EXPECT_EQ(parsed(with_options(kSyn, options)).header.options.window_scale, 7);
}

// RFC 7323 2.3.
TEST(Tcp, WindowScaleAboveFourteenCountsAsFourteen) {
  EXPECT_EQ(parsed(with_options(kSyn, hex("03 03 ff"))).header.options.window_scale, 14);
}

TEST(Tcp, AlignedTimestampsAndOthersAreReadAlike) {
  const TcpTimestamps expected{.value = 0x11223344, .echo = 0x55667788};
  for (const char* layout : {"01 01 08 0a 11223344 55667788", "08 0a 11223344 55667788 01 01",
                             "01 08 0a 11223344 55667788 01", "08 0a 11223344 55667788 00 00"}) {
    EXPECT_EQ(parsed(with_options(kAck, hex(layout))).header.options.timestamps, expected);
  }
}

// With a NOP in front nothing lies where everybody puts it.
TEST(Tcp, OptionsInWordsOfFourBytesAndOthersAreReadAlike) {
  for (const char* words : {
           "0204 05b4 0402 080a 00000011 00000022 01 0303 07",  // Linux
           "0204 05b4 01 0303 08 0101 0402",                    // Windows
           "0204 05b4 01 0303 06 0101 080a 00000011 00000022 0402 0000",
           "0101 0402 0204 0218 0204 0219 01 0303 0f",
           "0402 080a 00000011 00000022 0101 080a 00000033 00000044",
           "01 0303 07 01 0303 0e 0101 0402 0101 0402",
           "0204 05b4 0402 080a 00000011",
           "0101 080a 00000011 0204 05b4",
           "0204 05b4 01 0303 07 0200 0402",
           "01 0303 07 0000 0204 05b4",
       }) {
    for (const TcpFlags flags : {kSyn, kAck}) {
      const auto in_words = parsed(with_options(flags, hex(words)));
      const auto shifted = parsed(with_options(flags, test::concatenated(hex("01"), hex(words))));
      EXPECT_EQ(in_words.header, shifted.header) << words;
    }
  }
}

TEST(Tcp, SecondSackOptionIsIgnored) {
  const auto result =
      parsed(with_options(kAck, hex("05 0a 00000001 00000002 05 0a 00000003 00000004")));
  EXPECT_EQ(result.header.options.sack.size(), 1U);
}

}  // namespace
}  // namespace sluice::wire
