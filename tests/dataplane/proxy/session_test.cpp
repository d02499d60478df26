// Whole sessions through TCP, TLS and proxy: what goes in comes out, and closing means what it
// says.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/dataplane/proxy/world.hpp"

namespace sluice::proxy::test {
namespace {

using base::Duration;

TEST(Session, RequestAndAnswerComeThroughUnchanged) {
  World world(short_time_wait());
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  client.write("hello");
  ASSERT_TRUE(world.run_until([&] { return client.received() == "hello"; }));
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kBytesToBackend], 5u);
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kBytesToClient], 5u);
  client.shutdown();
  client.finish();
  expect_clean(world);
  EXPECT_TRUE(client.got_close_notify());
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kClientTruncated], 0u);
}

TEST(Session, MegabytesBothWaysAtOnceComeThroughUnchanged) {
  World world(short_time_wait());
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  const std::string sent = pattern(3'000'000);
  client.write(sent);
  client.shutdown();
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }));
  EXPECT_EQ(client.received(), sent);
  client.finish();
  expect_clean(world);
}

TEST(Session, LossyNetworkCostsTimeAndNoByte) {
  World::Options options = short_time_wait();
  options.loss = 0.03;
  World world(options);
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  const std::string sent = pattern(400'000);
  client.write(sent);
  client.shutdown();
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }, Duration::seconds(600)));
  EXPECT_EQ(client.received(), sent);
  client.finish();
  expect_clean(world);
}

TEST(Session, ManyClientsAtOnceEachGetTheirOwn) {
  World world(short_time_wait());
  world.backend_behaviour = echo;
  for (int i = 0; i < 50; ++i)
    world.add_client().write(pattern(static_cast<std::size_t>(i) * 997 + 1));
  const auto all_received = [&] {
    for (std::size_t i = 0; i < world.clients.size(); ++i) {
      if (world.clients[i]->received() != pattern(i * 997 + 1)) return false;
    }
    return true;
  };
  ASSERT_TRUE(world.run_until(all_received));
  for (const auto& client : world.clients) {
    client->shutdown();
    client->finish();
  }
  expect_clean(world);
}

TEST(Session, ClientHelloInOneByteSegmentsIsUnderstood) {
  World::Options options = short_time_wait();
  options.handshake_timeout = Duration::seconds(60);  // each byte waits for a delayed ACK
  World world(options);
  world.backend_behaviour = echo;
  Client& client = world.add_client({.segment_bytes = 1});
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return client.received() == "x"; }));
  client.shutdown();
  client.finish();
  expect_clean(world);
}

TEST(Session, ClientHalfCloseReachesTheBackendAndTheAnswerStillComes) {
  World world(short_time_wait());
  world.backend_behaviour = [](BackendConnection& connection) {
    if (connection.got_fin && !connection.finish) {
      connection.to_send = "got " + connection.received;
      connection.finish = true;
    }
  };
  Client& client = world.add_client();
  client.write("everything");
  client.shutdown();
  client.finish();
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }));
  EXPECT_EQ(client.received(), "got everything");
  expect_clean(world);
}

TEST(Session, BackendHalfCloseReachesTheClientAndItsDataStillArrives) {
  World world(short_time_wait());
  world.backend_behaviour = [](BackendConnection& connection) {
    if (connection.received == "go" && !connection.finish) {
      connection.to_send = "bye";
      connection.finish = true;
    }
  };
  Client& client = world.add_client();
  client.write("go");
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }));
  EXPECT_EQ(client.received(), "bye");
  EXPECT_TRUE(client.got_fin());
  client.write(", and more");
  ASSERT_TRUE(world.run_until([&] { return world.backends[0].received == "go, and more"; }));
  client.shutdown();
  client.finish();
  expect_clean(world);
  EXPECT_TRUE(world.backends[0].got_fin);
}

