// A sender whose peer lies about what it has received, in many worlds: the sender finishes, or
// gives the connection up, in bounded time and with bounded work; where the peer does not lie about
// having received, it receives everything. Savage, Cardwell, Wetherall and Anderson, "TCP
// congestion control with a misbehaving receiver" (1999); RFC 2018 8, RFC 5681 4, RFC 9293 3.8.6.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/dataplane/net/tcp/support/adversary.hpp"
#include "tests/dataplane/net/tcp/support/world.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr std::uint64_t kBytes = 200'000;

// A world whose server lies to the client, which sends.
struct Deception {
  Deception(std::uint64_t seed, const Lies& lies)
      : world(options(seed)), adversary(world.simulation, world.simulation.server, lies) {
    world.simulation.bend = [this](const Host& from, base::Bytes segment) {
      return adversary.bend(from, segment);
    };
    world.connect({.sends = kBytes, .receives = 20'000, .send_seed = 1, .receive_seed = 2},
                  {.sends = 20'000, .receives = kBytes, .send_seed = 2, .receive_seed = 1});
  }

  static Simulation::Options options(std::uint64_t seed) {
    std::mt19937_64 random(seed * 31'337);
    const auto up_to = [&random](std::uint64_t most) {
      return std::uniform_int_distribution<std::uint64_t>(0, most)(random);
    };
    Simulation::Options made;
    made.seed = seed;
    made.client = small_settings(std::size_t{8'192} << up_to(5));
    made.server = small_settings(std::size_t{8'192} << up_to(5));
    made.client.keepalive_idle = made.server.keepalive_idle = Duration::seconds(30);
    made.client.keepalive_interval = made.server.keepalive_interval = Duration::seconds(5);
    made.link.loss = static_cast<double>(up_to(1) * up_to(50)) / 1'000;
    made.link.delay = Duration::microseconds(static_cast<std::int64_t>(50 + up_to(10'000)));
    made.link.jitter = Duration::microseconds(static_cast<std::int64_t>(up_to(2'000)));
    return made;
  }

  // What the client sent, and what it could have needed: each acknowledgment lets out a segment or
  // two, and each byte is worth at most its own segment, several times over.
  void expect_bounded_work() const {
    const auto& counters = world.simulation.client.counters;
    EXPECT_LT(counters[NetCounter::kTcpSegmentsOut],
              2 * counters[NetCounter::kTcpSegmentsIn] + 10 * kBytes / 500);
  }

  // The peer is gone, and the client has no packet and no control block left.
  void expect_an_end() {
    world.simulation.cut = true;
    world.simulation.settle(Duration::seconds(400));
    EXPECT_TRUE(world.pairs.front().client->over());
    EXPECT_EQ(world.simulation.client.engine.connections(), 0U);
    world.simulation.server.engine.abort_all(world.simulation.now);
    world.simulation.settle(Duration::seconds(100));
    EXPECT_EQ(world.simulation.client.pool.available(), world.simulation.client.pool.capacity());
  }

  World world;
  Adversary adversary;
};

void expect_delivery(std::uint64_t first_seed, const Lies& lies) {
  for (std::uint64_t seed = first_seed; seed < first_seed + 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + lies.describe());
    Deception deception(seed, lies);
    EXPECT_TRUE(deception.world.run(Duration::seconds(600)));
    deception.world.expect_all_delivered();
    deception.expect_bounded_work();
    deception.world.simulation.settle(Duration::seconds(200));
    deception.world.expect_nothing_left();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(TcpAdversary, InventedSackBlocksDoNotKeepLostDataFromBeingSent) {
  expect_delivery(0, {.sack = 0.1});
  expect_delivery(100, {.sack = 0.9});
}

TEST(TcpAdversary, RepeatedAcknowledgmentsAndReportsDoNotStopTheSender) {
  expect_delivery(200, {.duplicate = 0.5});
  expect_delivery(300, {.sack = 0.3, .duplicate = 0.9});
}

TEST(TcpAdversary, DividedAcknowledgmentsDoNotInflateTheWindow) {
  expect_delivery(400, {.division = 1});
  // RFC 3465 2.1: the window grows by bytes acknowledged, so in as many round trips as without.
  const auto time_with = [](double division) {
    Deception deception(7, {.division = division});
    deception.world.simulation.link = {.delay = Duration::milliseconds(20)};
    EXPECT_TRUE(deception.world.run(Duration::seconds(60)));
    return deception.world.simulation.now;
  };
  EXPECT_GE(time_with(1) + Duration::milliseconds(45), time_with(0));
}

TEST(TcpAdversary, WindowsThatShrinkAreBorne) {
  expect_delivery(500, {.shrinking = 0.3});
  expect_delivery(600, {.shrinking = 0.9});
}

TEST(TcpAdversary, ForgedEchoesDoNotBlowTheTimeoutUpForGood) {
  expect_delivery(700, {.timestamps = 0.5});
}

TEST(TcpAdversary, EverythingAtOnceButOptimismIsDelivered) {
  expect_delivery(
      800, {.sack = 0.2, .duplicate = 0.2, .division = 0.2, .shrinking = 0.2, .timestamps = 0.2});
}

// What it says has arrived is gone; that is its own loss, but the connection ends.
TEST(TcpAdversary, OptimisticAcknowledgmentsEndTheConnectionSooner) {
  for (std::uint64_t seed = 900; seed < 950; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Deception deception(seed, {.sack = 0.1, .optimism = 0.2});
    deception.world.simulation.settle(Duration::seconds(300));
    deception.expect_bounded_work();
    deception.expect_an_end();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::net::tcp::test
