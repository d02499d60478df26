#include "dataplane/wire/ipv6_address.hpp"

#include <gtest/gtest.h>

namespace sluice::wire {
namespace {

base::Ipv6Address v6(const char* text) {
  return *base::Ipv6Address::parse(text);
}

constexpr base::MacAddress mac(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                               std::uint8_t e, std::uint8_t f) {
  return {{std::byte{a}, std::byte{b}, std::byte{c}, std::byte{d}, std::byte{e}, std::byte{f}}};
}

TEST(Ipv6AddressKinds, EachIsRecognisedByItsPrefix) {
  EXPECT_TRUE(is_unspecified(v6("::")));
  EXPECT_FALSE(is_unspecified(v6("::1")));
  EXPECT_TRUE(is_loopback(v6("::1")));
  EXPECT_FALSE(is_loopback(v6("::2")));
  EXPECT_FALSE(is_loopback(v6("8000::1")));
  EXPECT_TRUE(is_multicast(v6("ff02::1")));
  EXPECT_FALSE(is_multicast(v6("fe80::1")));
  EXPECT_TRUE(is_link_local(v6("fe80::1")));
  EXPECT_TRUE(is_link_local(v6("febf:ffff::1")));
  EXPECT_FALSE(is_link_local(v6("fec0::1")));
  EXPECT_FALSE(is_link_local(v6("ff80::1")));
  EXPECT_TRUE(is_ipv4_mapped(v6("::ffff:198.18.0.1")));
  EXPECT_FALSE(is_ipv4_mapped(v6("::198.18.0.1")));
  EXPECT_FALSE(is_ipv4_mapped(v6("1::ffff:198.18.0.1")));
}

TEST(Ipv6AddressKinds, GroupsOfTheLinkAreThoseOfTheRegistry) {
  EXPECT_EQ(kAllNodes, v6("ff02::1"));
  EXPECT_EQ(kAllRouters, v6("ff02::2"));
}

// RFC 4291 2.7.1: its example.
TEST(SolicitedNode, GroupHasTheAddressesLowest24Bits) {
  const auto group = solicited_node_multicast(v6("4037::1:800:200e:8c6c"));
  EXPECT_EQ(group, v6("ff02::1:ff0e:8c6c"));
  EXPECT_TRUE(is_solicited_node_multicast(group));
}

TEST(SolicitedNode, OtherGroupsAndAddressesAreNone) {
  for (const char* text :
       {"ff02::1", "ff02::1:fe0e:8c6c", "ff05::1:ff0e:8c6c", "2001:db8::1", "ff02::2:ff0e:8c6c"}) {
    EXPECT_FALSE(is_solicited_node_multicast(v6(text))) << text;
  }
}

// RFC 2464 7.
TEST(MulticastMac, HasTheGroupsLast32Bits) {
  EXPECT_EQ(multicast_mac(v6("ff02::1")), mac(0x33, 0x33, 0, 0, 0, 1));
  EXPECT_EQ(multicast_mac(v6("ff02::1:ff0e:8c6c")), mac(0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c));
  EXPECT_TRUE(multicast_mac(v6("ff02::1")).is_multicast());
}

// RFC 2464 4: its example is the Ethernet address 34-56-78-9A-BC-DE.
TEST(LinkLocalAddress, IsMadeOfTheModifiedEui64Identifier) {
  EXPECT_EQ(link_local_address(mac(0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde)),
            v6("fe80::3656:78ff:fe9a:bcde"));
  EXPECT_EQ(link_local_address(mac(0x02, 0, 0, 0, 0, 0x02)), v6("fe80::ff:fe00:2"));
}

}  // namespace
}  // namespace sluice::wire
