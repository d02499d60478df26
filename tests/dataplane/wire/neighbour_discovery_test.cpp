#include "dataplane/wire/neighbour_discovery.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

const auto kOurs = *base::Ipv6Address::parse("2001:db8::2");
const auto kTheirs = *base::Ipv6Address::parse("2001:db8::1");
const auto kRouter = *base::Ipv6Address::parse("fe80::1");
constexpr base::MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{9}}};

Ipv6Header header(const base::Ipv6Address& source, const base::Ipv6Address& destination) {
  return {.source = source,
          .destination = destination,
          .next_header = IpProtocol::kIcmpv6,
          .hop_limit = kDiscoveryHopLimit};
}

const Ipv6Header kSolicited = header(kTheirs, solicited_node_multicast(kOurs));
const Ipv6Header kUnspecified = header({}, solicited_node_multicast(kOurs));
const Ipv6Header kUnicast = header(kTheirs, kOurs);
const Ipv6Header kToAllNodes = header(kTheirs, kAllNodes);
const Ipv6Header kToAllRouters = header(kTheirs, kAllRouters);
const Ipv6Header kFromRouter = header(kRouter, kAllNodes);

const std::string kTarget = "20010db8000000000000000000000002";
const std::string kSolicitation = "8700 0000 00000000" + kTarget;
const std::string kAdvertisement = "8800 0000 60000000" + kTarget;
const std::string kRouterSolicitation = "8500 0000 00000000";
const std::string kRouterAdvertisement = "8600 0000 40 c0 0708 00007530 000003e8";
const std::string kSourceMac = "01 01 020000000009";
const std::string kTargetMac = "02 01 020000000009";

base::Result<DiscoveryMessage, DiscoveryError> parsed(const Ipv6Header& ip,
                                                      const std::string& message) {
  return parse_discovery(ip, std::nullopt, hex(message));
}

std::optional<DiscoveryMessage> read(const Ipv6Header& ip, const std::string& message) {
  const auto result = parsed(ip, message);
  return result ? std::optional(*result) : std::nullopt;
}

void expect_refused(const Ipv6Header& ip, const std::string& message, DiscoveryError reason) {
  const auto result = parsed(ip, message);
  ASSERT_FALSE(result) << message;
  EXPECT_EQ(result.error(), reason) << message;
}

// Each of the four with addresses that suit it.
const std::array<std::pair<Ipv6Header, std::string>, 4> kEach{{
    {kSolicited, kSolicitation},
    {kUnicast, kAdvertisement},
    {kToAllRouters, kRouterSolicitation},
    {kFromRouter, kRouterAdvertisement},
}};

TEST(NeighbourDiscovery, SolicitationIsRead) {
  EXPECT_EQ(read(kSolicited, kSolicitation + kSourceMac),
            DiscoveryMessage(NeighbourSolicitation{.target = kOurs, .source_mac = kMac}));
  EXPECT_EQ(read(kUnicast, kSolicitation),
            DiscoveryMessage(NeighbourSolicitation{.target = kOurs, .source_mac{}}));
}

// Duplicate address detection as Linux does it, with a nonce (RFC 7527).
TEST(NeighbourDiscovery, SolicitationOfAnotherStackIsRead) {
  const auto frame =
      hex("3333ff000001 020000000001 86dd 60000000 0020 3a ff 00000000000000000000000000000000"
          "ff0200000000000000000001ff000001 8700a10200000000 20010db8000000000000000000000001"
          "0e01 07d108008e10");
  const auto packet = base::Bytes(frame).subspan(EthernetHeader::kSize);
  const auto ip = parse_ipv6(packet);
  ASSERT_TRUE(ip);
  const auto upper = find_upper_layer(packet, *ip);
  ASSERT_TRUE(upper);
  const auto message = parse_icmpv6(ip->header, packet.subspan(upper->offset));
  ASSERT_TRUE(message);
  const auto solicitation =
      parse_discovery(ip->header, upper->fragment, std::get<Icmpv6Discovery>(*message).message);
  ASSERT_TRUE(solicitation);
  const DiscoveryNonce nonce{std::byte{0x07}, std::byte{0xd1}, std::byte{0x08},
                             std::byte{0x00}, std::byte{0x8e}, std::byte{0x10}};
  EXPECT_EQ(*solicitation, DiscoveryMessage(NeighbourSolicitation{
                               .target = kTheirs, .source_mac{}, .nonce = nonce}));
}

