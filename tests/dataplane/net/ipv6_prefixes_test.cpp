#include "dataplane/net/ipv6_prefixes.hpp"

#include <gtest/gtest.h>

#include <array>

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {
namespace {

using base::Ipv6Address;

constexpr base::MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};
const std::array kAddresses = {*base::AddressPrefix::parse("198.18.0.2/24"),
                               *base::AddressPrefix::parse("2001:db8::2/64"),
                               *base::AddressPrefix::parse("2001:db8:1::9/48")};

Ipv6Address v6(std::string_view text) {
  return *Ipv6Address::parse(text);
}
Ipv6Prefixes with_gateway(std::string_view gateway = "2001:db8::1") {
  return {kAddresses, kMac, v6(gateway)};
}
Ipv6Prefixes without_gateway() {
  return {kAddresses, kMac, std::nullopt};
}

TEST(Ipv6Prefixes, AddressOfAnyScopeBringsALinkLocalOne) {
  EXPECT_TRUE(with_gateway().owns(v6("2001:db8::2")));
  EXPECT_TRUE(with_gateway().owns(v6("2001:db8:1::9")));
  EXPECT_TRUE(with_gateway().owns(v6("fe80::ff:fe00:2")));
  EXPECT_FALSE(with_gateway().owns(v6("2001:db8::1")));
}

TEST(Ipv6Prefixes, WithoutAnAddressThereIsNone) {
  const Ipv6Prefixes prefixes{std::span(kAddresses).first(1), kMac, std::nullopt};
  EXPECT_TRUE(prefixes.addresses().empty());
  EXPECT_FALSE(prefixes.on_link(v6("fe80::1")));
}

// RFC 4862 5.4.
TEST(Ipv6Prefixes, AddressIsAssignedOnlyOnceItIsSaidToBe) {
  Ipv6Prefixes prefixes = with_gateway();
  EXPECT_FALSE(prefixes.is_assigned(v6("2001:db8::2")));
  prefixes.addresses()[0].state = AddressState::kAssigned;
  EXPECT_TRUE(prefixes.is_assigned(v6("2001:db8::2")));
  prefixes.addresses()[0].state = AddressState::kDuplicate;
  EXPECT_FALSE(prefixes.is_assigned(v6("2001:db8::2")));
}

// RFC 4861 5.2.
TEST(Ipv6Prefixes, NextHopIsTheDestinationOnTheLinkElseTheGateway) {
  const auto on_link = v6("2001:db8:1:ffff::1");
  const auto off_link = v6("2001:db8:2::1");
  EXPECT_EQ(with_gateway().next_hop(on_link), on_link);
  EXPECT_EQ(with_gateway().next_hop(off_link), v6("2001:db8::1"));
  EXPECT_EQ(without_gateway().next_hop(off_link), std::nullopt);
}

TEST(Ipv6Prefixes, LinkLocalDestinationsAreOnTheLinkAndNeverBehindTheGateway) {
  EXPECT_EQ(without_gateway().next_hop(v6("fe80::1")), v6("fe80::1"));
  EXPECT_EQ(with_gateway().next_hop(v6("fe80:0:0:1::1")), std::nullopt);
}

TEST(Ipv6Prefixes, GatewayOutsideEveryPrefixIsOnTheLink) {
  const Ipv6Prefixes prefixes = with_gateway("2001:db8:ffff::1");
  EXPECT_TRUE(prefixes.on_link(v6("2001:db8:ffff::1")));
  EXPECT_TRUE(prefixes.is_possible_neighbour(v6("2001:db8:ffff::1")));
}

// RFC 4291 2.8.
TEST(Ipv6Prefixes, GroupsAreAllNodesAndThoseOfOurAddresses) {
  EXPECT_TRUE(with_gateway().is_our_group(wire::kAllNodes));
  EXPECT_TRUE(with_gateway().is_our_group(v6("ff02::1:ff00:2")));
  EXPECT_TRUE(with_gateway().is_our_group(v6("ff02::1:ff00:9")));
  EXPECT_FALSE(with_gateway().is_our_group(v6("ff02::1:ff00:3")));
  EXPECT_FALSE(with_gateway().is_our_group(wire::kAllRouters));
}

TEST(Ipv6Prefixes, SourceIsTheAddressInTheNeighboursPrefixElseAnyThatMayBeUsed) {
  Ipv6Prefixes prefixes = with_gateway();
  EXPECT_EQ(prefixes.source_towards(v6("2001:db8:1::5")), std::nullopt);
  for (auto& prefix : prefixes.addresses()) prefix.state = AddressState::kAssigned;
  EXPECT_EQ(prefixes.source_towards(v6("2001:db8:1::5")), v6("2001:db8:1::9"));
  EXPECT_EQ(prefixes.source_towards(v6("fe80::5")), v6("fe80::ff:fe00:2"));
  EXPECT_EQ(prefixes.source_towards(v6("2001:db8:7::5")), v6("2001:db8::2"));
  prefixes.addresses()[0].state = AddressState::kDuplicate;
  EXPECT_EQ(prefixes.source_towards(v6("2001:db8::5")), v6("2001:db8:1::9"));
}

TEST(Ipv6Prefixes, ImpossibleNeighboursAreRecognised) {
  const Ipv6Prefixes prefixes = with_gateway();
  EXPECT_TRUE(prefixes.is_possible_neighbour(v6("2001:db8::77")));
  EXPECT_TRUE(prefixes.is_possible_neighbour(v6("fe80::77")));
  for (const auto* text : {"2001:db8::2", "2001:db8:7::1", "::", "::1", "ff02::1"}) {
    EXPECT_FALSE(prefixes.is_possible_neighbour(v6(text))) << text;
  }
}

TEST(Ipv6Prefixes, LongestPrefixThatHoldsTheDestinationDecides) {
  const auto route = [](const char* to, const char* via) {
    return base::StaticRoute{.to = *base::AddressPrefix::parse(to),
                             .via = *base::IpAddress::parse(via)};
  };
  const std::array routes = {route("2001:db8:9::/48", "fe80::9"),
                             route("2001:db8:9:8::/64", "fe80::8"),
                             route("203.0.113.0/24", "198.18.0.9")};
  const Ipv6Prefixes prefixes(kAddresses, kMac, base::Ipv6Address::parse("fe80::1"), routes);
  const auto next_hop = [&](std::string_view to) {
    return prefixes.next_hop(*base::Ipv6Address::parse(to))->to_string();
  };
  EXPECT_EQ(next_hop("2001:db8:9::1"), "fe80::9");
  EXPECT_EQ(next_hop("2001:db8:9:8::1"), "fe80::8");
  EXPECT_EQ(next_hop("2001:db8:a::1"), "fe80::1");
  EXPECT_EQ(next_hop("2001:db8::77"), "2001:db8::77");
  EXPECT_EQ(next_hop("fe80::77"), "fe80::77");
  EXPECT_TRUE(prefixes.on_link(*base::Ipv6Address::parse("fe80::9")));
}

}  // namespace
}  // namespace sluice::net
