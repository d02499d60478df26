// Host names in server_name (RFC 6066 section 3).
#include "tls/codec/server_name.hpp"

#include <gtest/gtest.h>

#include "tests/tls/support/bytes.hpp"

namespace sluice::test {
namespace {

using tls::TlsError;

auto parse(std::string_view name) {
  return tls::parse_server_name(
      written([&](base::Writer& writer) { tls::write_server_name(writer, name); }));
}

TEST(HostName, LegalOnes) {
  const std::string label(63, 'a');
  for (const std::string& name :
       {std::string("a"), std::string("localhost"), std::string("www.shop.example"),
        std::string("xn--bcher-kva.example"), std::string("_dmarc.example"), std::string("1.2.3"),
        std::string("A-1.Example"), std::string("-a.-.b-.example"),
        label + "." + label + "." + label + "." + std::string(61, 'b')}) {
    EXPECT_TRUE(tls::is_host_name(name)) << name;
  }
}

TEST(HostName, IllegalOnes) {
  const std::string label(63, 'a');
  for (const std::string& name :
       {std::string(), std::string("."), std::string("a."), std::string(".a"), std::string("a..b"),
        std::string("a b"), std::string("a/b"),
        std::string("b\xc3\xbc"
                    "cher"),
        std::string("*.example"), std::string("a\0b", 3), label + "a",
        label + "." + label + "." + label + "." + std::string(62, 'b')}) {
    EXPECT_FALSE(tls::is_host_name(name)) << name;
  }
}

TEST(ServerName, LegalIsReturnedAsSent) {
  const ByteVector body =
      written([&](base::Writer& writer) { tls::write_server_name(writer, "Shop.Example"); });
  const auto name = tls::parse_server_name(body);
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, "Shop.Example");
}

// RFC 6066 3 has names sent without it; it says no more than that the name is a whole one.
TEST(ServerName, OneTrailingDotIsDropped) {
  const ByteVector body =
      written([&](base::Writer& writer) { tls::write_server_name(writer, "shop.example."); });
  const auto name = tls::parse_server_name(body);
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, "shop.example");
}

TEST(ServerName, OfTheGreatestLengthMayHaveATrailingDot) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  EXPECT_TRUE(parse(longest + "."));
  EXPECT_FALSE(parse(longest + "b"));
}

TEST(ServerName, AddressesCountAsNone) {
  for (const char* address : {"192.0.2.1", "192.0.2.1.", "2001:db8::1", "::1"}) {
    const auto name = parse(address);
    ASSERT_TRUE(name);
    EXPECT_EQ(*name, std::nullopt);
  }
}

TEST(ServerName, IllegalIsRefused) {
  for (const char* illegal : {"not a name", ".", "a..", ".."}) {
    const auto name = parse(illegal);
    ASSERT_FALSE(name) << illegal;
    EXPECT_EQ(name.error(), TlsError::kIllegalServerName);
  }
}

TEST(LowerCaseName, ChangesLettersOnly) {
  EXPECT_EQ(tls::LowerCaseName("WWW.Shop-1_Z.EXAMPLE").view(), "www.shop-1_z.example");
}

}  // namespace
}  // namespace sluice::test
