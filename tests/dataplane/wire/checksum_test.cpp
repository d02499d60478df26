#include "dataplane/wire/checksum.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

using test::hex;

// RFC 1071 4.1, word by word.
std::uint16_t reference_sum(base::Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto octet = std::to_integer<std::uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? octet << 8 : octet;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

test::ByteVector random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  test::ByteVector bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

// RFC 1071 3: the bytes 00 01 f2 03 f4 f5 f6 f7.
TEST(InternetSum, ExampleOfRfc1071) {
  InternetSum sum;
  sum.add(hex("0001 f203 f4f5 f6f7"));
  EXPECT_EQ(sum.folded(), 0xddf2);
  EXPECT_EQ(sum.checksum(), 0x220d);
}

TEST(InternetSum, NothingSumsToZero) {
  EXPECT_EQ(InternetSum().folded(), 0);
  EXPECT_EQ(internet_checksum({}), 0xffff);
}

TEST(InternetSum, EveryLengthAgreesWithTheReference) {
  const auto bytes = random_bytes(300, 1);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    InternetSum sum;
    sum.add(base::Bytes(bytes).first(size));
    EXPECT_EQ(sum.folded(), reference_sum(base::Bytes(bytes).first(size))) << size;
  }
}

TEST(InternetSum, EverySplitIntoThreeSpansGivesTheSameSum) {
  const auto bytes = random_bytes(67, 2);
  const base::Bytes all(bytes);
  for (std::size_t a = 0; a <= all.size(); ++a) {
    for (std::size_t b = a; b <= all.size(); ++b) {
      InternetSum sum;
      sum.add(all.first(a));
      sum.add(all.subspan(a, b - a));
      sum.add(all.subspan(b));
      ASSERT_EQ(sum.folded(), reference_sum(all)) << a << ' ' << b;
    }
  }
}

TEST(InternetSum, CarriesOfALargeBufferOfOnesAreKept) {
  const test::ByteVector ones(65535, std::byte{0xff});
  InternetSum sum;
  for (int i = 0; i < 64; ++i) sum.add(ones);
  EXPECT_EQ(sum.folded(), 0xffff);
}

TEST(InternetSum, AnUnalignedStartMakesNoDifference) {
  const auto bytes = random_bytes(200, 3);
  for (std::size_t start = 0; start < 16; ++start) {
    InternetSum sum;
    sum.add(base::Bytes(bytes).subspan(start));
    EXPECT_EQ(sum.folded(), reference_sum(base::Bytes(bytes).subspan(start)));
  }
}

TEST(PseudoHeader, Ipv4HasAddressesProtocolAndLength) {
  const auto sum = pseudo_header_sum(base::Ipv4Address::of(198, 18, 0, 1),
                                     base::Ipv4Address::of(198, 18, 0, 2), IpProtocol::kTcp, 1460);
  EXPECT_EQ(sum.folded(), reference_sum(hex("c6120001 c6120002 0006 05b4")));
}

TEST(PseudoHeader, Ipv6HasAddressesLengthAndProtocol) {
  const auto sum =
      pseudo_header_sum(*base::IpAddress::parse("2001:db8::1"),
                        *base::IpAddress::parse("2001:db8::2"), IpProtocol::kTcp, 70000);
  EXPECT_EQ(sum.folded(), reference_sum(hex("20010db8000000000000000000000001"
                                            "20010db8000000000000000000000002 00011170 00000006")));
}

TEST(PseudoHeader, Ipv6CarriesIcmpv6) {
  const auto sum =
      pseudo_header_sum(*base::IpAddress::parse("2001:db8::1"),
                        *base::IpAddress::parse("2001:db8::2"), IpProtocol::kIcmpv6, 64);
  EXPECT_EQ(sum.folded(), reference_sum(hex("20010db8000000000000000000000001"
                                            "20010db8000000000000000000000002 00000040 0000003a")));
}

TEST(PseudoHeader, SumGoesOnWithTheSegment) {
  const auto segment = random_bytes(1461, 4);
  auto sum = pseudo_header_sum(base::IpAddress(base::Ipv4Address::of(10, 0, 0, 1)),
                               base::IpAddress(base::Ipv4Address::of(10, 0, 0, 2)),
                               IpProtocol::kTcp, segment.size());
  sum.add(segment);
  EXPECT_EQ(sum.folded(),
            reference_sum(test::concatenated(hex("0a000001 0a000002 0006 05b5"), segment)));
}

// RFC 1624 4: the example on which the equation of RFC 1141 fails.
TEST(UpdatedChecksum, ExampleOfRfc1624) {
  EXPECT_EQ(updated_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(UpdatedChecksum, AgreesWithSummingAgain) {
  auto bytes = random_bytes(40, 5);
  std::mt19937 random(6);
  for (int i = 0; i < 1000; ++i) {
    const std::uint16_t before = internet_checksum(bytes);
    const std::size_t at = random() % 20 * 2;
    const auto old_word = base::load_be<std::uint16_t>(bytes.data() + at);
    const auto new_word = static_cast<std::uint16_t>(random());
    base::store_be(bytes.data() + at, new_word);
    EXPECT_EQ(updated_checksum(before, old_word, new_word), internet_checksum(bytes));
  }
}

}  // namespace
}  // namespace sluice::wire
