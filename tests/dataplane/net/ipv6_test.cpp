#include "dataplane/net/ipv6.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/frames.hpp"

namespace sluice::net {
namespace {

using base::Ipv6Address;

constexpr base::MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};

Ipv6Address v6(std::string_view text) {
  return *Ipv6Address::parse(text);
}
Ipv6Prefixes prefixes(AddressState state = AddressState::kAssigned) {
  Ipv6Prefixes all(std::array{*base::AddressPrefix::parse("2001:db8::2/64")}, kMac, std::nullopt);
  for (auto& prefix : all.addresses()) prefix.state = state;
  return all;
}
wire::Ipv6Header good() {
  return {.source = v6("2001:db8:ffff::1"),
          .destination = v6("2001:db8::2"),
          .next_header = wire::IpProtocol::kTcp};
}
// In front of TCP.
wire::Ipv6Header with_chain(std::uint8_t first) {
  wire::Ipv6Header header = good();
  header.next_header = wire::IpProtocol{first};
  return header;
}

std::optional<NetCounter> dropped(const test::ByteVector& packet,
                                  AddressState state = AddressState::kAssigned) {
  const auto accepted = accept_ipv6(packet, prefixes(state));
  if (accepted) return std::nullopt;
  return accepted.error().why;
}
std::optional<NetCounter> dropped(const wire::Ipv6Header& header,
                                  const test::ByteVector& payload = test::ByteVector(20)) {
  return dropped(test::ipv6_packet(header, payload));
}
std::optional<NetCounter> dropped_from(std::string_view source) {
  wire::Ipv6Header header = good();
  header.source = v6(source);
  return dropped(header);
}

TEST(AcceptIpv6, PacketForUsPasses) {
  EXPECT_EQ(dropped(good()), std::nullopt);
}

// RFC 8200 3.
TEST(AcceptIpv6, SmallHopLimitPasses) {
  wire::Ipv6Header header = good();
  header.hop_limit = 0;
  EXPECT_EQ(dropped(header), std::nullopt);
}

TEST(AcceptIpv6, TruncatedAndForeignVersionsAreMalformed) {
  auto packet = test::ipv6_packet(good(), test::ByteVector(20));
  packet.pop_back();
  EXPECT_EQ(dropped(packet), NetCounter::kIpv6Malformed);
  packet.resize(39);
  EXPECT_EQ(dropped(packet), NetCounter::kIpv6Malformed);
  auto other = test::ipv6_packet(good(), test::ByteVector(20));
  other[0] = std::byte{0x45};
  EXPECT_EQ(dropped(other), NetCounter::kIpv6Malformed);
}

TEST(AcceptIpv6, PacketForAnotherIsNotOurs) {
  for (const auto* address : {"2001:db8::3", "::1", "ff02::2", "ff02::1:ff00:3"}) {
    wire::Ipv6Header header = good();
    header.destination = v6(address);
    EXPECT_EQ(dropped(header), NetCounter::kIpv6NotOurs) << address;
  }
}

// RFC 4862 5.4.
TEST(AcceptIpv6, PacketForAnAddressThatIsNotAssignedIsDropped) {
  const auto packet = test::ipv6_packet(good(), test::ByteVector(20));
  EXPECT_EQ(dropped(packet, AddressState::kTentative), NetCounter::kIpv6Unassigned);
  EXPECT_EQ(dropped(packet, AddressState::kDuplicate), NetCounter::kIpv6Unassigned);
}

TEST(AcceptIpv6, ImpossibleSourcesAreMartians) {
  for (const auto* address :
       {"::", "::1", "ff02::1", "::ffff:198.18.0.1", "2001:db8::2", "fe80::ff:fe00:2"}) {
    EXPECT_EQ(dropped_from(address), NetCounter::kIpv6Martian) << address;
  }
  EXPECT_EQ(dropped_from("fe80::1"), std::nullopt);
}

// RFC 9293 3.9.2.3 MUST-57: TCP does not speak to groups.
TEST(AcceptIpv6, OnlyIcmpMayComeToAGroup) {
  wire::Ipv6Header header = good();
  header.destination = v6("ff02::1");
  EXPECT_EQ(dropped(header), NetCounter::kIpv6NotOurs);
  header.next_header = wire::IpProtocol::kIcmpv6;
  EXPECT_EQ(dropped(header), std::nullopt);
}

TEST(AcceptIpv6, OtherProtocolsAreCounted) {
  wire::Ipv6Header header = good();
  header.next_header = wire::IpProtocol::kUdp;
  EXPECT_EQ(dropped(header), NetCounter::kIpv6UnknownProtocol);
  EXPECT_EQ(dropped(with_chain(59)), NetCounter::kIpv6UnknownProtocol);  // No Next Header
}

TEST(AcceptIpv6, OptionsThatMayBeSkippedAreSkipped) {
  const auto packet =
      test::ipv6_packet(with_chain(60), test::hex("06 00 1e 04 00000000 0000000000000000"));
  const auto accepted = accept_ipv6(packet, prefixes());
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->upper.protocol, wire::IpProtocol::kTcp);
  EXPECT_EQ(accepted->upper.offset, 48U);
}

TEST(AcceptIpv6, ChainsThatAreRefusedAreCountedByReason) {
  EXPECT_EQ(dropped(with_chain(60), test::hex("06 00 be 04 00000000")),
            NetCounter::kIpv6UnknownOption);
  EXPECT_EQ(dropped(with_chain(60), test::hex("06 00 01 09 00000000")), NetCounter::kIpv6Malformed);
  EXPECT_EQ(dropped(with_chain(60), test::hex("06 ff")), NetCounter::kIpv6Malformed);
  EXPECT_EQ(
      dropped(with_chain(43), test::hex("06 02 00 01 00000000 00000000000000000000000000000000")),
      NetCounter::kIpv6Routing);
  test::ByteVector chain;
  for (int i = 0; i < 9; ++i) chain = test::concatenated(chain, test::hex("3c 00 01 04 00000000"));
  EXPECT_EQ(dropped(with_chain(60), chain), NetCounter::kIpv6LongChain);
}

TEST(AcceptIpv6, FragmentsAreDroppedAndWholePacketsWithAFragmentHeaderAreNot) {
  const auto payload = test::ByteVector(24);
  EXPECT_EQ(dropped(with_chain(44), test::concatenated(test::hex("06 00 0001 00000007"), payload)),
            NetCounter::kIpv6Fragment);
  EXPECT_EQ(dropped(with_chain(44), test::concatenated(test::hex("06 00 0008 00000007"), payload)),
            NetCounter::kIpv6Fragment);
  // RFC 6946.
  EXPECT_EQ(dropped(with_chain(44), test::concatenated(test::hex("06 00 0000 00000007"), payload)),
            std::nullopt);
}

}  // namespace
}  // namespace sluice::net
