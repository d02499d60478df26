#include "dataplane/wire/ethernet.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

constexpr base::MacAddress kOne{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
constexpr base::MacAddress kTwo{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};

TEST(Ethernet, UntaggedHeaderIsReadFieldByField) {
  const auto parsed = parse_ethernet(hex("020000000001 020000000002 0800 45"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->destination, kOne);
  EXPECT_EQ(parsed->source, kTwo);
  EXPECT_EQ(parsed->type, EtherType::kIpv4);
  EXPECT_FALSE(parsed->vlan);
  EXPECT_EQ(parsed->size(), 14U);
}

TEST(Ethernet, TaggedHeaderShowsTheTypeBehindTheTag) {
  const auto parsed = parse_ethernet(hex("020000000001 020000000002 8100 b123 0806"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->type, EtherType::kArp);
  EXPECT_EQ(parsed->vlan, (VlanTag{.id = 0x123, .priority = 5, .drop_eligible = true}));
  EXPECT_EQ(parsed->size(), 18U);
}

TEST(Ethernet, SecondTagIsNotFollowed) {
  const auto parsed = parse_ethernet(hex("020000000001 020000000002 8100 0001 8100 0002 0800"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->type, EtherType::kVlan);
}

TEST(Ethernet, EveryHeaderComesBackAsItWasWritten) {
  const EthernetHeader plain{.destination = kOne, .source = kTwo, .type = EtherType::kIpv4};
  EthernetHeader tagged = plain;
  tagged.vlan = VlanTag{.id = 0xfff, .priority = 7, .drop_eligible = false};
  for (const EthernetHeader& header : {plain, tagged}) {
    const auto parsed = parse_ethernet(test::ethernet_frame(header, {}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, header);
  }
}

TEST(Ethernet, HeaderCutAnywhereIsTruncated) {
  const auto tagged = hex("020000000001 020000000002 8100 0123 0800");
  for (std::size_t size = 0; size < tagged.size(); ++size) {
    const auto parsed = parse_ethernet(base::Bytes(tagged).first(size));
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error(), WireError::kTruncated);
  }
}

}  // namespace
}  // namespace sluice::wire