// The answer is still on its way to the client when the backend, which does not read on, resets.
TEST(Session, AnswerInMidUploadArrivesAlthoughTheBackendResets) {
  World world(short_time_wait());
  const std::string answer = pattern(100'000);
  world.backend_behaviour = [&](BackendConnection& connection) {
    connection.reading = false;
    if (connection.opened && !connection.finish) {
      connection.to_send = answer;
      connection.finish = true;
    }
  };
  Client& client = world.add_client();
  client.write(pattern(4'000'000));
  ASSERT_TRUE(world.run_until([&] { return client.handshake_done(); }));
  client.stop_reading(true);
  ASSERT_TRUE(world.run_until(
      [&] { return world.proxy->counters()[ProxyCounter::kBytesToClient] == answer.size(); }));
  world.run_for(Duration::milliseconds(1));
  world.backend_host->stack.abort(world.now, world.backends[0].handle);
  world.backends[0].closed = true;
  world.run_for(Duration::milliseconds(1));
  client.stop_reading(false);
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify() || client.closed(); }));
  EXPECT_EQ(client.received(), answer);
  EXPECT_TRUE(client.got_close_notify());
  EXPECT_FALSE(client.closed()) << "by a reset";
  client.abort();
  expect_clean(world);
}

TEST(Session, FinWithoutCloseNotifyIsATruncationAndResetsTheBackend) {
  World world(short_time_wait());
  Client& client = world.add_client();
  client.write("half a requ");
  ASSERT_TRUE(world.run_until(
      [&] { return !world.backends.empty() && world.backends[0].received == "half a requ"; }));
  client.finish();
  ASSERT_TRUE(world.run_until([&] { return world.backends[0].closed; }));
  EXPECT_EQ(world.backends[0].reason, net::CloseReason::kReset);
  EXPECT_FALSE(world.backends[0].got_fin);
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kClientTruncated], 1u);
  expect_clean(world);
}

TEST(Session, UploadCutShortAfterTheBackendsHalfCloseResetsTheBackend) {
  for (const bool in_mid_record : {false, true}) {
    SCOPED_TRACE(in_mid_record);
    World world(short_time_wait());
    world.backend_behaviour = [](BackendConnection& connection) {
      connection.finish = connection.opened;
    };
    Client& client = world.add_client();
    client.write("half an uplo");
    ASSERT_TRUE(world.run_until(
        [&] { return client.got_close_notify() && world.backends[0].received == "half an uplo"; }));
    if (in_mid_record) client.send_raw(std::string("\x17\x03\x03\x00\x40half", 9));
    client.finish();
    ASSERT_TRUE(world.run_until([&] { return world.backends[0].closed; }));
    EXPECT_EQ(world.backends[0].reason, net::CloseReason::kReset);
    EXPECT_FALSE(world.backends[0].got_fin);
    EXPECT_EQ(world.proxy->counters()[ProxyCounter::kClientTruncated], in_mid_record ? 1u : 0u);
    EXPECT_EQ(world.proxy->counters()[ProxyCounter::kClientFinWithoutCloseNotify],
              in_mid_record ? 0u : 1u);
    expect_clean(world);
  }
}

TEST(Session, BackendResetIsAnAlertAndNotACloseNotify) {
  World world(short_time_wait());
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return !world.backends.empty() && world.backends[0].opened; }));
  world.backend_host->stack.abort(world.now, world.backends[0].handle);
  world.backends[0].closed = true;
  ASSERT_TRUE(world.run_until([&] { return client.alert().has_value(); }));
  EXPECT_EQ(client.alert(), SSL_AD_INTERNAL_ERROR);
  EXPECT_FALSE(client.got_close_notify());
  client.finish();
  expect_clean(world);
}

TEST(Session, ClientResetResetsTheBackend) {
  World world(short_time_wait());
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return !world.backends.empty() && world.backends[0].opened; }));
  client.abort();
  ASSERT_TRUE(world.run_until([&] { return world.backends[0].closed; }));
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kClientResets], 1u);
  expect_clean(world);
}

TEST(Session, DeadServerIsSkippedAndTheNextOneAnswers) {
  World::Options options = short_time_wait();
  options.backend_ports = {9999, 8080};  // nobody listens on the first
  World world(options);
  world.backend_behaviour = echo;
  for (int i = 0; i < 4; ++i) {
    Client& client = world.add_client();
    client.write("x");
    ASSERT_TRUE(world.run_until([&] { return client.received() == "x"; }));
    client.shutdown();
    client.finish();
  }
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kBackendConnectFailures], 1u);
  EXPECT_GE(world.proxy->counters()[ProxyCounter::kBackendSkipped], 1u);
  expect_clean(world);
}

