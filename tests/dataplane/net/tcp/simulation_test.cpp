// Whole connections over bad links: numbers that wrap, sessions that break off, and how little a
// lossy link costs. The sweep over all that can be drawn is in sweep_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/dataplane/net/tcp/support/world.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::Instant;

TEST(TcpSimulationOfWrapping, NumbersBeginWhereTheyAreMeantTo) {
  for (const bool client_side : {true, false}) {
    Simulation::Options options;
    options.start = shortly_before_wrapping(client_side);
    World world(options);
    std::vector<std::uint32_t> numbers;
    world.simulation.observe = [&](base::Bytes segment) {
      numbers.push_back(base::load_be<std::uint32_t>(segment.data() + 4));
    };
    world.connect({.sends = 60'000, .receives = 60'000, .send_seed = 1, .receive_seed = 2},
                  {.sends = 60'000, .receives = 60'000, .send_seed = 2, .receive_seed = 1});
    EXPECT_TRUE(world.run(Duration::seconds(10)));
    world.expect_all_delivered();
    EXPECT_TRUE(std::ranges::any_of(numbers, [](std::uint32_t n) { return n > 0xffffe000; }));
    EXPECT_TRUE(std::ranges::any_of(numbers, [](std::uint32_t n) { return n < 50'000; }));
  }
}

// Sessions that abort or close in the middle: both sides end, nothing wrong is ever read, and
// every packet comes home.
void broken_off_world(std::uint64_t seed) {
  std::mt19937_64 random(seed * 104'729);
  const auto up_to = [&random](std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(random);
  };
  Simulation::Options options;
  options.seed = seed;
  options.client = options.server = small_settings(32 * 1024);
  options.link.loss = static_cast<double>(up_to(80)) / 1000;
  options.link.delay = Duration::microseconds(static_cast<std::int64_t>(10 + up_to(5'000)));
  options.link.jitter = Duration::microseconds(static_cast<std::int64_t>(up_to(3'000)));
  World world(options);
  world.connect({.sends = 200'000, .receives = 200'000, .send_seed = 1, .receive_seed = 2},
                {.sends = 200'000, .receives = 200'000, .send_seed = 2, .receive_seed = 1});
  world.simulation.settle(Duration::microseconds(static_cast<std::int64_t>(up_to(60'000))));
  Pair& pair = world.pairs.front();
  const bool client_side = pair.server == nullptr || up_to(1) == 0;
  Host& host = client_side ? world.simulation.client : world.simulation.server;
  const ConnectionHandle c = (client_side ? *pair.client : *pair.server).connection();
  if (up_to(1) == 0) {
    host.engine.abort(world.simulation.now, c);
  } else {
    host.engine.close(world.simulation.now, c);
  }
  (client_side ? *pair.client : *pair.server).leave();
  // A reset may be lost: then the other side's own timer ends it.
  world.simulation.settle(Duration::seconds(400));
  if (pair.server != nullptr) {
    EXPECT_TRUE(pair.server->over());
  }
  EXPECT_TRUE(pair.client->over());
  world.expect_nothing_left();
}

TEST(TcpSimulationOfFailure, BrokenOffConnectionsEndOnBothSides) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    broken_off_world(seed);
    if (HasFailure()) return;
  }
}

// What is lost is found from acknowledgments; the retransmission timer is the last resort, and
// little is sent again that was not lost.
TEST(TcpRecovery, BulkTransferOverALossyLinkHardlyWaitsForTimeouts) {
  for (const auto delay : {Duration::microseconds(50), Duration::milliseconds(2)}) {
    SCOPED_TRACE(delay.microseconds());
    Simulation::Options options;
    options.client = options.server = small_settings(256 * 1024);
    options.link = {.loss = 0.03,
                    .duplication = 0.01,
                    .delay = delay,
                    .jitter = delay / 4,
                    .hold = Duration::microseconds(50)};
    World world(options);
    constexpr std::uint64_t kBytes = 2'000'000;
    world.connect({.sends = kBytes, .receives = 0, .send_seed = 1, .receive_seed = 2},
                  {.sends = 0, .receives = kBytes, .send_seed = 2, .receive_seed = 1});
    EXPECT_TRUE(world.run(Duration::seconds(60)));
    world.expect_all_delivered();
    const auto& counters = world.simulation.client.counters;
    const double lost = 0.03 * static_cast<double>(counters[NetCounter::kTcpSegmentsOut]);
    EXPECT_LE(counters[NetCounter::kTcpTimeouts], 6U);
    EXPECT_LE(static_cast<double>(counters[NetCounter::kTcpRetransmits]), 2.5 * lost);
  }
}

}  // namespace
}  // namespace sluice::net::tcp::test
