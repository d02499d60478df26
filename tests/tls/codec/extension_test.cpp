// The extensions' table and the rules that hold for every block of them (RFC 8446 section 4.2).
#include "tls/codec/extension.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/tls/support/bytes.hpp"

namespace sluice::test {
namespace {

using tls::ExtensionPlace;
using tls::ExtensionReader;
using tls::ExtensionType;
using tls::TlsError;

ByteVector block(std::initializer_list<unsigned> types) {
  return written([&](base::Writer& writer) {
    for (const unsigned type : types) {
      tls::write_extension(writer, static_cast<ExtensionType>(type), [&] { writer.u8(1); });
    }
  });
}

// The first error of a walk through the block.
std::optional<TlsError> walk(ExtensionPlace place, base::Bytes bytes) {
  ExtensionReader reader(place, bytes);
  while (!reader.empty()) {
    const auto extension = reader.next();
    if (!extension) return extension.error();
  }
  return std::nullopt;
}

TEST(ExtensionTable, HasEachTypeOnce) {
  std::set<ExtensionType> types;
  for (const tls::ExtensionRule& rule : tls::kExtensionRules) {
    EXPECT_TRUE(types.insert(rule.type).second);
    EXPECT_NE(rule.places, 0);
  }
}

TEST(ExtensionReader, EveryKnownTypeIsTakenWhereItMayStandAndNowhereElse) {
  for (const tls::ExtensionRule& rule : tls::kExtensionRules) {
    for (int bit = 0; bit < 7; ++bit) {
      const auto place = static_cast<ExtensionPlace>(1 << bit);
      const auto error = walk(place, block({static_cast<unsigned>(rule.type)}));
      if (rule.allows(place)) {
        EXPECT_EQ(error, std::nullopt);
      } else {
        EXPECT_EQ(error, TlsError::kForbiddenExtension);
      }
    }
  }
}

TEST(ExtensionReader, UnknownTypesAreTakenOnce) {
  EXPECT_EQ(walk(ExtensionPlace::CH, block({0xff01, 0x0a0a, 17513})), std::nullopt);
  EXPECT_EQ(walk(ExtensionPlace::CH, block({0xff01, 0x0a0a, 0xff01})),
            TlsError::kDuplicateExtension);
}

TEST(ExtensionReader, KnowsTheLast) {
  const ByteVector two = block({43, 45});
  ExtensionReader reader(ExtensionPlace::CH, two);
  EXPECT_FALSE(reader.next()->last);
  EXPECT_TRUE(reader.next()->last);
  EXPECT_TRUE(reader.empty());
}

TEST(ExtensionReader, BlocksThatEndInsideAnExtensionAreMalformed) {
  const ByteVector one = block({43});
  for (std::size_t size = 1; size < one.size(); ++size) {
    EXPECT_EQ(walk(ExtensionPlace::CH, base::Bytes(one).first(size)),
              TlsError::kMalformedHandshake);
  }
}

}  // namespace
}  // namespace sluice::test