TEST(Session, NoServerAtAllIsAnAlert) {
  World::Options options = short_time_wait();
  options.backend_ports = {9998, 9999};
  World world(options);
  Client& client = world.add_client();
  ASSERT_TRUE(world.run_until([&] { return client.alert().has_value(); }));
  EXPECT_EQ(client.alert(), SSL_AD_INTERNAL_ERROR);
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kBackendUnavailable], 1u);
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kBackendConnectFailures], 2u);
  client.finish();
  expect_clean(world);
}

TEST(Session, SlowBackendShutsTheClientsWindow) {
  World world(short_time_wait());
  bool reading = false;
  world.backend_behaviour = [&](BackendConnection& connection) { connection.reading = reading; };
  Client& client = world.add_client();
  const std::string sent = pattern(4'000'000);
  client.write(sent);
  world.run_for(Duration::seconds(3));
  ASSERT_EQ(world.backends.size(), 1u);
  EXPECT_LT(world.proxy->counters()[ProxyCounter::kBytesToBackend], 1'000'000u);
  EXPECT_GT(world.sluice_host->pool.available(), kHostPackets / 2);
  reading = true;
  client.shutdown();
  ASSERT_TRUE(world.run_until([&] { return world.backends[0].got_fin; }));
  EXPECT_EQ(world.backends[0].received, sent);
  world.backends[0].finish = true;
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }));
  client.finish();
  expect_clean(world);
}

TEST(Session, SlowClientShutsTheBackendsWindow) {
  World world(short_time_wait());
  const std::string sent = pattern(4'000'000);
  bool started = false;
  world.backend_behaviour = [&](BackendConnection& connection) {
    if (!started && connection.received == "go") {
      started = true;
      connection.to_send = sent;
      connection.finish = true;
    }
  };
  Client& client = world.add_client();
  client.write("go");
  ASSERT_TRUE(world.run_until([&] { return started; }));
  client.stop_reading(true);
  world.run_for(Duration::seconds(3));
  EXPECT_LT(world.proxy->counters()[ProxyCounter::kBytesToClient], 1'000'000u);
  client.stop_reading(false);
  ASSERT_TRUE(world.run_until([&] { return client.got_close_notify(); }));
  EXPECT_EQ(client.received(), sent);
  client.shutdown();
  client.finish();
  expect_clean(world);
}

