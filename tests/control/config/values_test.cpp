#include "control/config/values.hpp"

#include <gtest/gtest.h>

#include "control/config/server_name.hpp"
#include "control/config/suggestion.hpp"

namespace sluice::control {
namespace {

using base::Duration;

TEST(Values, DurationsTakeAWholeNumberAndAUnit) {
  EXPECT_EQ(parse_duration("7ns"), Duration::nanoseconds(7));
  EXPECT_EQ(parse_duration("200us"), Duration::microseconds(200));
  EXPECT_EQ(parse_duration("3ms"), Duration::milliseconds(3));
  EXPECT_EQ(parse_duration("5s"), Duration::seconds(5));
  EXPECT_EQ(parse_duration("5m"), Duration::seconds(300));
  EXPECT_EQ(parse_duration("12h"), Duration::seconds(43200));
  EXPECT_EQ(parse_duration("2d"), Duration::seconds(172800));
  EXPECT_EQ(parse_duration("0"), Duration{});
}

TEST(Values, OtherDurationsAreRefused) {
  for (const char* text : {"", "5", "s", "5 s", "5S", "1.5s", "-5s", "+5s", "5sec", "0x5s",
                           "36526d", "99999999999999999999s", "9223372036854775807d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Values, DurationsPrintWithTheirLargestWholeUnit) {
  EXPECT_EQ(format_duration(Duration{}), "0");
  EXPECT_EQ(format_duration(Duration::milliseconds(1500)), "1500ms");
  EXPECT_EQ(format_duration(Duration::seconds(240)), "4m");
  EXPECT_EQ(format_duration(Duration::seconds(7 * 86400)), "7d");
}

TEST(Values, SizesCountIn1024s) {
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("64K"), 65536U);
  EXPECT_EQ(parse_size("1M"), 1048576U);
  EXPECT_EQ(parse_size("2G"), 2147483648U);
  for (const char* text : {"", "K", "64k", "64KB", "1.5M", "-1", "18446744073709551615G"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
  EXPECT_EQ(format_size(65536), "64K");
  EXPECT_EQ(format_size(1000), "1000");
}

TEST(Values, RatesAreProbabilitiesOrPercentages) {
  EXPECT_DOUBLE_EQ(parse_rate("0.03").value(), 0.03);
  EXPECT_DOUBLE_EQ(parse_rate("3%").value(), 0.03);
  EXPECT_DOUBLE_EQ(parse_rate("1").value(), 1);
  EXPECT_DOUBLE_EQ(parse_rate("100%").value(), 1);
  for (const char* text : {"", "%", "1.01", "101%", "-0.1", "nan", "inf", "0.5x", "1e-2"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

TEST(ServerName, LegalNamesAreLowered) {
  EXPECT_EQ(parse_server_name("Shop.Example"), "shop.example");
  EXPECT_EQ(parse_server_name("*.shop.example"), "*.shop.example");
  EXPECT_EQ(parse_server_name("localhost"), "localhost");
  EXPECT_EQ(parse_server_name("xn--bcher-kva.example"), "xn--bcher-kva.example");
}

TEST(ServerName, OthersAreRefused) {
  for (const std::string& text :
       {std::string(""), std::string("."), std::string("*"), std::string("*."), std::string("a..b"),
        std::string("a.b."), std::string("-a.b"), std::string("a-.b"), std::string("w*.b"),
        std::string("a.*.b"), std::string("*.*.b"), std::string("a b"), std::string("198.18.0.1"),
        std::string("2001:db8::1"), std::string(64, 'a') + ".b",
        std::string(127, 'a').replace(63, 1, ".") + "." + std::string(127, 'a')}) {
    EXPECT_FALSE(parse_server_name(text)) << text;
  }
}

TEST(Suggestion, TheClosestNameIsMeantWhenOneIsClose) {
  static constexpr std::string_view kNames[] = {"addresses", "gateway", "mtu", "name"};
  EXPECT_EQ(did_you_mean("adresses", kNames), "; did you mean \"addresses\"?");
  EXPECT_EQ(did_you_mean("gatewya", kNames), "; did you mean \"gateway\"?");
  EXPECT_EQ(did_you_mean("mut", kNames), "; did you mean \"mtu\"?");
  EXPECT_EQ(did_you_mean("frobnication", kNames), "");
  EXPECT_EQ(did_you_mean("", kNames), "");
  EXPECT_EQ(did_you_mean(std::string(10'000, 'a'), kNames), "");
}

}  // namespace
}  // namespace sluice::control
