#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace sluice::base {
namespace {

TEST(Bytes, LoadIsBigEndian) {
  const std::array<std::byte, 8> bytes = {std::byte{0x01}, std::byte{0x23}, std::byte{0x45},
                                          std::byte{0x67}, std::byte{0x89}, std::byte{0xab},
                                          std::byte{0xcd}, std::byte{0xef}};
  EXPECT_EQ(load_be<std::uint8_t>(bytes.data()), 0x01);
  EXPECT_EQ(load_be<std::uint16_t>(bytes.data()), 0x0123);
  EXPECT_EQ(load_be<std::uint32_t>(bytes.data()), 0x01234567U);
  EXPECT_EQ(load_be<std::uint64_t>(bytes.data()), 0x0123456789abcdefU);
}

TEST(Bytes, StoreIsTheInverseOfLoadAtAnyAlignment) {
  std::array<std::byte, 16> bytes{};
  for (std::size_t at = 0; at < 8; ++at) {
    store_be(bytes.data() + at, std::uint64_t{0xfedcba9876543210});
    EXPECT_EQ(load_be<std::uint64_t>(bytes.data() + at), 0xfedcba9876543210U) << "at " << at;
    store_be(bytes.data() + at, std::uint32_t{0x80000001});
    EXPECT_EQ(load_be<std::uint32_t>(bytes.data() + at), 0x80000001U) << "at " << at;
  }
}

TEST(Bytes, StoreTouchesNoOtherByte) {
  std::array<std::byte, 4> bytes{};
  store_be(bytes.data() + 1, std::uint16_t{0xffff});
  EXPECT_EQ(bytes[0], std::byte{0});
  EXPECT_EQ(bytes[3], std::byte{0});
}

TEST(Bytes, TextAndBytesAreViewsOfTheSameStorage) {
  const std::string_view text = "sluice";
  const Bytes bytes = bytes_of(text);
  EXPECT_EQ(bytes.size(), 6U);
  EXPECT_EQ(text_of(bytes).data(), text.data());
}

TEST(Bytes, CopyFillsTheFrontOnly) {
  std::array<std::byte, 4> to{};
  copy(to, bytes_of("ab"));
  EXPECT_EQ(text_of(Bytes(to).first(2)), "ab");
  EXPECT_EQ(to[2], std::byte{0});
  copy({}, {});  // empty views may be null
}

TEST(Bytes, EqualComparesLengthAndContent) {
  EXPECT_TRUE(equal(bytes_of("abc"), bytes_of("abc")));
  EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("abd")));
  EXPECT_FALSE(equal(bytes_of("abc"), bytes_of("ab")));
  EXPECT_TRUE(equal({}, {}));
}

}  // namespace
}  // namespace sluice::base
