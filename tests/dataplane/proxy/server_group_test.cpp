// Which server and which source address the next backend connection takes.
#include "dataplane/proxy/server_group.hpp"

#include <gtest/gtest.h>

namespace sluice::proxy {
namespace {

using base::Duration;
using base::Instant;

Backend three_servers() {
  Backend backend;
  for (std::uint8_t host = 1; host <= 3; ++host) {
    backend.servers.push_back({base::Ipv4Address::of(198, 18, 0, host), 80});
  }
  backend.source_addresses = {base::Ipv4Address::of(198, 18, 0, 10),
                              base::Ipv4Address::of(198, 18, 0, 11)};
  backend.retry_after = Duration::seconds(2);
  return backend;
}

constexpr Instant kNow = Instant::from_nanoseconds(1'000'000'000'000);

TEST(ServerGroup, AllAliveTheyTakeTurns) {
  ServerGroup group(three_servers());
  for (const std::size_t expected : {0u, 1u, 2u, 0u, 1u}) {
    EXPECT_EQ(group.pick(kNow, 0)->server, expected);
  }
}

TEST(ServerGroup, FailedServerIsPassedOverUntilItsTimeIsUp) {
  ServerGroup group(three_servers());
  group.failed(kNow, 1);
  EXPECT_EQ(group.pick(kNow, 0)->server, 0u);
  const auto pick = group.pick(kNow, 0);
  EXPECT_EQ(pick->server, 2u);
  EXPECT_EQ(pick->skipped, 1u);
  EXPECT_EQ(group.pick(kNow, 0)->server, 0u);
  EXPECT_EQ(group.pick(kNow + Duration::seconds(2), 0)->server, 1u);
}

TEST(ServerGroup, SuccessBringsAServerBackAtOnce) {
  ServerGroup group(three_servers());
  group.failed(kNow, 0);
  group.succeeded(0);
  EXPECT_EQ(group.pick(kNow, 0)->server, 0u);
}

TEST(ServerGroup, WhenAllAreDeadTheLongestDeadIsTried) {
  ServerGroup group(three_servers());
  group.failed(kNow, 2);
  group.failed(kNow + Duration::milliseconds(1), 0);
  group.failed(kNow + Duration::milliseconds(2), 1);
  EXPECT_EQ(group.pick(kNow + Duration::milliseconds(3), 0)->server, 2u);
}

TEST(ServerGroup, WhatASessionTriedItIsNotGivenAgain) {
  ServerGroup group(three_servers());
  EXPECT_EQ(group.pick(kNow, 0b011)->server, 2u);
  EXPECT_EQ(group.pick(kNow, 0b111), std::nullopt);
}

TEST(ServerGroup, OfTheMostServersEachIsTriedOnce) {
  Backend backend = three_servers();
  backend.servers.assign(base::limits::kMaxServersPerBackend,
                         {base::Ipv4Address::of(198, 18, 0, 1), 80});
  ServerGroup group(backend);
  ServerGroup::Tried tried = 0;
  for (std::size_t expected = 0; expected < backend.servers.size(); ++expected) {
    const auto pick = group.pick(kNow, tried);
    ASSERT_TRUE(pick);
    EXPECT_EQ(pick->server, expected);
    tried |= ServerGroup::Tried{1} << pick->server;
  }
  EXPECT_FALSE(group.pick(kNow, tried));
}

TEST(ServerGroup, SourceAddressesTakeTurns) {
  ServerGroup group(three_servers());
  const base::IpAddress first = group.next_source();
  const base::IpAddress second = group.next_source();
  EXPECT_NE(first, second);
  EXPECT_EQ(group.next_source(), first);
}

}  // namespace
}  // namespace sluice::proxy
