#include "base/address.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace sluice::base {
namespace {

using namespace std::string_view_literals;

TEST(MacAddress, PrintsAndKnowsGroups) {
  const MacAddress mac{{std::byte{0x02}, std::byte{0}, std::byte{0xc6}, std::byte{0x12},
                        std::byte{0}, std::byte{0x0f}}};
  EXPECT_EQ(mac.to_string(), "02:00:c6:12:00:0f");
  EXPECT_FALSE(mac.is_multicast());
  EXPECT_TRUE(MacAddress::broadcast().is_multicast());
}

TEST(Ipv4Address, ParsesWhatItPrints) {
  const auto address = Ipv4Address::parse("198.18.0.2");
  ASSERT_TRUE(address);
  EXPECT_EQ(*address, Ipv4Address::of(198, 18, 0, 2));
  EXPECT_EQ(address->to_string(), "198.18.0.2");
}

TEST(Ipv4Address, RefusesWhatIsNoDottedQuad) {
  for (const std::string_view text :
       {""sv, "198.18.0"sv, "198.18.0.256"sv, "198.18.0.2.1"sv, " 198.18.0.2"sv, "198.18.0.2 "sv,
        "0x1.2.3.4"sv, "::1"sv, "198.18.0.2\0x"sv}) {
    EXPECT_FALSE(Ipv4Address::parse(text)) << text;
  }
}

TEST(Ipv4Address, KnowsItsKinds) {
  EXPECT_TRUE(Ipv4Address::of(0, 0, 0, 0).is_unspecified());
  EXPECT_TRUE(Ipv4Address::of(127, 3, 2, 1).is_loopback());
  EXPECT_TRUE(Ipv4Address::of(224, 0, 0, 1).is_multicast());
  EXPECT_TRUE(Ipv4Address::of(239, 255, 255, 255).is_multicast());
  EXPECT_FALSE(Ipv4Address::of(240, 0, 0, 1).is_multicast());
  EXPECT_TRUE(Ipv4Address::of(255, 255, 255, 255).is_broadcast());
  EXPECT_FALSE(Ipv4Address::of(198, 18, 0, 2).is_loopback());
}

// RFC 5952: the text form that addresses are printed in.
TEST(Ipv6Address, PrintsTheCanonicalForm) {
  const auto address = Ipv6Address::parse("2001:0DB8:0:0:0:0:0:2");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->to_string(), "2001:db8::2");
  EXPECT_FALSE(Ipv6Address::parse("2001:db8:::2"));
  EXPECT_FALSE(Ipv6Address::parse("::1\0"sv));
}

TEST(IpAddress, RemembersItsFamily) {
  const auto v4 = IpAddress::parse("198.18.0.2");
  const auto v6 = IpAddress::parse("::fffe:198.18.0.2");
  ASSERT_TRUE(v4 && v6);
  EXPECT_TRUE(v4->is_ipv4());
  EXPECT_FALSE(v6->is_ipv4());
  EXPECT_NE(*v4, *v6);
  EXPECT_EQ(v4->ipv4(), Ipv4Address::of(198, 18, 0, 2));
  EXPECT_EQ(v4->to_string(), "198.18.0.2");
}

TEST(IpAddress, MappedFormIsNoTextOfAnIpv4Address) {
  EXPECT_FALSE(IpAddress::parse("::ffff:198.18.0.2"));
}

TEST(IpAddress, DefaultIsTheUnspecifiedIpv4Address) {
  EXPECT_EQ(IpAddress(), IpAddress(Ipv4Address()));
}

TEST(AddressPrefix, ContainsItsNetworkOnly) {
  const auto prefix = AddressPrefix::parse("198.18.0.2/24");
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->to_string(), "198.18.0.2/24");
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("198.18.0.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("198.18.1.0")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("::fffe:198.18.0.1")));
}

TEST(AddressPrefix, EdgeLengths) {
  EXPECT_TRUE(AddressPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("203.0.113.9")));
  const auto host = AddressPrefix::parse("198.18.0.2/32");
  EXPECT_TRUE(host->contains(*IpAddress::parse("198.18.0.2")));
  EXPECT_FALSE(host->contains(*IpAddress::parse("198.18.0.3")));
  const auto odd = AddressPrefix::parse("2001:db8::/33");
  EXPECT_TRUE(odd->contains(*IpAddress::parse("2001:db8:7fff::1")));
  EXPECT_FALSE(odd->contains(*IpAddress::parse("2001:db8:8000::1")));
}

TEST(AddressPrefix, RefusesWhatIsNoPrefix) {
  for (const std::string_view text : {"198.18.0.2"sv, "198.18.0.2/"sv, "198.18.0.2/33"sv,
                                      "198.18.0.2/-1"sv, "/24"sv, "::/129"sv, "::/1x"sv}) {
    EXPECT_FALSE(AddressPrefix::parse(text)) << text;
  }
}

TEST(SocketAddress, ParsesWhatItPrintsInBothFamilies) {
  for (const std::string_view text : {"198.18.0.2:443"sv, "[2001:db8::2]:443"sv}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->port, 443);
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(SocketAddress, RefusesWhatIsNoAddressWithAPort) {
  for (const std::string_view text :
       {"198.18.0.2"sv, "198.18.0.2:"sv, "198.18.0.2:65536"sv, ":443"sv, "[198.18.0.2]:443"sv,
        "2001:db8::2:443"sv, "[2001:db8::2]"sv, "198.18.0.2:+1"sv, "198.18.0.2:4 "sv}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::base