TEST(NeighbourDiscovery, AdvertisementIsRead) {
  EXPECT_EQ(read(kUnicast, kAdvertisement + kTargetMac),
            DiscoveryMessage(NeighbourAdvertisement{
                .target = kOurs, .target_mac = kMac, .solicited = true, .overrides = true}));
  EXPECT_EQ(
      read(kToAllNodes, "8800 0000 80000000" + kTarget),
      DiscoveryMessage(NeighbourAdvertisement{.target = kOurs, .target_mac{}, .router = true}));
}

TEST(NeighbourDiscovery, RouterSolicitationIsRead) {
  EXPECT_EQ(read(kToAllRouters, kRouterSolicitation + kSourceMac),
            DiscoveryMessage(RouterSolicitation{.source_mac = kMac}));
  EXPECT_EQ(read(header({}, kAllRouters), kRouterSolicitation),
            DiscoveryMessage(RouterSolicitation{}));
}

TEST(NeighbourDiscovery, RouterAdvertisementIsReadWithoutItsPrefixes) {
  const std::string prefix = "03 04 40 c0 00015180 00003840 00000000" + kTarget;
  EXPECT_EQ(read(kFromRouter,
                 kRouterAdvertisement + kSourceMac + prefix + "05 01 0000 000005dc" + prefix),
            DiscoveryMessage(RouterAdvertisement{.hop_limit = 64,
                                                 .managed_addresses = true,
                                                 .other_configuration = true,
                                                 .lifetime_seconds = 1800,
                                                 .reachable_time_ms = 30000,
                                                 .retransmit_timer_ms = 1000,
                                                 .source_mac = kMac,
                                                 .mtu = 1500}));
}

// RFC 8200 5: a link cannot have it.
TEST(NeighbourDiscovery, MtuBelowTheMinimumIsTakenForNone) {
  const auto result = parsed(kFromRouter, kRouterAdvertisement + "05 01 0000 000004ff");
  ASSERT_TRUE(result);
  EXPECT_EQ(std::get<RouterAdvertisement>(*result).mtu, std::nullopt);
}

TEST(NeighbourDiscovery, MessagesComeBackAsTheyWereWritten) {
  const auto expect_back = [](const Ipv6Header& ip, const DiscoveryMessage& message) {
    const auto bytes = test::discovery_message(ip, message);
    EXPECT_EQ(icmpv6_checksum(ip, bytes), 0);
    const auto back = parse_discovery(ip, std::nullopt, bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, message);
  };
  for (const std::optional<base::MacAddress>& mac :
       {std::optional<base::MacAddress>(), std::optional(kMac)}) {
    expect_back(kSolicited, NeighbourSolicitation{.target = kOurs, .source_mac = mac});
    constexpr DiscoveryNonce kNonce{std::byte{1}, std::byte{2}, std::byte{3},
                                    std::byte{4}, std::byte{5}, std::byte{6}};
    expect_back(kSolicited,
                NeighbourSolicitation{.target = kOurs, .source_mac = mac, .nonce = kNonce});
    expect_back(kToAllRouters, RouterSolicitation{.source_mac = mac});
    for (unsigned flags = 0; flags < 8; ++flags) {
      expect_back(kUnicast, NeighbourAdvertisement{.target = kOurs,
                                                   .target_mac = mac,
                                                   .router = (flags & 1) != 0,
                                                   .solicited = (flags & 2) != 0,
                                                   .overrides = (flags & 4) != 0});
    }
    expect_back(kFromRouter, RouterAdvertisement{.hop_limit = 1,
                                                 .managed_addresses = true,
                                                 .lifetime_seconds = 0xffff,
                                                 .reachable_time_ms = 0xfffffffe,
                                                 .retransmit_timer_ms = 0x12345678,
                                                 .source_mac = mac,
                                                 .mtu = 9000});
    expect_back(kFromRouter, RouterAdvertisement{.other_configuration = true, .source_mac = mac});
  }
}

