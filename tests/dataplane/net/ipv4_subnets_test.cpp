#include "dataplane/net/ipv4_subnets.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::net {
namespace {

using base::Ipv4Address;

const std::array kAddresses = {*base::AddressPrefix::parse("198.18.0.2/24"),
                               *base::AddressPrefix::parse("2001:db8::2/64"),
                               *base::AddressPrefix::parse("198.19.0.9/16")};
const auto kGateway = Ipv4Address::of(198, 18, 0, 1);

Ipv4Subnets with_gateway() {
  return {kAddresses, base::IpAddress(kGateway)};
}
Ipv4Subnets without_gateway() {
  return {kAddresses, std::nullopt};
}

TEST(Ipv4Subnets, OwnsItsAddressesAndNoOthers) {
  EXPECT_TRUE(with_gateway().owns(Ipv4Address::of(198, 18, 0, 2)));
  EXPECT_TRUE(with_gateway().owns(Ipv4Address::of(198, 19, 0, 9)));
  EXPECT_FALSE(with_gateway().owns(kGateway));
  EXPECT_EQ(with_gateway().addresses().size(), 2U);
}

// RFC 1122 3.3.1.1: on the link directly, else by the gateway.
TEST(Ipv4Subnets, NextHopIsTheDestinationOnTheLinkElseTheGateway) {
  const auto on_link = Ipv4Address::of(198, 19, 255, 1);
  const auto off_link = Ipv4Address::of(203, 0, 113, 5);
  EXPECT_EQ(with_gateway().next_hop(on_link), on_link);
  EXPECT_EQ(with_gateway().next_hop(off_link), kGateway);
  EXPECT_EQ(without_gateway().next_hop(off_link), std::nullopt);
}

TEST(Ipv4Subnets, GatewayOutsideEveryNetworkIsOnTheLink) {
  const auto elsewhere = Ipv4Address::of(192, 0, 2, 1);
  const Ipv4Subnets subnets(kAddresses, base::IpAddress(elsewhere));
  EXPECT_TRUE(subnets.on_link(elsewhere));
  EXPECT_TRUE(subnets.is_possible_neighbour(elsewhere));
}

TEST(Ipv4Subnets, BroadcastsAreLimitedAndDirected) {
  EXPECT_TRUE(with_gateway().is_broadcast(Ipv4Address::of(255, 255, 255, 255)));
  EXPECT_TRUE(with_gateway().is_broadcast(Ipv4Address::of(198, 18, 0, 255)));
  EXPECT_TRUE(with_gateway().is_broadcast(Ipv4Address::of(198, 19, 255, 255)));
  EXPECT_FALSE(with_gateway().is_broadcast(Ipv4Address::of(198, 19, 0, 255)));
}

// RFC 3021.
TEST(Ipv4Subnets, PointToPointNetworkHasNoBroadcast) {
  const std::array addresses = {*base::AddressPrefix::parse("198.18.0.2/31")};
  const Ipv4Subnets subnets(addresses, std::nullopt);
  EXPECT_FALSE(subnets.is_broadcast(Ipv4Address::of(198, 18, 0, 3)));
  EXPECT_TRUE(subnets.is_possible_neighbour(Ipv4Address::of(198, 18, 0, 3)));
}

TEST(Ipv4Subnets, SourceIsTheAddressInTheNeighboursNetworkElseTheFirst) {
  EXPECT_EQ(with_gateway().source_towards(Ipv4Address::of(198, 19, 3, 3)),
            Ipv4Address::of(198, 19, 0, 9));
  EXPECT_EQ(with_gateway().source_towards(Ipv4Address::of(192, 0, 2, 1)),
            Ipv4Address::of(198, 18, 0, 2));
}

TEST(Ipv4Subnets, ImpossibleNeighboursAreRecognised) {
  const Ipv4Subnets subnets = with_gateway();
  EXPECT_TRUE(subnets.is_possible_neighbour(Ipv4Address::of(198, 18, 0, 77)));
  EXPECT_FALSE(subnets.is_possible_neighbour(Ipv4Address::of(198, 18, 0, 2)));
  EXPECT_FALSE(subnets.is_possible_neighbour(Ipv4Address::of(198, 18, 0, 255)));
  EXPECT_FALSE(subnets.is_possible_neighbour(Ipv4Address::of(203, 0, 113, 5)));
  EXPECT_FALSE(subnets.is_possible_neighbour(Ipv4Address::of(0, 0, 0, 0)));
  EXPECT_FALSE(subnets.is_possible_neighbour(Ipv4Address::of(224, 0, 0, 1)));
}

// RFC 1812 5.2.4.3.
TEST(Ipv4Subnets, LongestPrefixThatHoldsTheDestinationDecides) {
  const auto route = [](const char* to, const char* via) {
    return base::StaticRoute{.to = *base::AddressPrefix::parse(to),
                             .via = *base::IpAddress::parse(via)};
  };
  const std::array routes = {
      route("203.0.113.0/24", "198.18.0.9"), route("203.0.113.128/25", "198.18.0.8"),
      route("198.19.7.0/24", "198.18.0.7"), route("198.18.0.0/24", "198.18.0.6"),
      route("2001:db8:9::/48", "fe80::9")};
  const Ipv4Subnets subnets(kAddresses, base::IpAddress(kGateway), routes);
  const auto next_hop = [&](std::string_view to) {
    return subnets.next_hop(*Ipv4Address::parse(to))->to_string();
  };
  EXPECT_EQ(next_hop("203.0.113.1"), "198.18.0.9");
  EXPECT_EQ(next_hop("203.0.113.129"), "198.18.0.8");
  EXPECT_EQ(next_hop("203.0.114.1"), "198.18.0.1");
  EXPECT_EQ(next_hop("198.19.7.1"), "198.18.0.7");  // narrower than the network that we are in
  EXPECT_EQ(next_hop("198.19.8.1"), "198.19.8.1");
  EXPECT_EQ(next_hop("198.18.0.77"), "198.18.0.77");  // the same network: we are in it
  EXPECT_EQ(next_hop("198.18.0.1"), "198.18.0.1");
}

TEST(Ipv4Subnets, RouteLeadsWhereNoGatewayDoes) {
  const std::array routes = {base::StaticRoute{.to = *base::AddressPrefix::parse("203.0.113.0/24"),
                                               .via = *base::IpAddress::parse("198.18.0.9")}};
  const Ipv4Subnets subnets(kAddresses, std::nullopt, routes);
  EXPECT_TRUE(subnets.next_hop(Ipv4Address::of(203, 0, 113, 1)));
  EXPECT_FALSE(subnets.next_hop(Ipv4Address::of(203, 0, 114, 1)));
}

}  // namespace
}  // namespace sluice::net
