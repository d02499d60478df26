#include "tests/dataplane/net/tcp/support/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "dataplane/net/tcp/flow_hash.hpp"
#include "dataplane/net/tcp/ports.hpp"

namespace sluice::net::tcp::test {

using base::Duration;
using base::Instant;

World::World(const Simulation::Options& options) : simulation(options) {
  EXPECT_TRUE(simulation.server.engine.listen({simulation.server.address, kPort}));
  simulation.application = [this] { turn(); };
}

void World::connect(const TransferPlan& client_plan, const TransferPlan& server_plan) {
  Engine& engine = simulation.client.engine;
  const auto connection =
      engine.connect(simulation.now, {.source = simulation.client.address,
                                      .remote = {simulation.server.address, kPort},
                                      .timeout = Duration::seconds(60),
                                      .context = pairs.size()});
  ASSERT_TRUE(connection);
  Pair pair;
  pair.client = std::make_unique<Transfer>(simulation, simulation.client, *connection, client_plan);
  pair.server_plan = server_plan;
  ports_.push_back(engine.addresses(*connection)->local.port);
  pairs.push_back(std::move(pair));
}

bool World::run(Duration limit) {
  return simulation.run_until([this] { return all_over(); }, limit);
}

bool World::all_over() const {
  return std::ranges::all_of(
      pairs, [](const Pair& pair) { return pair.server != nullptr && pair.over(); });
}

void World::expect_delivered(const Pair& pair) {
  ASSERT_NE(pair.server, nullptr);
  EXPECT_EQ(pair.client->reason(), CloseReason::kNone);
  EXPECT_EQ(pair.server->reason(), CloseReason::kNone);
  EXPECT_EQ(pair.server->received(), pair.client->sent());
  EXPECT_EQ(pair.client->received(), pair.server->sent());
  EXPECT_TRUE(pair.client->saw_end());
  EXPECT_TRUE(pair.server->saw_end());
}

void World::expect_all_delivered() const {
  for (const Pair& pair : pairs) expect_delivered(pair);
}

void World::expect_nothing_left() const {
  for (const Host* host : {&simulation.client, &simulation.server}) {
    EXPECT_EQ(host->pool.available(), host->pool.capacity());
    EXPECT_EQ(host->engine.connections(), 0U);
    EXPECT_EQ(host->engine.half_open(), 0U);
    EXPECT_EQ(host->engine.time_wait(), 0U);
  }
}

void World::turn() {
  while (const auto event = simulation.client.engine.next_event()) {
    pairs.at(event->context).client->on_event(*event);
  }
  while (const auto event = simulation.server.engine.next_event()) on_server_event(*event);
  for (Pair& pair : pairs) {
    pair.client->run();
    if (pair.server != nullptr) pair.server->run();
  }
  // Sessions that were idle on purpose, or without packets, get another turn.
  const bool nobody_left = std::ranges::all_of(pairs, &Pair::over);
  simulation.application_wakes =
      nobody_left ? Instant::never() : simulation.now + Duration::milliseconds(5);
}

void World::on_server_event(const Event& event) {
  if (!event.what.opened) return pairs.at(event.context).server->on_event(event);
  EXPECT_TRUE(event.accepted);
  const auto flow = simulation.server.engine.addresses(event.connection);
  if (!flow) {
    EXPECT_TRUE(event.what.closed);  // opened and reset since the last turn
    return;
  }
  const auto port = std::ranges::find(ports_, flow->remote.port);
  ASSERT_NE(port, ports_.end());
  const auto number = static_cast<std::uint64_t>(port - ports_.begin());
  simulation.server.engine.set_context(event.connection, number);
  Pair& pair = pairs[number];
  ASSERT_EQ(pair.server, nullptr);
  pair.server =
      std::make_unique<Transfer>(simulation, simulation.server, event.connection, pair.server_plan);
  pair.server->on_event(event);
}

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

Instant shortly_before_wrapping(bool client, base::AddressFamily family) {
  const FlowHash hash(kHashKey);
  base::FourTuple flow{.local = {address_of(family, 1), 0},
                       .remote = {address_of(family, 2), kPort}};
  constexpr std::uint32_t kPorts = 65'536 - kFirstEphemeralPort;
  flow.local.port =
      static_cast<std::uint16_t>(kFirstEphemeralPort + hash.port_offset(flow) % kPorts);
  if (!client) std::swap(flow.local, flow.remote);
  const std::uint32_t at_zero = hash.initial_sequence(flow, Instant{}).value();
  const std::uint32_t ticks = 0xffffffff - 8'000 - at_zero;
  return Instant::from_nanoseconds(std::int64_t{ticks} * 4'000);
}

}  // namespace sluice::net::tcp::test
