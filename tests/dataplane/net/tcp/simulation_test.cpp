// Whole connections over bad links, many seeds: every byte arrives in order and unchanged, every
// connection ends, and every packet comes home. A failure names its seed; run that one alone with
// --gtest_filter and the seed's number.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "dataplane/net/tcp/flow_hash.hpp"
#include "dataplane/net/tcp/ports.hpp"
#include "tests/dataplane/net/tcp/support/simulation.hpp"
#include "tests/dataplane/net/tcp/support/transfer.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::Instant;

constexpr std::uint16_t kPort = 443;

// A client and a server session of one connection.
struct Pair {
  std::unique_ptr<Transfer> client;
  std::unique_ptr<Transfer> server;
  TransferPlan server_plan;
};

class World {
 public:
  explicit World(const Simulation::Options& options) : simulation(options) {
    EXPECT_TRUE(simulation.server.engine.listen({simulation.server.address, kPort}));
    simulation.application = [this] { turn(); };
  }

  void connect(const TransferPlan& client_plan, const TransferPlan& server_plan) {
    const std::uint64_t number = pairs.size();
    const auto connection = simulation.client.engine.connect(
        simulation.now, {.source = simulation.client.address,
                         .remote = {simulation.server.address, kPort},
                         .timeout = Duration::seconds(60),
                         .context = number});
    ASSERT_TRUE(connection);
    Pair pair;
    pair.client =
        std::make_unique<Transfer>(simulation, simulation.client, *connection, client_plan);
    pair.server_plan = server_plan;
    ports.push_back(simulation.client.engine.addresses(*connection)->local.port);
    pairs.push_back(std::move(pair));
  }

  bool run(Duration limit) {
    return simulation.run_until([this] { return all_over(); }, limit);
  }

  [[nodiscard]] bool all_over() const {
    return std::ranges::all_of(pairs, [](const Pair& pair) {
      return pair.client->over() && pair.server != nullptr && pair.server->over();
    });
  }

  void expect_all_delivered() {
    for (const Pair& pair : pairs) {
      ASSERT_NE(pair.server, nullptr);
      EXPECT_EQ(pair.client->reason(), CloseReason::kNone);
      EXPECT_EQ(pair.server->reason(), CloseReason::kNone);
      EXPECT_EQ(pair.server->received(), pair.client->sent());
      EXPECT_EQ(pair.client->received(), pair.server->sent());
      EXPECT_TRUE(pair.client->saw_end());
      EXPECT_TRUE(pair.server->saw_end());
    }
  }

  void expect_nothing_left() {
    for (Host* host : {&simulation.client, &simulation.server}) {
      EXPECT_EQ(host->pool.available(), host->pool.capacity());
      EXPECT_EQ(host->engine.connections(), 0U);
      EXPECT_EQ(host->engine.half_open(), 0U);
      EXPECT_EQ(host->engine.time_wait(), 0U);
    }
  }

  Simulation simulation;
  std::vector<Pair> pairs;
  std::vector<std::uint16_t> ports;

 private:
  void turn() {
    while (const auto event = simulation.client.engine.next_event()) {
      pairs.at(event->context).client->on_event(*event);
    }
    while (const auto event = simulation.server.engine.next_event()) on_server_event(*event);
    for (Pair& pair : pairs) {
      pair.client->run();
      if (pair.server != nullptr) pair.server->run();
    }
    // Sessions that were idle on purpose, or without packets, get another turn.
    simulation.application_wakes =
        nobody_left() ? Instant::never() : simulation.now + Duration::milliseconds(5);
  }

  [[nodiscard]] bool nobody_left() const {
    return std::ranges::all_of(pairs, [](const Pair& pair) {
      return pair.client->over() && (pair.server == nullptr || pair.server->over());
    });
  }

  void on_server_event(const Event& event) {
    if (event.what.opened) {
      EXPECT_TRUE(event.accepted);
      const auto flow = simulation.server.engine.addresses(event.connection);
      const auto port = std::ranges::find(ports, flow->remote.port);
      ASSERT_NE(port, ports.end());
      const auto number = static_cast<std::uint64_t>(port - ports.begin());
      simulation.server.engine.set_context(event.connection, number);
      Pair& pair = pairs[number];
      ASSERT_EQ(pair.server, nullptr);
      pair.server = std::make_unique<Transfer>(simulation, simulation.server, event.connection,
                                               pair.server_plan);
      return pair.server->on_event(event);
    }
    pairs.at(event.context).server->on_event(event);
  }
};

TcpSettings small_settings(std::size_t buffer) {
  TcpSettings settings;
  settings.max_connections = 64;
  settings.max_half_open = 16;
  settings.max_time_wait = 64;
  settings.receive_buffer = buffer;
  settings.send_buffer = buffer;
  settings.time_wait = Duration::seconds(60);
  return settings;
}

