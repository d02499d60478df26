#include "dataplane/wire/icmp.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);

test::ByteVector sent_segment() {
  const TcpHeader header{
      .source_port = 40000, .destination_port = 8080, .sequence = SeqNumber(0x01020304)};
  return test::ipv4_packet({.source = kOurs, .destination = kTheirs, .protocol = IpProtocol::kTcp},
                           test::tcp_segment(kOurs, kTheirs, header));
}

TEST(Icmp, EchoRequestIsReadWithItsData) {
  const auto message = hex("08 00 b8f4 1234 0001 2cd2 0004");
  const auto parsed = parse_icmp(message);
  ASSERT_TRUE(parsed);
  const auto& echo = std::get<IcmpEcho>(*parsed);
  EXPECT_TRUE(echo.request);
  EXPECT_EQ(echo.identifier, 0x1234);
  EXPECT_EQ(echo.sequence, 1);
  EXPECT_TRUE(base::equal(echo.data, hex("2cd2 0004")));
}

TEST(Icmp, EchoComesBackAsItWasWritten) {
  const auto data = hex("61 62 63");
  for (const bool request : {true, false}) {
    const auto message = test::icmp_message(
        IcmpEcho{.request = request, .identifier = 7, .sequence = 9, .data = data});
    const auto parsed = parse_icmp(message);
    ASSERT_TRUE(parsed);
    const auto& echo = std::get<IcmpEcho>(*parsed);
    EXPECT_EQ(echo.request, request);
    EXPECT_EQ(echo.identifier, 7);
    EXPECT_EQ(echo.sequence, 9);
    EXPECT_TRUE(base::equal(echo.data, data));
  }
}

TEST(Icmp, UnreachableComesBackAsItWasWritten) {
  const auto quoted = sent_segment();
  const auto message = test::icmp_message(IcmpUnreachable{
      .code = UnreachableCode::kFragmentationNeeded, .next_hop_mtu = 1400, .quoted = quoted});
  const auto parsed = parse_icmp(message);
  ASSERT_TRUE(parsed);
  const auto& unreachable = std::get<IcmpUnreachable>(*parsed);
  EXPECT_EQ(unreachable.code, UnreachableCode::kFragmentationNeeded);
  EXPECT_EQ(unreachable.next_hop_mtu, 1400);
  EXPECT_TRUE(base::equal(unreachable.quoted, quoted));
}

TEST(Icmp, ShortMessageIsTruncated) {
  for (std::size_t size = 0; size < kIcmpHeaderSize; ++size) {
    const auto parsed = parse_icmp(test::ByteVector(size));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), WireError::kTruncated);
  }
}

TEST(Icmp, EveryFlippedBitIsNoticed) {
  const auto message = test::icmp_message(IcmpEcho{.identifier = 7, .data = {}});
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    auto flipped = message;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto parsed = parse_icmp(flipped);
    ASSERT_FALSE(parsed) << bit;
    EXPECT_EQ(parsed.error(), WireError::kBadChecksum);
  }
}

TEST(Icmp, OtherTypesAreUnsupported) {
  auto message = hex("05 00 0000 00000000");
  base::store_be(message.data() + 2, std::uint16_t{0xfaff});
  const auto parsed = parse_icmp(message);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), WireError::kUnsupported);
}

}  // namespace
}  // namespace sluice::wire