// Short segments use up the send buffer by more than their bytes: room is left when as much as
// there was room for has been sent in long ones.
TEST(Session, AnswerBehindManyShortOnesIsNotForgotten) {
  World::Options options = short_time_wait();
  options.tcp.send_buffer = 64 * 1024;
  World world(options);
  world.backend_behaviour = [](BackendConnection& connection) { connection.received.clear(); };
  Client& client = world.add_client();
  client.write("go");
  ASSERT_TRUE(world.run_until([&] { return !world.backends.empty() && world.backends[0].opened; }));
  // Long enough that nothing is acknowledged meanwhile.
  world.ethernet.latency = Duration::milliseconds(400);
  for (int i = 0; i < 118; ++i) {
    world.backends[0].to_send += "x";
    world.run_for(Duration::milliseconds(1));
  }
  world.backends[0].to_send += pattern(12'000);
  EXPECT_TRUE(world.run_until([&] { return client.received().size() == 118 + 12'000; }));
  world.ethernet.latency = Duration::microseconds(50);
  world.backends[0].finish = true;
  client.shutdown();
  client.finish();
  expect_clean(world);
}

// Many answers at once that wait for a slow line: what waits to be sealed must leave packets for
// the sealing.
TEST(Session, DownloadsComeThroughAlthoughPacketsAreScarce) {
  constexpr std::size_t kDownloads = 150;
  World::Options options = short_time_wait();
  options.packets = 6000;
  options.peer_packets = 65536;
  World world(options);
  const std::string sent = pattern(500'000);
  world.backend_behaviour = [&](BackendConnection& connection) {
    if (connection.received == "go" && !connection.finish) {
      connection.to_send = sent;
      connection.finish = true;
    }
  };
  for (std::size_t i = 0; i < kDownloads; ++i) world.add_client();
  ASSERT_TRUE(world.run_until([&] {
    return std::ranges::all_of(world.clients,
                               [](const auto& client) { return client->handshake_done(); });
  }));
  for (const auto& client : world.clients) client->write("go");
  ASSERT_TRUE(world.run_until([&] {
    return std::ranges::all_of(world.clients,
                               [](const auto& client) { return client->got_close_notify(); });
  }));
  for (const auto& client : world.clients) {
    EXPECT_EQ(client->received(), sent);
    client->shutdown();
    client->finish();
  }
  EXPECT_TRUE(world.run_until([&] { return world.proxy->sessions() == 0; }));
}

TEST(Session, HandshakeWaitsForPacketsAndThenGoesOn) {
  World world(short_time_wait());
  world.backend_behaviour = echo;
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until([&] { return world.proxy->sessions() == 1; }));
  world.sluice_host->pool.reserve = kHostPackets - 30;  // room for input, none for a flight
  world.run_for(Duration::seconds(1));
  EXPECT_FALSE(client.handshake_done());
  EXPECT_FALSE(client.closed());
  EXPECT_FALSE(client.alert().has_value());
  world.sluice_host->pool.reserve = 0;
  ASSERT_TRUE(world.run_until([&] { return client.received() == "x"; }));
  client.shutdown();
  client.finish();
  expect_clean(world);
}

TEST(Session, CloseNotifyWaitsForPacketsAndIsNotForgotten) {
  World world(short_time_wait());
  bool leave = false;
  world.backend_behaviour = [&](BackendConnection& connection) { connection.finish = leave; };
  Client& client = world.add_client();
  client.write("x");
  ASSERT_TRUE(world.run_until(
      [&] { return !world.backends.empty() && world.backends[0].received == "x"; }));
  world.run_for(Duration::seconds(1));  // what is on its way has been acknowledged
  leave = true;
  world.sluice_host->pool.reserve = kHostPackets;
  world.run_for(Duration::seconds(1));
  EXPECT_FALSE(client.got_fin());
  EXPECT_FALSE(client.got_close_notify());
  world.sluice_host->pool.reserve = 0;
  ASSERT_TRUE(world.run_until([&] { return client.got_fin(); }));
  EXPECT_TRUE(client.got_close_notify());
  client.shutdown();
  client.finish();
  expect_clean(world);
}

TEST(Session, WorkerOutOfConnectionsDoesNotBlameTheServer) {
  World::Options options = short_time_wait();
  options.tcp.max_connections = 3;
  options.backend_ports = {8080, 8080};  // were they dead, one would be passed over
  World world(options);
  world.backend_behaviour = echo;
  Client& first = world.add_client();
  first.write("x");
  ASSERT_TRUE(world.run_until([&] { return first.received() == "x"; }));
  Client& second = world.add_client();
  ASSERT_TRUE(world.run_until([&] { return second.alert().has_value(); }));
  second.finish();
  first.shutdown();
  first.finish();
  ASSERT_TRUE(world.run_until([&] { return world.proxy->sessions() == 0; }));
  Client& third = world.add_client();
  third.write("x");
  ASSERT_TRUE(world.run_until([&] { return third.received() == "x"; }));
  EXPECT_EQ(world.proxy->counters()[ProxyCounter::kBackendSkipped], 0u);
  third.shutdown();
  third.finish();
  expect_clean(world);
}

TEST(Session, PlainHttpIsAnsweredAndTheConnectionEnds) {
  World world(short_time_wait());
  Client& client = world.add_client({.max_version = TLS1_3_VERSION});
  client.send_raw("GET / HTTP/1.1\r\nHost: demo\r\n\r\n");
  ASSERT_TRUE(world.run_until([&] { return client.got_fin() || client.closed(); }));
  client.finish();
  expect_clean(world);
}

TEST(Session, UnknownNameIsRefusedByName) {
  World::Options options = short_time_wait();
  options.routes = {make_route({"*.shop.example"}, {"*.shop.example"})};
  World world(options);
  world.backend_behaviour = echo;
  Client& stranger = world.add_client({.server_name = "elsewhere.example"});
  ASSERT_TRUE(world.run_until([&] { return stranger.alert().has_value(); }));
  EXPECT_EQ(stranger.alert(), SSL_AD_UNRECOGNIZED_NAME);
  Client& customer = world.add_client({.server_name = "www.shop.example"});
  customer.write("x");
  ASSERT_TRUE(world.run_until([&] { return customer.received() == "x"; }));
  stranger.finish();
  customer.shutdown();
  customer.finish();
  expect_clean(world);
}

}  // namespace
}  // namespace sluice::proxy::test