TEST(NeighbourDiscovery, MessagesLieAsTheSpecificationDrawsThem) {
  const auto written = [](const Ipv6Header& ip, const DiscoveryMessage& message) {
    auto bytes = test::discovery_message(ip, message);
    bytes[2] = bytes[3] = std::byte{0};
    return bytes;
  };
  EXPECT_EQ(written(kSolicited, NeighbourSolicitation{.target = kOurs, .source_mac = kMac}),
            hex(kSolicitation + kSourceMac));
  EXPECT_EQ(written(kUnicast,
                    NeighbourAdvertisement{
                        .target = kOurs, .target_mac = kMac, .solicited = true, .overrides = true}),
            hex(kAdvertisement + kTargetMac));
  EXPECT_EQ(written(kToAllRouters, RouterSolicitation{.source_mac = kMac}),
            hex(kRouterSolicitation + kSourceMac));
  EXPECT_EQ(written(kFromRouter, RouterAdvertisement{.hop_limit = 64,
                                                     .managed_addresses = true,
                                                     .other_configuration = true,
                                                     .lifetime_seconds = 1800,
                                                     .reachable_time_ms = 30000,
                                                     .retransmit_timer_ms = 1000,
                                                     .source_mac = kMac,
                                                     .mtu = 1500}),
            hex(kRouterAdvertisement + kSourceMac + "05 01 0000 000005dc"));
}

// RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2: the first check of each.
TEST(NeighbourDiscovery, WhatARouterMayHaveForwardedIsRefused) {
  for (auto [ip, message] : kEach) {
    ASSERT_TRUE(parsed(ip, message));
    for (const unsigned hop_limit : {0U, 64U, 254U}) {
      ip.hop_limit = static_cast<std::uint8_t>(hop_limit);
      expect_refused(ip, message, DiscoveryError::kHopLimit);
    }
  }
}

// RFC 6980 5: nor even a fragment that is the whole packet.
TEST(NeighbourDiscovery, WhatHasAFragmentHeaderIsRefused) {
  for (const auto& [ip, message] : kEach) {
    const auto result = parse_discovery(ip, Ipv6Fragment{.identification = 1}, hex(message));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), DiscoveryError::kFragmented);
  }
}

TEST(NeighbourDiscovery, OtherCodesAreRefused) {
  for (auto [ip, message] : kEach) {
    message[3] = '1';
    expect_refused(ip, message, DiscoveryError::kBadCode);
  }
}

TEST(NeighbourDiscovery, MessageCutAnywhereIsRefused) {
  for (const auto& [ip, message] : kEach) {
    const auto whole = hex(message);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto result = parse_discovery(ip, std::nullopt, base::Bytes(whole).first(size));
      ASSERT_FALSE(result) << message << ' ' << size;
      EXPECT_EQ(result.error(), DiscoveryError::kTruncated) << message << ' ' << size;
    }
  }
}

TEST(NeighbourDiscovery, OptionOfLengthZeroOrBeyondTheEndIsRefused) {
  for (const auto& [ip, message] : kEach) {
    for (const char* option : {"01 00 000000000000", "fe 00 000000000000", "fe 02 000000000000",
                               "fe", "fe 01 0000000000"}) {
      expect_refused(ip, message + option, DiscoveryError::kBadOption);
    }
    expect_refused(ip, message + "fe 01 000000000000 fe 00", DiscoveryError::kBadOption);
  }
}

// RFC 4861 6.1, 7.1: unknown options MUST be ignored, and so MUST the contents of those that have
// no place in the message.
TEST(NeighbourDiscovery, OptionsThatDoNotBelongAreIgnored) {
  for (const auto& [ip, message] : kEach) {
    EXPECT_EQ(read(ip, message + "fe 02 0000000000000000000000000000"), *read(ip, message));
  }
  const std::string misfit = "02 02 0000000000000000000000000000";
  EXPECT_EQ(read(kSolicited, kSolicitation + misfit), *read(kSolicited, kSolicitation));
  EXPECT_EQ(read(kUnicast, kAdvertisement + kSourceMac), *read(kUnicast, kAdvertisement));
  EXPECT_EQ(read(kUnicast, kAdvertisement + "05 02 0000000000000000000000000000"),
            *read(kUnicast, kAdvertisement));
}

