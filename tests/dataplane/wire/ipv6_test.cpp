#include "dataplane/wire/ipv6.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

const Ipv6Header kHeader{.source = *base::Ipv6Address::parse("2001:db8::1"),
                         .destination = *base::Ipv6Address::parse("2001:db8::2"),
                         .next_header = IpProtocol::kTcp,
                         .hop_limit = 63,
                         .traffic_class = 0xb9,
                         .flow_label = 0xabcde};

WireError error_of(base::Bytes packet) {
  const auto parsed = parse_ipv6(packet);
  EXPECT_FALSE(parsed);
  return parsed ? WireError{} : parsed.error();
}

TEST(Ipv6, HeaderLiesAsTheSpecificationDrawsIt) {
  EXPECT_EQ(test::ipv6_packet(kHeader, hex("01 02 03")),
            hex("6b9abcde 0003 06 3f 20010db8000000000000000000000001"
                "20010db8000000000000000000000002 010203"));
}

TEST(Ipv6, HeaderComesBackAsItWasWritten) {
  const auto parsed = parse_ipv6(test::ipv6_packet(kHeader, hex("01 02 03")));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, kHeader);
  EXPECT_EQ(parsed->total_size, 43U);
}

TEST(Ipv6, LargestPayloadComesBack) {
  const auto parsed = parse_ipv6(test::ipv6_packet(kHeader, test::ByteVector(65535)));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->total_size, 65575U);
}

TEST(Ipv6, PaddingBehindThePacketIsNotPartOfIt) {
  const auto packet = test::concatenated(test::ipv6_packet(kHeader, hex("01")), hex("00 00 00"));
  const auto parsed = parse_ipv6(packet);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->total_size, 41U);
}

TEST(Ipv6, PacketCutAnywhereIsTruncated) {
  const auto packet = test::ipv6_packet(kHeader, hex("01 02 03"));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_EQ(error_of(base::Bytes(packet).first(size)), WireError::kTruncated) << size;
  }
}

TEST(Ipv6, OtherVersionsAreRefused) {
  auto packet = test::ipv6_packet(kHeader, {});
  for (unsigned version = 0; version < 16; ++version) {
    if (version == 6) continue;
    packet[0] = static_cast<std::byte>(version << 4);
    EXPECT_EQ(error_of(packet), WireError::kBadVersion) << version;
  }
}

TEST(Ipv6, QuotationMayEndBehindItsHeader) {
  const auto packet = test::ipv6_packet(kHeader, test::ByteVector(100));
  const auto quotation = base::Bytes(packet).first(48);
  const auto parsed = parse_quoted_ipv6(quotation);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->total_size, 140U);
  EXPECT_EQ(error_of(quotation), WireError::kTruncated);
}

TEST(Ipv6, RandomHeadersComeBack) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    test::ByteVector packet(Ipv6Header::kSize);
    for (std::byte& b : packet) b = static_cast<std::byte>(random());
    packet[0] = (packet[0] & std::byte{0x0f}) | std::byte{0x60};
    const auto parsed = parse_quoted_ipv6(packet);
    ASSERT_TRUE(parsed);
    test::ByteVector written(Ipv6Header::kSize);
    serialize_ipv6(parsed->header, parsed->total_size, written);
    EXPECT_EQ(written, packet);
  }
}

}  // namespace
}  // namespace sluice::wire
