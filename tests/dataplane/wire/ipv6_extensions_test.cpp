#include "dataplane/wire/ipv6_extensions.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

constexpr IpProtocol kHopByHop{0};
constexpr IpProtocol kRouting{43};
constexpr IpProtocol kFragment{44};
constexpr IpProtocol kAuthentication{51};
constexpr IpProtocol kNoNextHeader{59};
constexpr IpProtocol kDestinationOptions{60};

constexpr std::size_t kWhole = 65575;

struct Chain {
  IpProtocol first{};
  std::string bytes;  // hexadecimal: headers and payload
  const char* destination = "2001:db8::2";

  [[nodiscard]] test::ByteVector packet() const {
    return test::ipv6_packet({.source = *base::Ipv6Address::parse("2001:db8::1"),
                              .destination = *base::Ipv6Address::parse(destination),
                              .next_header = first},
                             hex(bytes));
  }
  // Of a packet that is there up to `size`, as in a quotation.
  [[nodiscard]] base::Result<UpperLayer, ChainRefusal> walk(std::size_t size = kWhole) const {
    const auto whole = packet();
    const auto ip = parse_quoted_ipv6(whole);
    return find_upper_layer(base::Bytes(whole).first(std::min(size, whole.size())), *ip);
  }
};

void expect_refused(const Chain& chain, ChainError reason, std::optional<ChainAnswer> answer) {
  const auto upper = chain.walk();
  ASSERT_FALSE(upper) << chain.bytes;
  EXPECT_EQ(upper.error().reason, reason) << chain.bytes;
  EXPECT_EQ(upper.error().answer, answer) << chain.bytes;
}

// RFC 4443 2.4(e.3): what is answered for one destination is not for a group.
void expect_refused_and_answered(Chain chain, ChainError reason, ChainAnswer answer) {
  expect_refused(chain, reason, answer);
  chain.destination = "ff02::1";
  expect_refused(chain, reason, std::nullopt);
}

TEST(Ipv6Chain, PacketWithoutExtensionsLeadsStraightToItsPayload) {
  for (const IpProtocol protocol : {IpProtocol::kTcp, IpProtocol::kIcmpv6, IpProtocol{253}}) {
    const auto upper = Chain{.first = protocol, .bytes = "01020304"}.walk();
    ASSERT_TRUE(upper);
    EXPECT_EQ(upper->protocol, protocol);
    EXPECT_EQ(upper->offset, 40U);
    EXPECT_EQ(upper->protocol_at, 6U);
    EXPECT_FALSE(upper->fragment);
  }
}

// A multicast listener report as Linux sends it.
TEST(Ipv6Chain, RouterAlertIsSkipped) {
  const auto upper = Chain{.first = kHopByHop, .bytes = "3a00 0502 0000 0100  8f00 0000"}.walk();
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->protocol, IpProtocol::kIcmpv6);
  EXPECT_EQ(upper->offset, 48U);
  EXPECT_EQ(upper->protocol_at, 40U);
}

// RFC 8200 4.1: any order, any number of times, but for Hop-by-Hop Options.
TEST(Ipv6Chain, OrderOfTheOtherHeadersMakesNoDifference) {
  const std::string padding = "00 0104 00000000";   // extension length, PadN
  const std::string routing = "00 02 00 00000000";  // a type that has no segments left
  const auto upper = Chain{.first = kHopByHop,
                           .bytes = "3c" + padding + "2b" + padding + "3c" + routing + "2c" +
                                    padding + "2b 00 0000 00000007" + "06" + routing}
                         .walk();
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->protocol, IpProtocol::kTcp);
  EXPECT_EQ(upper->offset, 40U + 6 * 8);
  EXPECT_EQ(upper->protocol_at, 40U + 5 * 8);
  ASSERT_TRUE(upper->fragment);
  EXPECT_EQ(upper->fragment->identification, 7U);
  EXPECT_FALSE(upper->is_fragment());
}

TEST(Ipv6Chain, HopByHopOptionsElsewhereThanInFrontAreRefused) {
  expect_refused_and_answered(
      {.first = kDestinationOptions, .bytes = "00 00 0104 00000000  06 00 0104 00000000"},
      ChainError::kHopByHopNotFirst,
      {.code = ParameterProblemCode::kUnknownNextHeader, .pointer = 40});
}

TEST(Ipv6Chain, OptionsOfSeveralUnitsArePassed) {
  const auto upper = Chain{.first = kDestinationOptions,
                           .bytes = "06 01 00 00 00 00 00 00  01 03 000000 1e 01 ff  aa"}
                         .walk();
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->offset, 56U);
}