TEST(NeighbourDiscovery, OptionThatIsNotWhatItSaysIsRefused) {
  const std::string two_units = " 02 0200000000090000000000000000";
  expect_refused(kSolicited, kSolicitation + "01" + two_units, DiscoveryError::kBadOption);
  expect_refused(kUnicast, kAdvertisement + "02" + two_units, DiscoveryError::kBadOption);
  expect_refused(kToAllRouters, kRouterSolicitation + "01" + two_units, DiscoveryError::kBadOption);
  expect_refused(kFromRouter, kRouterAdvertisement + "05" + two_units, DiscoveryError::kBadOption);
  // The address of a group is nobody's.
  expect_refused(kUnicast, kAdvertisement + "02 01 333300000001", DiscoveryError::kBadOption);
  expect_refused(kSolicited, kSolicitation + "01 01 ffffffffffff", DiscoveryError::kBadOption);
}

TEST(NeighbourDiscovery, FirstOfSeveralEqualOptionsCounts) {
  const auto result = parsed(kUnicast, kAdvertisement + kTargetMac + "02 01 02000000000a");
  ASSERT_TRUE(result);
  EXPECT_EQ(std::get<NeighbourAdvertisement>(*result).target_mac, kMac);
}

TEST(NeighbourDiscovery, MulticastTargetIsRefused) {
  const std::string group = "ff020000000000000000000000000001";
  expect_refused(kSolicited, "8700 0000 00000000" + group, DiscoveryError::kBadTarget);
  expect_refused(kUnicast, "8800 0000 00000000" + group, DiscoveryError::kBadTarget);
}

// RFC 4861 7.1.1.
TEST(NeighbourDiscovery, SolicitationFromNobodyGoesToTheSolicitedNodeGroupWithoutAMac) {
  EXPECT_TRUE(parsed(kUnspecified, kSolicitation));
  expect_refused(kUnspecified, kSolicitation + kSourceMac, DiscoveryError::kBadOption);
  expect_refused(header({}, kOurs), kSolicitation, DiscoveryError::kBadAddresses);
  expect_refused(header({}, kAllNodes), kSolicitation, DiscoveryError::kBadAddresses);
}

// RFC 4861 7.1.2.
TEST(NeighbourDiscovery, SolicitedAdvertisementToAGroupIsRefused) {
  expect_refused(kToAllNodes, kAdvertisement, DiscoveryError::kBadAddresses);
}

// RFC 4861 6.1.1.
TEST(NeighbourDiscovery, RouterSolicitationFromNobodyHasNoMac) {
  expect_refused(header({}, kAllRouters), kRouterSolicitation + kSourceMac,
                 DiscoveryError::kBadOption);
}

// RFC 4861 6.1.2.
TEST(NeighbourDiscovery, RouterAdvertisementFromElsewhereThanTheLinkIsRefused) {
  expect_refused(header(kTheirs, kAllNodes), kRouterAdvertisement, DiscoveryError::kBadAddresses);
  expect_refused(header({}, kAllNodes), kRouterAdvertisement, DiscoveryError::kBadAddresses);
}

TEST(NeighbourDiscovery, RedirectsAndOtherMessagesAreUnsupported) {
  expect_refused(header(kRouter, kOurs), "8900 0000 00000000" + kTarget + kTarget,
                 DiscoveryError::kUnsupported);
  expect_refused(kUnicast, "8000 0000 00000000", DiscoveryError::kUnsupported);
}

TEST(NeighbourDiscovery, RandomMessagesThatAreAcceptedComeBack) {
  std::mt19937 random(17);
  unsigned accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto& [ip, front] = kEach[random() % kEach.size()];
    auto message = hex(front);
    for (unsigned options = random() % 4; options > 0; --options) {
      test::ByteVector option(8);
      for (std::byte& b : option) b = static_cast<std::byte>(random());
      option[0] = static_cast<std::byte>(random() % 6);
      if (random() % 4 != 0) option[1] = std::byte{1};
      message = test::concatenated(message, option);
    }
    message[4 + random() % (message.size() - 4)] = static_cast<std::byte>(random());
    const auto result = parse_discovery(ip, std::nullopt, message);
    if (!result) continue;
    ++accepted;
    const auto written = test::discovery_message(ip, *result);
    ASSERT_LE(written.size(), message.size());
    const auto again = parse_discovery(ip, std::nullopt, written);
    ASSERT_TRUE(again);
    ASSERT_EQ(*again, *result);
  }
  EXPECT_GT(accepted, 2000U);
}

}  // namespace
}  // namespace sluice::wire
