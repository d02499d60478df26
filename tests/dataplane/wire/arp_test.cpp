#include "dataplane/wire/arp.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

const ArpPacket kReply{.operation = ArpOperation::kReply,
                       .sender_mac = {{std::byte{2}, {}, {}, {}, {}, std::byte{1}}},
                       .sender = base::Ipv4Address::of(198, 18, 0, 1),
                       .target_mac = {{std::byte{2}, {}, {}, {}, {}, std::byte{2}}},
                       .target = base::Ipv4Address::of(198, 18, 0, 2)};
constexpr const char* kReplyHex =
    "0001 0800 06 04 0002 020000000001 c6120001 020000000002 c6120002";

TEST(Arp, ReplyIsWrittenAsRfc826Says) {
  EXPECT_EQ(test::arp_payload(kReply), hex(kReplyHex));
}

TEST(Arp, ReplyIsReadWithTheLinksPaddingBehindIt) {
  const auto parsed = parse_arp(test::concatenated(hex(kReplyHex), test::ByteVector(18)));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, kReply);
}

TEST(Arp, PacketCutAnywhereIsTruncated) {
  const auto packet = hex(kReplyHex);
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const auto parsed = parse_arp(base::Bytes(packet).first(size));
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error(), WireError::kTruncated);
  }
}

TEST(Arp, OtherHardwareProtocolOrAddressSizesAreRefused) {
  for (const std::size_t at : {0U, 1U, 2U, 3U, 4U, 5U}) {
    auto packet = hex(kReplyHex);
    packet[at] ^= std::byte{0x10};
    const auto parsed = parse_arp(packet);
    ASSERT_FALSE(parsed) << at;
    EXPECT_EQ(parsed.error(), WireError::kBadVersion);
  }
}

TEST(Arp, OtherOperationsAreUnsupported) {
  for (const std::uint16_t operation :
       {std::uint16_t{0}, std::uint16_t{3}, std::uint16_t{0xffff}}) {
    auto packet = hex(kReplyHex);
    base::store_be(packet.data() + 6, operation);
    const auto parsed = parse_arp(packet);
    ASSERT_FALSE(parsed) << operation;
    EXPECT_EQ(parsed.error(), WireError::kUnsupported);
  }
}

}  // namespace
}  // namespace sluice::wire
