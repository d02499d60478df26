// Which route a name takes (RFC 6066 section 3, RFC 6125 section 6.4.3).
#include "dataplane/proxy/route_table.hpp"

#include <gtest/gtest.h>

namespace sluice::proxy {
namespace {

Route route_for(std::vector<std::string> names) {
  Route route;
  route.server_names = std::move(names);
  route.policy = std::make_shared<const tls::ServerPolicy>();
  return route;
}

std::optional<std::uint32_t> choose(const RouteTable& table,
                                    std::optional<std::string_view> server_name,
                                    std::uint32_t listener = 0) {
  tls::ClientHelloFacts facts;
  facts.server_name = server_name;
  facts.listener = listener;
  const auto choice = table.choose(facts);
  if (!choice) return std::nullopt;
  return choice->route;
}

class TwoListeners : public ::testing::Test {
 protected:
  const std::vector<Listener> listeners_ = {
      {.routes = {route_for({"*.shop.example"}), route_for({"pay.shop.example"}), route_for({})}},
      {.routes = {route_for({"other.example"})}}};
  const RouteTable table_{listeners_};
};

TEST_F(TwoListeners, ExactNameBeatsAnEarlierWildcard) {
  EXPECT_EQ(choose(table_, "pay.shop.example"), 1u);
}

TEST_F(TwoListeners, WildcardStandsForExactlyOneLabel) {
  EXPECT_EQ(choose(table_, "www.shop.example"), 0u);
  EXPECT_EQ(choose(table_, "a.b.shop.example"), 2u);
  EXPECT_EQ(choose(table_, "shop.example"), 2u);
  EXPECT_EQ(choose(table_, ".shop.example"), 2u);
}

TEST_F(TwoListeners, NamesCompareWithoutCase) {
  EXPECT_EQ(choose(table_, "WWW.Shop.EXAMPLE"), 0u);
}

TEST_F(TwoListeners, NoNameTakesTheRouteThatMatchesEverything) {
  EXPECT_EQ(choose(table_, std::nullopt), 2u);
}

TEST_F(TwoListeners, UnknownNameWithoutSuchARouteIsRefused) {
  EXPECT_EQ(choose(table_, "other.example", 1), 3u);
  EXPECT_EQ(choose(table_, "www.shop.example", 1), std::nullopt);
  EXPECT_EQ(choose(table_, std::nullopt, 1), std::nullopt);
}

TEST_F(TwoListeners, NameLongerThanAHostNameMatchesNothingButTheRest) {
  const std::string name = std::string(300, 'a') + ".shop.example";
  EXPECT_EQ(choose(table_, name), 2u);
}

}  // namespace
}  // namespace sluice::proxy
