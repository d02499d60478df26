#include "dataplane/net/tcp/listeners.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace sluice::net::tcp::test {
namespace {

using base::SocketAddress;

SocketAddress at(std::string_view text) {
  return *SocketAddress::parse(text);
}

TEST(Listeners, ExactAddressGoesBeforeAnUnspecifiedOne) {
  Listeners listeners;
  const ListenerId any = listeners.add(at("0.0.0.0:443")).value();
  const ListenerId exact = listeners.add(at("198.18.0.1:443")).value();
  EXPECT_EQ(listeners.find(at("198.18.0.1:443")), exact);
  EXPECT_EQ(listeners.find(at("198.18.0.2:443")), any);
  EXPECT_EQ(listeners.find(at("198.18.0.1:444")), std::nullopt);
  listeners.remove(exact);
  EXPECT_EQ(listeners.find(at("198.18.0.1:443")), any);
}

TEST(Listeners, UnspecifiedAddressStandsForItsFamilyAlone) {
  Listeners listeners;
  const ListenerId v4 = listeners.add(at("0.0.0.0:443")).value();
  EXPECT_EQ(listeners.find(at("[2001:db8::1]:443")), std::nullopt);
  const ListenerId v6 = listeners.add(at("[::]:443")).value();
  EXPECT_EQ(listeners.find(at("[2001:db8::1]:443")), v6);
  EXPECT_EQ(listeners.find(at("198.18.0.1:443")), v4);
}

TEST(Listeners, AddressIsTakenOnceAndAfterItsRemovalAgain) {
  Listeners listeners;
  const ListenerId first = listeners.add(at("198.18.0.1:443")).value();
  EXPECT_EQ(listeners.add(at("198.18.0.1:443")).error(), ListenError::kAddressInUse);
  listeners.remove(first);
  EXPECT_TRUE(listeners.add(at("198.18.0.1:443")));
}

TEST(Listeners, OneTooManyIsRefusedAndFindsThePlaceOfOneThatLeft) {
  Listeners listeners;
  std::vector<ListenerId> all;
  for (std::uint16_t port = 1; port <= Listeners::kMax; ++port) {
    all.push_back(listeners.add({.address = {}, .port = port}).value());
  }
  const SocketAddress other = at("198.18.0.1:443");
  EXPECT_EQ(listeners.add(other).error(), ListenError::kTooMany);
  listeners.remove(all[17]);
  listeners.remove(Listeners::kMax);  // nobody's
  const ListenerId id = listeners.add(other).value();
  EXPECT_EQ(listeners.find(other), id);
  EXPECT_EQ(listeners.find(at("198.18.0.1:18")), std::nullopt);
  EXPECT_EQ(listeners.find(at("198.18.0.1:19")), all[18]);
}

// Whatever comes and goes, as a map would have it.
TEST(Listeners, FindWhoIsThereAfterAnyChanges) {
  constexpr std::uint32_t kSeed = 6'701;
  std::mt19937 random(kSeed);
  Listeners listeners;
  std::map<SocketAddress, ListenerId> expected;
  const auto draw = [&random] {
    const auto host = static_cast<std::uint8_t>(random() % 8);
    const auto port = static_cast<std::uint16_t>(8'000 + random() % 48);
    const bool unspecified = host == 0;
    return SocketAddress{
        .address = unspecified ? base::Ipv4Address{} : base::Ipv4Address::of(198, 18, 0, host),
        .port = port};
  };
  for (int change = 0; change < 20'000; ++change) {
    const SocketAddress local = draw();
    const auto known = expected.find(local);
    if (known != expected.end()) {
      listeners.remove(known->second);
      expected.erase(known);
    } else if (const auto added = listeners.add(local)) {
      expected.emplace(local, *added);
    } else {
      EXPECT_EQ(expected.size(), Listeners::kMax);
    }
    const SocketAddress wanted = draw();
    auto found = expected.find(wanted);
    if (found == expected.end()) found = expected.find({.address = {}, .port = wanted.port});
    const auto listener = listeners.find(wanted);
    ASSERT_EQ(listener.has_value(), found != expected.end()) << change;
    if (listener) {
      ASSERT_EQ(*listener, found->second) << change;
    }
  }
}

}  // namespace
}  // namespace sluice::net::tcp::test
