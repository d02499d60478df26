#include "dataplane/wire/ipv4.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

const Ipv4Header kHeader{.source = base::Ipv4Address::of(198, 18, 0, 1),
                         .destination = base::Ipv4Address::of(198, 18, 0, 2),
                         .protocol = IpProtocol::kTcp,
                         .ttl = 63,
                         .traffic_class = 0x12,
                         .identification = 0xbeef,
                         .dont_fragment = true};

// Recomputes the checksum after a test has changed the header.
test::ByteVector resealed(test::ByteVector packet) {
  const std::size_t size = std::to_integer<std::size_t>(packet[0] & std::byte{0xf}) * 4;
  base::store_be(packet.data() + kIpv4ChecksumOffset, std::uint16_t{0});
  base::store_be(packet.data() + kIpv4ChecksumOffset,
                 internet_checksum(base::Bytes(packet).first(std::min(size, packet.size()))));
  return packet;
}

WireError error_of(const test::ByteVector& packet) {
  const auto parsed = parse_ipv4(packet, HeaderChecksum::kVerify);
  EXPECT_FALSE(parsed);
  return parsed ? WireError{} : parsed.error();
}

// The example header of the many texts on RFC 1071.
TEST(Ipv4, KnownHeaderHasItsKnownChecksum) {
  const auto header = hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  const auto parsed =
      parse_ipv4(test::concatenated(header, test::ByteVector(0x73 - 20)), HeaderChecksum::kVerify);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.protocol, IpProtocol::kUdp);
  EXPECT_EQ(parsed->total_size, 0x73U);
  test::ByteVector written(20);
  serialize_ipv4(parsed->header, parsed->total_size, written);
  EXPECT_EQ(written, header);
}

TEST(Ipv4, HeaderComesBackAsItWasWritten) {
  const auto packet = test::ipv4_packet(kHeader, hex("01 02 03"));
  const auto parsed = parse_ipv4(packet, HeaderChecksum::kVerify);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, kHeader);
  EXPECT_EQ(parsed->size, 20U);
  EXPECT_EQ(parsed->total_size, 23U);
}

TEST(Ipv4, PaddingBehindThePacketIsNotPartOfIt) {
  const auto packet = test::concatenated(test::ipv4_packet(kHeader, hex("01")), hex("00 00 00"));
  const auto parsed = parse_ipv4(packet, HeaderChecksum::kVerify);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->total_size, 21U);
}

TEST(Ipv4, OptionsAreSkipped) {
  const auto packet =
      resealed(hex("46 00 0019 0000 4000 40 06 0000 c6120001 c6120002 01010100 aa"));
  const auto parsed = parse_ipv4(packet, HeaderChecksum::kVerify);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->size, 24U);
  EXPECT_EQ(parsed->total_size, 25U);
}

TEST(Ipv4, FragmentsAreRecognised) {
  Ipv4Header first = kHeader;
  first.more_fragments = true;
  Ipv4Header last = kHeader;
  last.fragment_offset = 65528;
  for (const Ipv4Header& header : {first, last}) {
    const auto parsed = parse_ipv4(test::ipv4_packet(header, {}), HeaderChecksum::kVerify);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->header, header);
    EXPECT_TRUE(parsed->header.is_fragment());
  }
  EXPECT_FALSE(kHeader.is_fragment());
}

TEST(Ipv4, PacketCutAnywhereIsTruncated) {
  const auto packet = test::ipv4_packet(kHeader, hex("01 02 03"));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const auto cut = base::Bytes(packet).first(size);
    EXPECT_EQ(error_of({cut.begin(), cut.end()}), WireError::kTruncated) << size;
  }
}

TEST(Ipv4, OtherVersionsAreRefused) {
  auto packet = test::ipv4_packet(kHeader, {});
  packet[0] = std::byte{0x65};
  EXPECT_EQ(error_of(resealed(packet)), WireError::kBadVersion);
}

TEST(Ipv4, HeaderShorterThanItsMinimumIsRefused) {
  auto packet = test::ipv4_packet(kHeader, {});
  for (const unsigned words : {0U, 4U}) {
    packet[0] = static_cast<std::byte>(0x40 | words);
    EXPECT_EQ(error_of(packet), WireError::kBadLength);
  }
}

TEST(Ipv4, TotalLengthShorterThanTheHeaderIsRefused) {
  auto packet = test::ipv4_packet(kHeader, {});
  base::store_be(packet.data() + 2, std::uint16_t{19});
  EXPECT_EQ(error_of(resealed(packet)), WireError::kBadLength);
}

TEST(Ipv4, OptionsBeyondThePacketAreTruncated) {
  auto packet = test::ipv4_packet(kHeader, {});
  packet[0] = std::byte{0x4f};
  base::store_be(packet.data() + 2, std::uint16_t{60});
  EXPECT_EQ(error_of(packet), WireError::kTruncated);
}

// RFC 1122 3.2.1.2.
TEST(Ipv4, EveryFlippedBitOfTheHeaderIsNoticed) {
  const auto packet = test::ipv4_packet(kHeader, {});
  for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
    auto flipped = packet;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(parse_ipv4(flipped, HeaderChecksum::kVerify)) << bit;
  }
}

TEST(Ipv4, ChecksumIsNotLookedAtWhereTheDeviceHasVerifiedIt) {
  auto packet = test::ipv4_packet(kHeader, {});
  packet[kIpv4ChecksumOffset] ^= std::byte{1};
  EXPECT_EQ(error_of(packet), WireError::kBadChecksum);
  EXPECT_TRUE(parse_ipv4(packet, HeaderChecksum::kTrust));
}

TEST(Ipv4, QuotationMayEndBehindItsHeader) {
  const auto packet = test::ipv4_packet(kHeader, test::ByteVector(100));
  const auto quotation = base::Bytes(packet).first(28);
  EXPECT_TRUE(parse_quoted_ipv4(quotation));
  EXPECT_FALSE(parse_ipv4(quotation, HeaderChecksum::kVerify));
}

}  // namespace
}  // namespace sluice::wire
