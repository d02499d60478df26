#include "base/cursor.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::base {
namespace {

std::vector<std::byte> hex(std::initializer_list<unsigned> octets) {
  std::vector<std::byte> bytes;
  for (const unsigned octet : octets) bytes.push_back(static_cast<std::byte>(octet));
  return bytes;
}

TEST(Reader, ReadsIntegersOfEveryWidth) {
  const auto bytes = hex({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18});
  Reader reader(bytes);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u24(), 0x040506U);
  EXPECT_EQ(reader.u32(), 0x0708090aU);
  EXPECT_EQ(reader.u64(), 0x0b0c0d0e0f101112U);
  EXPECT_TRUE(reader.finished());
}

TEST(Reader, ReadPastTheEndFailsAndStaysFailed) {
  const auto bytes = hex({1, 2, 3});
  Reader reader(bytes);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(reader.empty());
  // Not even what would have fitted is read any more: half a field is no field.
  EXPECT_EQ(reader.u8(), 0U);
  EXPECT_FALSE(reader.finished());
}

TEST(Reader, LeftoverBytesAreNotFinished) {
  const auto bytes = hex({1, 2});
  Reader reader(bytes);
  reader.skip(1);
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.finished());
  EXPECT_EQ(reader.remaining(), 1U);
}

TEST(Reader, VectorsOfEveryPrefixAreReadInOrder) {
  const auto bytes = hex({1, 0xaa, 0, 1, 0xbb, 0, 0, 1, 0xcc});
  Reader reader(bytes);
  EXPECT_TRUE(equal(reader.vector<U8>(), hex({0xaa})));
  EXPECT_TRUE(equal(reader.vector<U16>(), hex({0xbb})));
  EXPECT_TRUE(equal(reader.vector<U24>(), hex({0xcc})));
  EXPECT_TRUE(reader.finished());
}

TEST(Reader, VectorLongerThanTheBytesFails) {
  const auto bytes = hex({0, 3, 1, 2});
  Reader reader(bytes);
  EXPECT_TRUE(reader.vector<U16>().empty());
  EXPECT_FALSE(reader.ok());
}

TEST(Reader, ScopeCannotReadBeyondItsLength) {
  const auto bytes = hex({2, 1, 2, 3});
  Reader reader(bytes);
  Reader scope = reader.sub<U8>();
  EXPECT_EQ(scope.u16(), 0x0102);
  EXPECT_TRUE(scope.finished());
  EXPECT_EQ(scope.u8(), 0);
  EXPECT_FALSE(scope.ok());
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u8(), 3);
}

TEST(Reader, ScopeOfATruncatedVectorHasFailed) {
  const auto bytes = hex({5, 1});
  Reader reader(bytes);
  const Reader scope = reader.sub<U8>();
  EXPECT_FALSE(scope.ok());
  EXPECT_FALSE(reader.ok());
}

TEST(Reader, ScopeOfAFailedReaderHasFailed) {
  Reader reader(Bytes{});
  reader.fail();
  EXPECT_FALSE(reader.sub<U8>().ok());
}

TEST(Reader, RestTakesEverything) {
  const auto bytes = hex({1, 2, 3});
  Reader reader(bytes);
  reader.skip(1);
  EXPECT_EQ(reader.rest().size(), 2U);
  EXPECT_TRUE(reader.finished());
}

TEST(Writer, WritesWhatTheReaderReads) {
  std::array<std::byte, 64> buffer{};
  Writer writer(buffer);
  writer.u8(1);
  writer.u16(2);
  writer.u24(3);
  writer.u32(4);
  writer.u64(5);
  writer.bytes(bytes_of("six"));
  ASSERT_FALSE(writer.overflow());
  Reader reader(writer.written());
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 2);
  EXPECT_EQ(reader.u24(), 3U);
  EXPECT_EQ(reader.u32(), 4U);
  EXPECT_EQ(reader.u64(), 5U);
  EXPECT_EQ(text_of(reader.rest()), "six");
}

TEST(Writer, OverflowWritesNothingMore) {
  std::array<std::byte, 3> buffer{};
  Writer writer(buffer);
  writer.u16(0x0102);
  writer.u16(0x0304);
  EXPECT_TRUE(writer.overflow());
  EXPECT_EQ(writer.size(), 2U);
  writer.u8(5);  // would fit, and yet must not follow a hole
  EXPECT_EQ(writer.size(), 2U);
  EXPECT_EQ(buffer[2], std::byte{0});
}

TEST(Writer, BytesThatDoNotFitAreNotCopied) {
  std::array<std::byte, 2> buffer{};
  Writer writer(buffer);
  writer.bytes(bytes_of("long"));
  EXPECT_TRUE(writer.overflow());
  EXPECT_EQ(writer.size(), 0U);
  writer.bytes(bytes_of("ab"));
  EXPECT_EQ(buffer[0], std::byte{0});
}

TEST(Writer, NestedScopesGetTheirLengths) {
  std::array<std::byte, 16> buffer{};
  Writer writer(buffer);
  writer.sub<U24>([&] {
    writer.u8(0xaa);
    writer.sub<U16>([&] { writer.u8(0xbb); });
    writer.sub<U8>([] {});
  });
  EXPECT_TRUE(equal(writer.written(), hex({0, 0, 5, 0xaa, 0, 1, 0xbb, 0})));
}

TEST(Writer, ScopeTooLongForItsPrefixOverflows) {
  std::vector<std::byte> buffer(300);
  Writer writer(buffer);
  writer.sub<U8>([&] { (void)writer.space(256); });
  EXPECT_TRUE(writer.overflow());
}

TEST(Writer, ScopeOfTheGreatestLengthFits) {
  std::vector<std::byte> buffer(300);
  Writer writer(buffer);
  writer.sub<U8>([&] { (void)writer.space(255); });
  ASSERT_FALSE(writer.overflow());
  EXPECT_EQ(buffer[0], std::byte{255});
}

TEST(Writer, ScopeWithoutRoomForItsPrefixOverflows) {
  std::array<std::byte, 1> buffer{std::byte{7}};
  Writer writer(buffer);
  writer.sub<U16>([&] { writer.u8(1); });
  EXPECT_TRUE(writer.overflow());
  EXPECT_EQ(buffer[0], std::byte{7});
}

}  // namespace
}  // namespace sluice::base
