// How sessions end that neither side ends: out of time, without their client, and when the worker
// closes or aborts all of them.
#include <gtest/gtest.h>

#include "tests/dataplane/proxy/world.hpp"

namespace sluice::proxy::test {
namespace {

using base::Duration;

TEST(SessionEnd, HandshakeThatStallsIsEndedInTime) {
  World world(short_time_wait());
  Client& client = world.add_client();
  client.send_raw(std::string("\x16\x03\x01\x02\x00\x01", 6));
  client.stop_reading(true);
  ASSERT_TRUE(world.run_until([&] { return client.closed(); }, Duration::seconds(6)));
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kHandshakeTimeouts] +
                world.proxy->counters()[ProxyCounter::kClientGoneInHandshake],
            1u);
  expect_clean(world);
}

TEST(SessionEnd, IdleSessionIsClosedInOrder) {
  World::Options options = short_time_wait();
  options.idle_timeout = Duration::seconds(2);
  World world(options);
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return client.received() == "x"; }));
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }, Duration::seconds(3)));
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kIdleTimeouts], 1u);
  client.shutdown();
  client.finish();
  expect_clean(world);
}

// A FIN alone would pass for the end of the stream with who does not look for a close_notify.
TEST(SessionEnd, IdleSessionWithoutAPacketForCloseNotifyIsReset) {
  World::Options options = short_time_wait();
  options.idle_timeout = Duration::seconds(30);
  World world(options);
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return client.received() == "x"; }));
  world.run_for(Duration::seconds(29));
  world.sluice_host->pool.reserve = kHostPackets;
  world.run_for(Duration::seconds(2));
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kIdleTimeouts], 1);
  world.sluice_host->pool.reserve = 0;
  world.run_for(Duration::seconds(5));
  EXPECT_FALSE(client.got_fin());
  client.write("is anybody there?");
  ASSERT_TRUE(world.run_until([&] { return client.closed(); }));
  EXPECT_FALSE(client.got_fin());
  expect_clean(world);
}

TEST(SessionEnd, ClientThatVanishesAtAnyMomentLeavesNothingBehind) {
  for (std::int64_t moment = 0; moment < 2'000; moment += 50) {
    World world(short_time_wait());
    world.backend_behaviour = echo;
    Client& client = world.add_client();
    client.write(pattern(20'000));
    world.run_for(Duration::microseconds(moment));
    client.abort();
    world.backend_behaviour = [](BackendConnection&) {};
    SCOPED_TRACE(moment);
    expect_clean(world);
  }
}

TEST(SessionEnd, CloseAllEndsEverySessionInOrder) {
  World world(short_time_wait());
  world.backend_behaviour = echo;
  for (int i = 0; i < 10; ++i) world.add_client().write("x");
  ASSERT_TRUE(world.run_until([&] {
    for (const auto& client : world.clients) {
      if (client->received() != "x") return false;
    }
    return true;
  }));
  world.proxy->stop_listening();
  world.proxy->close_all(world.now);
  ASSERT_TRUE(world.run_until([&] {
    for (const auto& client : world.clients) {
      if (!client->got_close_notify()) return false;
    }
    return true;
  }));
  for (const auto& client : world.clients) {
    client->shutdown();
    client->finish();
  }
  expect_clean(world);
}

// The client has not taken the answer yet: a close_notify would tell it that it has all.
TEST(SessionEnd, CloseAllInMidAnswerIsAnAlertAndNotACloseNotify) {
  World world(short_time_wait());
  const std::string sent = pattern(4'000'000);
  world.backend_behaviour = [&](BackendConnection& connection) {
    if (connection.received != "go") return;
    connection.received.clear();
    connection.to_send = sent;
  };
  Client& client = world.add_client();
  client.write("go");
  ASSERT_TRUE(world.run_until([&] { return client.received().size() > 100'000; }));
  client.stop_reading(true);
  world.run_for(Duration::milliseconds(500));
  world.proxy->close_all(world.now);
  client.stop_reading(false);
  ASSERT_TRUE(world.run_until([&] { return client.got_fin(); }));
  EXPECT_EQ(client.alert(), SSL_AD_INTERNAL_ERROR);
  EXPECT_FALSE(client.got_close_notify());
  EXPECT_EQ(client.received(), sent.substr(0, client.received().size()));
  EXPECT_EQ(world.backends[0].reason, net::CloseReason::kReset);
  client.finish();
  expect_clean(world);
}

// The backend has not taken the upload yet: a FIN would tell it that it has all.
TEST(SessionEnd, CloseAllInMidUploadResetsTheBackendAndNotTheClient) {
  World world(short_time_wait());
  bool reading = false;
  world.backend_behaviour = [&](BackendConnection& connection) { connection.reading = reading; };
  Client& client = world.add_client();
  client.write(pattern(4'000'000));
  world.run_for(Duration::seconds(1));
  world.proxy->close_all(world.now);
  ASSERT_TRUE(world.run_until([&] { return client.got_fin() || client.closed(); }));
  EXPECT_TRUE(client.got_close_notify());
  EXPECT_FALSE(client.closed()) << "by a reset";
  reading = true;
  ASSERT_TRUE(world.run_until([&] { return world.backends[0].closed; }));
  EXPECT_FALSE(world.backends[0].got_fin);
  EXPECT_EQ(world.backends[0].reason, net::CloseReason::kReset);
  client.abort();
  expect_clean(world);
}

TEST(SessionEnd, AbortAllResetsWhatIsLeft) {
  World world(short_time_wait());
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return !world.backends.empty() && world.backends[0].opened; }));
  world.proxy->close_all(world.now);  // lingers: the client does not close
  EXPECT_EQ(world.proxy->sessions(), 1u);
  world.proxy->abort_all(world.now);
  EXPECT_EQ(world.proxy->sessions(), 0u);
  ASSERT_TRUE(world.run_until([&] { return client.closed(); }));
  expect_clean(world);
}

}  // namespace
}  // namespace sluice::proxy::test
