#include "dataplane/wire/icmpv6.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

const Ipv6Header kIp{.source = *base::Ipv6Address::parse("2001:db8::1"),
                     .destination = *base::Ipv6Address::parse("2001:db8::2"),
                     .next_header = IpProtocol::kIcmpv6};

test::ByteVector sent_segment() {
  const TcpHeader header{
      .source_port = 40000, .destination_port = 8080, .sequence = SeqNumber(0x01020304)};
  return test::ipv6_packet(
      {.source = kIp.destination, .destination = kIp.source, .next_header = IpProtocol::kTcp},
      test::tcp_segment(kIp.destination, kIp.source, header));
}

// What a message that was written is read as again.
template <typename Message>
Message through_the_wire(const Message& message) {
  const auto bytes = test::icmpv6_message(kIp, message);
  EXPECT_EQ(icmpv6_checksum(kIp, bytes), 0);
  // The views of the result are compared while the bytes still exist, here.
  const auto parsed = parse_icmpv6(kIp, bytes);
  EXPECT_TRUE(parsed);
  if (!parsed || !std::holds_alternative<Message>(*parsed)) {
    ADD_FAILURE() << "another message came back";
    return {};
  }
  Message back = std::get<Message>(*parsed);
  if constexpr (requires { back.quoted; }) {
    EXPECT_TRUE(base::equal(back.quoted, message.quoted));
    back.quoted = {};
  }
  return back;
}

void set_checksum(test::ByteVector& message, const Ipv6Header& ip) {
  base::store_be(message.data() + kIcmpv6ChecksumOffset, std::uint16_t{0});
  base::store_be(message.data() + kIcmpv6ChecksumOffset, icmpv6_checksum(ip, message));
}

// A router solicitation as Linux sends it.
TEST(Icmpv6, ChecksumOfAnotherStackIsRight) {
  const Ipv6Header ip{.source = *base::Ipv6Address::parse("fe80::ff:fe00:2"),
                      .destination = *base::Ipv6Address::parse("ff02::2")};
  const auto message = hex("85007b2a000000000101020000000002");
  EXPECT_EQ(icmpv6_checksum(ip, message), 0);
  const auto parsed = parse_icmpv6(ip, message);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(base::equal(std::get<Icmpv6Discovery>(*parsed).message, message));
}

TEST(Icmpv6, EchoComesBackAsItWasWritten) {
  const auto data = hex("61 62 63");
  for (const bool request : {true, false}) {
    const auto message = test::icmpv6_message(
        kIp, Icmpv6Echo{.request = request, .identifier = 7, .sequence = 9, .data = data});
    EXPECT_EQ(message[0], std::byte{request ? std::uint8_t{128} : std::uint8_t{129}});
    const auto parsed = parse_icmpv6(kIp, message);
    ASSERT_TRUE(parsed);
    const auto& echo = std::get<Icmpv6Echo>(*parsed);
    EXPECT_EQ(echo.request, request);
    EXPECT_EQ(echo.identifier, 7);
    EXPECT_EQ(echo.sequence, 9);
    EXPECT_TRUE(base::equal(echo.data, data));
  }
}

TEST(Icmpv6, ErrorsComeBackAsTheyWereWritten) {
  const auto quoted = sent_segment();
  EXPECT_EQ(
      through_the_wire(Icmpv6Unreachable{.code = Icmpv6UnreachableCode::kPort, .quoted = quoted})
          .code,
      Icmpv6UnreachableCode::kPort);
  EXPECT_EQ(through_the_wire(Icmpv6PacketTooBig{.mtu = 0xfffe1234, .quoted = quoted}).mtu,
            0xfffe1234);
  EXPECT_EQ(through_the_wire(
                Icmpv6TimeExceeded{.code = Icmpv6TimeExceededCode::kReassembly, .quoted = quoted})
                .code,
            Icmpv6TimeExceededCode::kReassembly);
  const auto problem = through_the_wire(Icmpv6ParameterProblem{
      .code = ParameterProblemCode::kUnknownNextHeader, .pointer = 0x01020304, .quoted = quoted});
  EXPECT_EQ(problem.code, ParameterProblemCode::kUnknownNextHeader);
  EXPECT_EQ(problem.pointer, 0x01020304U);
}