// When to start so that the first connection's sequence numbers, the client's or the server's, pass
// 2^32 within its first kilobytes. They follow from the hash key, the flow and the clock alone.
Instant shortly_before_wrapping(bool client) {
  const FlowHash hash(kHashKey);
  base::FourTuple flow{.local = *base::SocketAddress::parse("198.18.0.1:0"),
                       .remote = *base::SocketAddress::parse("198.18.0.2:443")};
  constexpr std::uint32_t kPorts = 65'536 - kFirstEphemeralPort;
  flow.local.port =
      static_cast<std::uint16_t>(kFirstEphemeralPort + hash.port_offset(flow) % kPorts);
  if (!client) std::swap(flow.local, flow.remote);
  const std::uint32_t at_zero = hash.initial_sequence(flow, Instant{}).value();
  const std::uint32_t ticks = 0xffffffff - 8'000 - at_zero;
  return Instant::from_nanoseconds(std::int64_t{ticks} * 4'000);
}

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

// A connection of random volume over a link of random quality.
void random_world(std::uint64_t seed) {
  std::mt19937_64 random(seed * 7919);
  const auto up_to = [&random](std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(random);
  };
  Simulation::Options options;
  options.seed = seed;
  options.client = small_settings(std::size_t{8'192} << up_to(4));
  options.server = small_settings(std::size_t{8'192} << up_to(4));
  // Scarce packets in one world of six. The last sixteenth is what acknowledgments live on, some of
  // which the link holds: of fewer packets it would be one or two, and three connections whose send
  // queues pin the rest would starve each other's until the user timeout.
  options.packets = up_to(5) == 0 ? 48 + up_to(40) : std::size_t{512} << up_to(2);
  options.link.loss = up_to(3) == 0 ? 0 : static_cast<double>(up_to(100)) / 1000;
  options.link.duplication = up_to(1) == 0 ? 0 : static_cast<double>(up_to(50)) / 1000;
  options.link.delay = Duration::microseconds(static_cast<std::int64_t>(10 + up_to(20'000)));
  options.link.jitter = Duration::microseconds(static_cast<std::int64_t>(up_to(1) * up_to(5'000)));
  options.link.hold = Duration::microseconds(static_cast<std::int64_t>(up_to(1) * up_to(300'000)));
  // The first connection's numbers wrap in two worlds of three, once on either side.
  if (seed % 3 != 2) options.start = shortly_before_wrapping(seed % 3 == 0);
  World world(options);
  const std::uint64_t connections = 1 + up_to(2);
  for (std::uint64_t i = 0; i < connections; ++i) {
    TransferPlan client{.sends = up_to(60'000),
                        .receives = up_to(60'000),
                        .send_seed = seed + i,
                        .receive_seed = ~seed - i,
                        .largest_write = 1 + up_to(up_to(1) == 0 ? 100 : 30'000),
                        .idleness = static_cast<double>(up_to(1) * up_to(95)) / 100,
                        .naps = up_to(3) == 0 ? 0.02 : 0,
                        .waits_for_peer = up_to(2) == 0};
    TransferPlan server{.sends = client.receives,
                        .receives = client.sends,
                        .send_seed = client.receive_seed,
                        .receive_seed = client.send_seed,
                        .largest_write = 1 + up_to(30'000),
                        .idleness = static_cast<double>(up_to(1) * up_to(95)) / 100,
                        .naps = up_to(3) == 0 ? 0.02 : 0,
                        .waits_for_peer = !client.waits_for_peer && up_to(1) == 0};
    world.connect(client, server);
  }
  EXPECT_TRUE(world.run(Duration::seconds(600)));
  world.expect_all_delivered();
  world.simulation.settle(Duration::seconds(200));
  world.expect_nothing_left();
}

class TcpSimulation : public testing::TestWithParam<std::uint64_t> {};

// Each instance runs a range of seeds, so that a failure is found by its number.
TEST_P(TcpSimulation, EveryByteArrivesAndEveryPacketComesHome) {
  constexpr std::uint64_t kSeeds = 25;
  for (std::uint64_t seed = GetParam() * kSeeds; seed < (GetParam() + 1) * kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_world(seed);
    if (HasFailure()) return;
  }
}

// For minutes, by hand: --gtest_also_run_disabled_tests.
TEST(TcpSimulationAtLength, DISABLED_EveryByteArrivesAndEveryPacketComesHome) {
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_world(seed);
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

INSTANTIATE_TEST_SUITE_P(Seeds, TcpSimulation, testing::Range<std::uint64_t>(0, 12));

}  // namespace
}  // namespace sluice::net::tcp::test
