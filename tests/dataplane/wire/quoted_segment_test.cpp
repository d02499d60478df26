#include "dataplane/wire/quoted_segment.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);
const auto kOurs6 = *base::Ipv6Address::parse("2001:db8::2");
const auto kTheirs6 = *base::Ipv6Address::parse("2001:db8::1");
const TcpHeader kHeader{
    .source_port = 40000, .destination_port = 8080, .sequence = SeqNumber(0x01020304)};

test::ByteVector sent(IpProtocol protocol = IpProtocol::kTcp, std::uint16_t fragment_offset = 0) {
  return test::ipv4_packet({.source = kOurs,
                            .destination = kTheirs,
                            .protocol = protocol,
                            .fragment_offset = fragment_offset},
                           test::tcp_segment(kOurs, kTheirs, kHeader));
}

// `extensions` end with a Next Header of TCP; without any, `first` is TCP.
test::ByteVector sent6(IpProtocol first = IpProtocol::kTcp, base::Bytes extensions = {}) {
  return test::ipv6_packet(
      {.source = kOurs6, .destination = kTheirs6, .next_header = first},
      test::concatenated(extensions, test::tcp_segment(kOurs6, kTheirs6, kHeader)));
}

void expect_ours(const base::Result<QuotedSegment, WireError>& quoted,
                 const base::IpAddress& source, const base::IpAddress& destination) {
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->source, source);
  EXPECT_EQ(quoted->destination, destination);
  EXPECT_EQ(quoted->source_port, 40000);
  EXPECT_EQ(quoted->destination_port, 8080);
  EXPECT_EQ(quoted->sequence, SeqNumber(0x01020304));
}

// RFC 792: the header and eight bytes are quoted, no more.
TEST(QuotedSegment, IsReadFromEightBytes) {
  const auto packet = sent();
  expect_ours(parse_quoted_segment(base::Bytes(packet).first(28)), kOurs, kTheirs);
  const auto packet6 = sent6();
  expect_ours(parse_quoted_ipv6_segment(base::Bytes(packet6).first(48)), kOurs6, kTheirs6);
}

TEST(QuotedSegment, WithoutASequenceNumberIsTruncated) {
  const auto packet = sent();
  for (std::size_t size = 0; size < 28; ++size) {
    const auto quoted = parse_quoted_segment(base::Bytes(packet).first(size));
    ASSERT_FALSE(quoted) << size;
    EXPECT_EQ(quoted.error(), WireError::kTruncated);
  }
  const auto packet6 = sent6(IpProtocol{60}, test::hex("06 00 0104 00000000"));
  for (std::size_t size = 0; size < 56; ++size) {
    const auto quoted = parse_quoted_ipv6_segment(base::Bytes(packet6).first(size));
    ASSERT_FALSE(quoted) << size;
    EXPECT_EQ(quoted.error(), WireError::kTruncated);
  }
}

TEST(QuotedSegment, OfAnotherProtocolOrALaterFragmentIsUnsupported) {
  for (const auto& packet : {sent(IpProtocol::kUdp), sent(IpProtocol::kTcp, 8)}) {
    const auto quoted = parse_quoted_segment(packet);
    ASSERT_FALSE(quoted);
    EXPECT_EQ(quoted.error(), WireError::kUnsupported);
  }
  for (const auto& packet :
       {sent6(IpProtocol::kUdp), sent6(IpProtocol::kIcmp),
        sent6(IpProtocol{44}, test::hex("06 00 0008 00000001")),
        sent6(IpProtocol{43}, test::hex("06 00 00 01 00000000")), sent6(IpProtocol{59})}) {
    const auto quoted = parse_quoted_ipv6_segment(packet);
    ASSERT_FALSE(quoted);
    EXPECT_EQ(quoted.error(), WireError::kUnsupported);
  }
}

TEST(QuotedSegment, BehindExtensionHeadersOrInAFirstFragmentIsRead) {
  expect_ours(parse_quoted_ipv6_segment(sent6(IpProtocol{60}, test::hex("06 00 0104 00000000"))),
              kOurs6, kTheirs6);
  // 16 bytes: the size of a fragment with more to come is a multiple of eight.
  auto first_fragment = sent6(IpProtocol{44}, test::hex("06 00 0001 00000001"));
  first_fragment.resize(Ipv6Header::kSize + 8 + 16);
  base::store_be(first_fragment.data() + 4, std::uint16_t{8 + 16});
  expect_ours(parse_quoted_ipv6_segment(first_fragment), kOurs6, kTheirs6);
}

TEST(QuotedSegment, OfTheOtherFamilyIsRefused) {
  const auto in_icmp = parse_quoted_segment(sent6());
  ASSERT_FALSE(in_icmp);
  EXPECT_EQ(in_icmp.error(), WireError::kBadVersion);
  const auto in_icmpv6 = parse_quoted_ipv6_segment(test::concatenated(sent(), sent()));
  ASSERT_FALSE(in_icmpv6);
  EXPECT_EQ(in_icmpv6.error(), WireError::kBadVersion);
}

}  // namespace
}  // namespace sluice::wire