// RFC 8200 4.2: the two highest bits of an unknown option's type.
TEST(Ipv6Chain, UnknownOptionDoesWhatItsTypeAsksFor) {
  const auto with_option = [](const char* type) {
    return Chain{.first = kDestinationOptions,
                 .bytes = std::string("06 00 00 ") + type + "02 0000 00"};
  };
  const ChainAnswer answer{.code = ParameterProblemCode::kUnknownOption, .pointer = 43};
  EXPECT_TRUE(with_option("3e").walk());
  expect_refused(with_option("7e"), ChainError::kUnknownOption, std::nullopt);
  expect_refused(with_option("be"), ChainError::kUnknownOption, answer);
  expect_refused_and_answered(with_option("fe"), ChainError::kUnknownOption, answer);
  Chain to_group = with_option("be");
  to_group.destination = "ff02::1";
  expect_refused(to_group, ChainError::kUnknownOption, answer);
}

TEST(Ipv6Chain, OptionBeyondItsHeaderIsRefused) {
  expect_refused_and_answered(
      {.first = kDestinationOptions, .bytes = "06 00 01 05 00000000 00000000"},
      ChainError::kBadOption, {.code = ParameterProblemCode::kErroneousHeader, .pointer = 42});
  // A type without a length, as the header's last byte.
  expect_refused_and_answered({.first = kHopByHop, .bytes = "06 00 01 03 000000 01 00000000"},
                              ChainError::kBadOption,
                              {.code = ParameterProblemCode::kErroneousHeader, .pointer = 47});
}

// RFC 8200 4.4, RFC 5095 3.
TEST(Ipv6Chain, RoutingHeaderWithSegmentsLeftIsRefused) {
  const ChainAnswer answer{.code = ParameterProblemCode::kErroneousHeader, .pointer = 42};
  const auto routing = [](const char* type, const char* segments_left) {
    return Chain{.first = kRouting,
                 .bytes = std::string("06 02") + type + segments_left +
                          "00000000 20010db8000000000000000000000003"};
  };
  expect_refused_and_answered(routing("00", "01"), ChainError::kRoutingType0, answer);
  expect_refused_and_answered(routing("02", "01"), ChainError::kSegmentsLeft, answer);
  expect_refused_and_answered(routing("04", "ff"), ChainError::kSegmentsLeft, answer);
  for (const char* type : {"00", "02", "04", "fe"}) {
    const auto upper = routing(type, "00").walk();
    ASSERT_TRUE(upper) << type;
    EXPECT_EQ(upper->offset, 64U);
  }
}

TEST(Ipv6Chain, FragmentEndsTheWalk) {
  // Of what follows only the reassembled packet says whether it is a header.
  const auto last =
      Chain{.first = kFragment, .bytes = "3c 00 0010 deadbeef  ffffffffffffffffff"}.walk();
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->is_fragment());
  EXPECT_EQ(last->fragment,
            (Ipv6Fragment{.offset = 16, .more = false, .identification = 0xdeadbeef}));
  EXPECT_EQ(last->protocol, kDestinationOptions);
  EXPECT_EQ(last->offset, 48U);

  const auto first =
      Chain{.first = kFragment, .bytes = "06 00 0001 00000001  ffffffffffffffff"}.walk();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->is_fragment());
  EXPECT_EQ(first->fragment, (Ipv6Fragment{.offset = 0, .more = true, .identification = 1}));
}

// RFC 8200 4.5.
TEST(Ipv6Chain, FragmentThatCannotBeReassembledIsRefused) {
  expect_refused_and_answered({.first = kFragment, .bytes = "06 00 0001 00000001  ffffffffffffff"},
                              ChainError::kBadFragment,
                              {.code = ParameterProblemCode::kErroneousHeader, .pointer = 4});
  expect_refused_and_answered(
      {.first = kFragment, .bytes = "06 00 fff8 00000001  ffffffffffffffff"},
      ChainError::kBadFragment, {.code = ParameterProblemCode::kErroneousHeader, .pointer = 42});
  const Chain largest{.first = kFragment, .bytes = "06 00 fff8 00000001  ffffffffffffff"};
  EXPECT_TRUE(largest.walk());
  // What stands in front of the Fragment header counts.
  expect_refused_and_answered({.first = kDestinationOptions,
                               .bytes = "2c 00 0104 00000000  06 00 fff8 00000001  ffffffffffffff"},
                              ChainError::kBadFragment,
                              {.code = ParameterProblemCode::kErroneousHeader, .pointer = 50});
  for (const char* empty : {"06 00 0001 00000001", "06 00 0010 00000001"}) {
    expect_refused({.first = kFragment, .bytes = empty}, ChainError::kBadFragment, std::nullopt);
  }
}

TEST(Ipv6Chain, SecondFragmentHeaderIsRefused) {
  expect_refused(
      {.first = kFragment, .bytes = "2c 00 0000 00000001  06 00 0000 00000001  ffffffff"},
      ChainError::kBadFragment, std::nullopt);
}

