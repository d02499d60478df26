#include "dataplane/net/ipv4.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/frames.hpp"

namespace sluice::net {
namespace {

using base::Ipv4Address;

const Ipv4Subnets kSubnets{std::array{*base::AddressPrefix::parse("198.18.0.2/24")}, std::nullopt};
const wire::Ipv4Header kGood{.source = Ipv4Address::of(203, 0, 113, 1),
                             .destination = Ipv4Address::of(198, 18, 0, 2),
                             .protocol = wire::IpProtocol::kTcp};

std::optional<NetCounter> dropped(const test::ByteVector& packet) {
  const auto accepted = accept_ipv4(packet, wire::HeaderChecksum::kVerify, kSubnets);
  if (accepted) return std::nullopt;
  return accepted.error();
}

std::optional<NetCounter> dropped(const wire::Ipv4Header& header) {
  return dropped(test::ipv4_packet(header, {}));
}

TEST(AcceptIpv4, PacketForUsPasses) {
  EXPECT_EQ(dropped(kGood), std::nullopt);
}

// RFC 1122 3.2.1.7: a host must not discard a packet because of a small time to live.
TEST(AcceptIpv4, SmallTimeToLivePasses) {
  for (const std::uint8_t ttl : {std::uint8_t{0}, std::uint8_t{1}}) {
    wire::Ipv4Header header = kGood;
    header.ttl = ttl;
    EXPECT_EQ(dropped(header), std::nullopt);
  }
}

TEST(AcceptIpv4, MalformedAndCorruptedPacketsAreToldApart) {
  auto packet = test::ipv4_packet(kGood, {});
  packet[8] ^= std::byte{1};
  EXPECT_EQ(dropped(packet), NetCounter::kIpv4BadChecksum);
  packet.resize(19);
  EXPECT_EQ(dropped(packet), NetCounter::kIpv4Malformed);
}

TEST(AcceptIpv4, PacketForAnotherIsNotOursAndOneForEverybodyIsToldApart) {
  wire::Ipv4Header header = kGood;
  header.destination = Ipv4Address::of(198, 18, 0, 3);
  EXPECT_EQ(dropped(header), NetCounter::kIpv4NotOurs);
  for (const auto address : {Ipv4Address::of(198, 18, 0, 255), Ipv4Address::of(255, 255, 255, 255),
                             Ipv4Address::of(224, 0, 0, 1)}) {
    header.destination = address;
    EXPECT_EQ(dropped(header), NetCounter::kIpv4Broadcast) << address.to_string();
  }
}

// RFC 5227 2.1.1.
TEST(AcceptIpv4, PacketForAnAddressThatAnotherNodeHasIsDropped) {
  Ipv4Subnets subnets = kSubnets;
  subnets.addresses()[0].assigned = false;
  const auto accepted =
      accept_ipv4(test::ipv4_packet(kGood, {}), wire::HeaderChecksum::kVerify, subnets);
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error(), NetCounter::kIpv4Unassigned);
}

// RFC 1122 3.2.1.3.
TEST(AcceptIpv4, ImpossibleSourcesAreMartians) {
  for (const auto address : {Ipv4Address::of(0, 0, 0, 0), Ipv4Address::of(0, 1, 2, 3),
                             Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(224, 0, 0, 1),
                             Ipv4Address::of(240, 0, 0, 1), Ipv4Address::of(255, 255, 255, 255),
                             Ipv4Address::of(198, 18, 0, 255), Ipv4Address::of(198, 18, 0, 2)}) {
    wire::Ipv4Header header = kGood;
    header.source = address;
    EXPECT_EQ(dropped(header), NetCounter::kIpv4Martian) << address.to_string();
  }
}

TEST(AcceptIpv4, FragmentsAreDropped) {
  wire::Ipv4Header first = kGood;
  first.more_fragments = true;
  wire::Ipv4Header last = kGood;
  last.fragment_offset = 1480;
  EXPECT_EQ(dropped(first), NetCounter::kIpv4Fragment);
  EXPECT_EQ(dropped(last), NetCounter::kIpv4Fragment);
}

}  // namespace
}  // namespace sluice::net