// RFC 4443 3: type, code, checksum, then the message's own word.
TEST(Icmpv6, MessagesLieAsTheSpecificationDrawsThem) {
  const auto without_checksum = [](test::ByteVector bytes) {
    bytes[2] = bytes[3] = std::byte{0};
    return bytes;
  };
  const auto quoted = hex("aa");
  EXPECT_EQ(without_checksum(test::icmpv6_message(
                kIp, Icmpv6Unreachable{.code = Icmpv6UnreachableCode::kPort, .quoted = quoted})),
            hex("0104 0000 00000000 aa"));
  EXPECT_EQ(without_checksum(
                test::icmpv6_message(kIp, Icmpv6PacketTooBig{.mtu = 1280, .quoted = quoted})),
            hex("0200 0000 00000500 aa"));
  EXPECT_EQ(
      without_checksum(test::icmpv6_message(
          kIp, Icmpv6TimeExceeded{.code = Icmpv6TimeExceededCode::kReassembly, .quoted = quoted})),
      hex("0301 0000 00000000 aa"));
  EXPECT_EQ(without_checksum(test::icmpv6_message(
                kIp, Icmpv6ParameterProblem{.code = ParameterProblemCode::kUnknownOption,
                                            .pointer = 42,
                                            .quoted = quoted})),
            hex("0402 0000 0000002a aa"));
}

TEST(Icmpv6, QuotedSegmentIsFoundInEveryError) {
  const auto quoted = sent_segment();
  for (const Icmpv6Message& error :
       {Icmpv6Message(Icmpv6Unreachable{.code{}, .quoted = quoted}),
        Icmpv6Message(Icmpv6PacketTooBig{.mtu = 1280, .quoted = quoted}),
        Icmpv6Message(Icmpv6TimeExceeded{.code{}, .quoted = quoted}),
        Icmpv6Message(Icmpv6ParameterProblem{.code{}, .quoted = quoted})}) {
    const auto message = test::icmpv6_message(kIp, error);
    const auto segment = parse_quoted_ipv6_segment(base::Bytes(message).subspan(kIcmpv6HeaderSize));
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->source, base::IpAddress(kIp.destination));
    EXPECT_EQ(segment->source_port, 40000);
    EXPECT_EQ(segment->sequence, SeqNumber(0x01020304));
  }
}

TEST(Icmpv6, ShortMessageIsTruncated) {
  for (std::size_t size = 0; size < kIcmpv6HeaderSize; ++size) {
    const auto parsed = parse_icmpv6(kIp, test::ByteVector(size));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), WireError::kTruncated);
  }
}

TEST(Icmpv6, EveryFlippedBitIsNoticed) {
  const auto message = test::icmpv6_message(kIp, Icmpv6Echo{.identifier = 7, .data = {}});
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    auto flipped = message;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto parsed = parse_icmpv6(kIp, flipped);
    ASSERT_FALSE(parsed) << bit;
    EXPECT_EQ(parsed.error(), WireError::kBadChecksum);
  }
}

// RFC 4443 2.3.
TEST(Icmpv6, AddressesAreCoveredByTheChecksum) {
  const auto message = test::icmpv6_message(kIp, Icmpv6Echo{.identifier = 7, .data = {}});
  Ipv6Header other = kIp;
  other.source.octets[15] ^= std::byte{4};
  EXPECT_EQ(parse_icmpv6(other, message).error(), WireError::kBadChecksum);
}

TEST(Icmpv6, OtherTypesAreUnsupported) {
  for (const unsigned type : {0U, 5U, 100U, 127U, 131U, 132U, 138U, 143U, 255U}) {
    auto message = hex("00 00 0000 00000000");
    message[0] = static_cast<std::byte>(type);
    set_checksum(message, kIp);
    const auto parsed = parse_icmpv6(kIp, message);
    ASSERT_FALSE(parsed) << type;
    EXPECT_EQ(parsed.error(), WireError::kUnsupported);
  }
}

TEST(Icmpv6, LargestQuotationFillsTheSmallestMtu) {
  const test::ByteVector quoted(kMaxIcmpv6Quotation);
  const auto message = test::icmpv6_message(kIp, Icmpv6PacketTooBig{.mtu = 1280, .quoted = quoted});
  EXPECT_EQ(test::ipv6_packet(kIp, message).size(), kIpv6MinMtu);
}

TEST(Icmpv6, RandomMessagesComeBack) {
  std::mt19937 random(13);
  for (int i = 0; i < 5000; ++i) {
    test::ByteVector message(kIcmpv6HeaderSize + random() % 80);
    for (std::byte& b : message) b = static_cast<std::byte>(random());
    message[0] = static_cast<std::byte>(random() % 2 == 0 ? random() % 5 : 128 + random() % 10);
    set_checksum(message, kIp);
    const auto parsed = parse_icmpv6(kIp, message);
    if (!parsed) continue;
    const auto written = test::icmpv6_message(kIp, *parsed);
    EXPECT_EQ(written.size(), message.size());
    EXPECT_TRUE(parse_icmpv6(kIp, written));
  }
}

}  // namespace
}  // namespace sluice::wire