TEST(Ipv6Chain, AuthenticationIsRefused) {
  expect_refused_and_answered({.first = kAuthentication, .bytes = "06 04 0000 00000000 00000000"},
                              ChainError::kAuthentication,
                              {.code = ParameterProblemCode::kUnknownNextHeader, .pointer = 6});
}

TEST(Ipv6Chain, PacketThatCarriesNothingIsRefused) {
  expect_refused({.first = kNoNextHeader, .bytes = "01020304"}, ChainError::kNoNextHeader,
                 std::nullopt);
  expect_refused({.first = kDestinationOptions, .bytes = "3b 00 0104 00000000"},
                 ChainError::kNoNextHeader, std::nullopt);
}

TEST(Ipv6Chain, MoreHeadersThanTheBoundAreRefused) {
  std::string headers;
  for (unsigned i = 1; i < kMaxExtensionHeaders; ++i) headers += "3c 00 0104 00000000 ";
  const std::string last = "06 00 0104 00000000 ";
  const auto upper = Chain{.first = kDestinationOptions, .bytes = headers + last}.walk();
  ASSERT_TRUE(upper);
  EXPECT_EQ(upper->offset, 40U + kMaxExtensionHeaders * 8);
  expect_refused({.first = kDestinationOptions, .bytes = headers + "3c 00 0104 00000000 " + last},
                 ChainError::kTooManyHeaders, std::nullopt);
}

TEST(Ipv6Chain, MoreBytesThanTheBoundAreRefused) {
  const auto one_header = [](std::size_t size) {
    auto packet = Chain{.first = kDestinationOptions, .bytes = "06"}.packet();
    packet.resize(Ipv6Header::kSize + size);  // the rest is Pad1
    packet[41] = static_cast<std::byte>(size / 8 - 1);
    base::store_be(packet.data() + 4, static_cast<std::uint16_t>(size));
    return packet;
  };
  const auto largest = one_header(kMaxExtensionBytes);
  EXPECT_TRUE(find_upper_layer(largest, *parse_ipv6(largest)));
  const auto too_large = one_header(kMaxExtensionBytes + 8);
  const auto upper = find_upper_layer(too_large, *parse_ipv6(too_large));
  ASSERT_FALSE(upper);
  EXPECT_EQ(upper.error().reason, ChainError::kTooManyBytes);
}

TEST(Ipv6Chain, ChainCutAnywhereIsTruncated) {
  const Chain chain{.first = kHopByHop,
                    .bytes =
                        "3c 00 0104 00000000  2b 01 010c 00000000 0000000000000000"
                        "2c 00 0000 00000000  06 00 0000 00000001  ffff"};
  ASSERT_TRUE(chain.walk());
  const std::size_t headers = 40 + 8 + 16 + 8 + 8;
  for (std::size_t size = 40; size < headers; ++size) {
    const auto upper = chain.walk(size);
    ASSERT_FALSE(upper) << size;
    EXPECT_EQ(upper.error().reason, ChainError::kTruncated) << size;
  }
  EXPECT_TRUE(chain.walk(headers));
}

TEST(Ipv6Chain, HeaderInTheLinksPaddingIsTruncated) {
  Chain chain{.first = kDestinationOptions, .bytes = "06 00 0104 00000000"};
  auto packet = chain.packet();
  base::store_be(packet.data() + 4, std::uint16_t{7});
  const auto upper = find_upper_layer(packet, *parse_ipv6(packet));
  ASSERT_FALSE(upper);
  EXPECT_EQ(upper.error().reason, ChainError::kTruncated);
}

TEST(Ipv6Chain, RandomChainsStayWithinThePacket) {
  constexpr std::array<std::uint8_t, 7> kHeaders{0, 6, 43, 44, 51, 59, 60};
  std::mt19937 random(11);
  unsigned found = 0;
  for (int i = 0; i < 20000; ++i) {
    test::ByteVector payload(random() % 120);
    for (std::size_t at = 0; at < payload.size(); ++at) {
      // Mostly short headers of known kinds, so that many chains have several.
      payload[at] = static_cast<std::byte>(at % 8 == 0   ? kHeaders[random() % kHeaders.size()]
                                           : at % 8 == 1 ? random() % 2
                                           : random() % 4 == 0 ? random()
                                                               : 0);
    }
    const auto packet =
        test::ipv6_packet({.source = {},
                           .destination = {},
                           .next_header = IpProtocol{kHeaders[random() % kHeaders.size()]}},
                          payload);
    const auto upper = find_upper_layer(packet, *parse_ipv6(packet));
    if (!upper) continue;
    ++found;
    ASSERT_LE(upper->offset, packet.size());
    ASSERT_LT(upper->protocol_at, upper->offset);
    ASSERT_EQ(packet[upper->protocol_at], std::byte{static_cast<std::uint8_t>(upper->protocol)});
  }
  EXPECT_GT(found, 1000U);
}

}  // namespace
}  // namespace sluice::wire
