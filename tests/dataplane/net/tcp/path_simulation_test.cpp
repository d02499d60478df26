// Whole transfers over paths that take less than the interfaces, whether their routers say so or
// not.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/dataplane/net/tcp/support/world.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

Simulation::Options options_for(std::uint64_t seed, bool reports) {
  std::mt19937_64 random(seed * 6'364'136'223'846'793'005);
  const auto between = [&random](std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(random);
  };
  Simulation::Options options;
  options.seed = seed;
  options.family = seed % 2 == 0 ? base::AddressFamily::kIpv4 : base::AddressFamily::kIpv6;
  options.client = options.server = small_settings(std::size_t{16'384} << between(0, 3));
  options.link.delay = Duration::microseconds(static_cast<std::int64_t>(between(50, 20'000)));
  options.link.loss = seed % 3 == 0 ? 0.02 : 0;
  options.link.largest_packet = between(seed % 2 == 0 ? 576 : 1'280, 1'499);
  options.link.reports_too_big = reports;
  return options;
}

// What came of it, for who looks for the reason.
void print(const World& world) {
  std::cout << "largest packet " << world.simulation.link.largest_packet << '\n';
  for (const Host* host : {&world.simulation.client, &world.simulation.server}) {
    for (const NetCounter counter :
         {NetCounter::kTcpTimeouts, NetCounter::kTcpBlackHoles, NetCounter::kTcpPathMtuProbes,
          NetCounter::kTcpPathMtuRaised, NetCounter::kTcpWindowProbes, NetCounter::kTcpTailProbes,
          NetCounter::kTcpRetransmits}) {
      std::cout << base::Counters<NetCounter>::infos()[static_cast<std::size_t>(counter)].name
                << ' ' << host->counters[counter] << '\n';
    }
  }
}

void expect_transfer(const Simulation::Options& options, Duration limit) {
  World world(options);
  world.connect({.sends = 200'000, .receives = 100'000, .send_seed = 1, .receive_seed = 2},
                {.sends = 100'000, .receives = 200'000, .send_seed = 2, .receive_seed = 1});
  EXPECT_TRUE(world.run(limit));
  world.expect_all_delivered();
  if (testing::Test::HasFailure()) print(world);
  world.simulation.settle(Duration::seconds(200));
  world.expect_nothing_left();
}

TEST(TcpPathSimulation, TransferFitsThePathAsSoonAsItIsReported) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_transfer(options_for(seed, true), Duration::seconds(60));
    if (HasFailure()) return;
  }
}

TEST(TcpPathSimulation, TransferGetsThroughABlackHole) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_transfer(options_for(seed, false), Duration::seconds(200));
    if (HasFailure()) return;
  }
}

// What the reports save: the time of the timeouts.
TEST(TcpPathSimulation, ReportsCostNoTimeoutAndNoReductionOfTheWindow) {
  Simulation::Options options = options_for(2, true);
  World world(options);
  world.connect({.sends = 200'000, .receives = 0, .send_seed = 1, .receive_seed = 2},
                {.sends = 0, .receives = 200'000, .send_seed = 2, .receive_seed = 1});
  EXPECT_TRUE(world.run(Duration::seconds(60)));
  const auto& counters = world.simulation.client.counters;
  EXPECT_EQ(counters[NetCounter::kTcpPathMtuLowered], 1U);
  EXPECT_EQ(counters[NetCounter::kTcpTimeouts], 0U);
  EXPECT_EQ(counters[NetCounter::kTcpFastRecoveries], 0U);
}

// The path becomes narrower in the middle, and wider again.
TEST(TcpPathSimulation, TransferFollowsAPathThatChanges) {
  Simulation::Options options = options_for(4, false);
  options.link.delay = Duration::milliseconds(1);
  options.link.largest_packet = 1'500;
  World world(options);
  world.connect({.sends = 60'000'000, .receives = 0, .send_seed = 1, .receive_seed = 2},
                {.sends = 0, .receives = 60'000'000, .send_seed = 2, .receive_seed = 1});
  world.simulation.settle(Duration::milliseconds(500));
  world.simulation.link.largest_packet = 1'300;
  world.simulation.settle(Duration::seconds(3));
  const auto& counters = world.simulation.client.counters;
  EXPECT_EQ(counters[NetCounter::kTcpBlackHoles], 1U);
  world.simulation.link.largest_packet = 1'500;
  EXPECT_TRUE(world.run(Duration::seconds(300)));
  world.expect_all_delivered();
}

}  // namespace
}  // namespace sluice::net::tcp::test
