// The sweep: worlds drawn from seeds, in loss, reordering, duplication, delay, bandwidth, router
// buffer, MTU, IP version, both sides' buffers, transfers, who closes first, and peers that abort
// or vanish. Every byte that is read is the right one, every connection ends, and no packet and no
// control block is left.
//
// 200 seeds run by default. SLUICE_SEEDS=0-9999 runs others; a failure says its seed and what was
// drawn for it, and SLUICE_SEEDS=4711 runs that one alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/dataplane/net/tcp/support/draw.hpp"
#include "tests/dataplane/net/tcp/support/world.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// From the first to the last of them.
struct Seeds {
  std::uint64_t first = 0;
  std::uint64_t last = 199;
};

Seeds seeds_asked_for() {
  const char* text = std::getenv("SLUICE_SEEDS");
  if (text == nullptr) return {};
  char* end = nullptr;
  Seeds seeds;
  seeds.first = seeds.last = std::strtoull(text, &end, 10);
  if (*end == '-') seeds.last = std::strtoull(end + 1, &end, 10);
  EXPECT_TRUE(end != text && *end == '\0' && seeds.first <= seeds.last)
      << "SLUICE_SEEDS is a seed, or two with a dash between them";
  return seeds;
}

class Sweep {
 public:
  explicit Sweep(const Draw& drawn) : drawn_(drawn), world_(drawn.options) {
    for (const DrawnConnection& c : drawn_.connections) world_.connect(c.client, c.server);
  }

  void run() {
    if (eventful()) {
      world_.simulation.settle(drawn_.when);
      break_off();
      happen();
    }
    const bool survives = drawn_.incident == Incident::kNone;
    if (survives) {
      EXPECT_TRUE(world_.simulation.run_until([this] { return rest_over(); }, limit()));
    }
    expect_delivered();
    // FIN-WAIT-2, TIME-WAIT, keep-alive and the user timeout pass.
    world_.simulation.settle(Duration::seconds(400));
    leave_the_dead();
    world_.simulation.settle(Duration::seconds(200));
    for (const Pair& pair : world_.pairs) EXPECT_TRUE(pair.over());
    world_.expect_nothing_left();
  }

 private:
  [[nodiscard]] bool eventful() const {
    return drawn_.incident != Incident::kNone ||
           std::ranges::any_of(drawn_.connections, [](const DrawnConnection& c) {
             return c.ending != Ending::kOrderly;
           });
  }

  // Ten times what the bottleneck takes for all of it, and time for timeouts.
  [[nodiscard]] Duration limit() const {
    std::uint64_t bytes = 0;
    for (const DrawnConnection& c : drawn_.connections) bytes += c.client.sends + c.server.sends;
    const double rate =
        static_cast<double>(std::max<std::int64_t>(drawn_.options.link.bits_per_second, 1'000'000));
    return Duration::seconds(900 +
                             static_cast<std::int64_t>(static_cast<double>(bytes) * 80 / rate));
  }

  void break_off() {
    for (std::size_t i = 0; i < world_.pairs.size(); ++i) {
      Pair& pair = world_.pairs[i];
      const bool client_side = drawn_.client_side || pair.server == nullptr;
      Transfer& side = client_side ? *pair.client : *pair.server;
      if (drawn_.connections[i].ending == Ending::kOrderly || side.over()) continue;
      Engine& engine = host(client_side).engine;
      if (drawn_.connections[i].ending == Ending::kClosed) {
        engine.close(world_.simulation.now, side.connection());
      } else {
        engine.abort(world_.simulation.now, side.connection());
      }
      side.leave();
    }
  }

  void happen() {
    if (drawn_.incident == Incident::kNone) return;
    world_.simulation.cut = true;
    if (drawn_.incident == Incident::kCut) return;
    host(drawn_.client_side).engine.abort_all(world_.simulation.now);
    for (const Pair& pair : world_.pairs) {
      if (drawn_.client_side) pair.client->leave();
      if (!drawn_.client_side && pair.server != nullptr) pair.server->leave();
    }
    world_.simulation.settle(Duration::milliseconds(1));
    world_.simulation.cut = false;
  }

  [[nodiscard]] Host& host(bool client) {
    return client ? world_.simulation.client : world_.simulation.server;
  }

  // Those that nothing breaks off.
  [[nodiscard]] bool rest_over() const {
    for (std::size_t i = 0; i < world_.pairs.size(); ++i) {
      if (drawn_.connections[i].ending != Ending::kOrderly) continue;
      if (world_.pairs[i].server == nullptr || !world_.pairs[i].over()) return false;
    }
    return true;
  }

  void expect_delivered() const {
    if (drawn_.incident != Incident::kNone) return;
    for (std::size_t i = 0; i < world_.pairs.size(); ++i) {
      if (drawn_.connections[i].ending == Ending::kOrderly) {
        World::expect_delivered(world_.pairs[i]);
      }
    }
  }

  // A client that waits for its peer's bytes and has nothing to send never learns that the peer is
  // gone (RFC 9293 3.8.4 has keep-alive off where nobody asks for it): its session gives up.
  void leave_the_dead() {
    for (const Pair& pair : world_.pairs) {
      if (pair.client->over()) continue;
      Engine& engine = world_.simulation.client.engine;
      EXPECT_EQ(engine.unacknowledged(pair.client->connection()), 0U);
      engine.abort(world_.simulation.now, pair.client->connection());
      pair.client->leave();
    }
  }

  const Draw& drawn_;
  World world_;
};

class TcpSweep : public testing::TestWithParam<std::uint64_t> {};

constexpr std::uint64_t kShards = 8;

TEST_P(TcpSweep, EveryByteArrivesAndNothingIsLeft) {
  const Seeds seeds = seeds_asked_for();
  for (std::uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    if (seed % kShards != GetParam()) continue;
    const Draw drawn = draw(seed);
    SCOPED_TRACE(describe(drawn));
    Sweep(drawn).run();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Shard, TcpSweep, testing::Range<std::uint64_t>(0, kShards));

}  // namespace
}  // namespace sluice::net::tcp::test
