// Whole transfers between two stacks, over a good network and over bad ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dataplane/net/stack.hpp"
#include "tests/support/simulated_network.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using test::SimulatedHost;
using test::SimulatedNetwork;

constexpr std::uint16_t kPort = 443;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// The byte that belongs at a position: no two stretches of it look alike.
std::byte content_at(std::uint64_t position) {
  return static_cast<std::byte>((position * 0x9e3779b97f4a7c15) >> 56);
}

// One end of a connection: sends so many bytes, checks what it receives, closes when both are over.
class End {
 public:
  End(SimulatedNetwork& network, SimulatedHost& host, std::size_t to_send)
      : network_(network), host_(host), to_send_(to_send) {}

  void on_event(const Event& event) {
    if (event.what.closed) {
      closed_ = true;
      reason_ = event.reason;
      over_ = reason_ == CloseReason::kNone;
      return;
    }
    connection_ = event.connection;
    take();
    give();
    if (sent_ == to_send_ && host_.stack().input_finished(connection_) && !over_) {
      over_ = true;
      host_.stack().close(network_.now(), connection_);
    }
  }

  [[nodiscard]] std::size_t received() const { return received_; }
  [[nodiscard]] std::size_t wrong() const { return wrong_; }
  // Closed in order, by this side or because both directions had ended.
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] CloseReason reason() const { return reason_; }
  [[nodiscard]] ConnectionHandle connection() const { return connection_; }

 private:
  void take() {
    base::PacketQueue* input = host_.stack().input(connection_);
    if (input == nullptr) return;
    while (const base::PacketPtr packet = input->pop_front()) {
      for (const std::byte b : packet->bytes()) {
        if (b != content_at(received_++)) ++wrong_;
      }
    }
    host_.stack().consumed(network_.now(), connection_);
  }
  void give() {
    Stack& stack = host_.stack();
    const std::size_t segment = stack.segment_size(connection_);
    std::size_t room = stack.send_room(connection_);
    base::PacketQueue queue;
    while (sent_ < to_send_ && room > 0) {
      base::PacketPtr packet(host_.pool().allocate());
      if (!packet) break;
      const std::size_t n = std::min({segment, room, to_send_ - sent_});
      for (std::byte& b : packet->append(n)) b = content_at(sent_++);
      room -= n;
      queue.push_back(std::move(packet));
    }
    if (!queue.empty()) stack.send(network_.now(), connection_, std::move(queue));
    if (sent_ == to_send_ && !finished_) {
      finished_ = true;
      stack.finish(network_.now(), connection_);
    }
  }

  SimulatedNetwork& network_;
  SimulatedHost& host_;
  const std::size_t to_send_;
  ConnectionHandle connection_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  std::size_t wrong_ = 0;
  bool finished_ = false;
  bool over_ = false;
  bool closed_ = false;
  CloseReason reason_ = CloseReason::kNone;
};

SimulatedNetwork::Options with_short_time_wait(SimulatedNetwork::Options options = {}) {
  options.tcp.max_connections = 256;
  options.tcp.time_wait = Duration::seconds(1);
  return options;
}

// A connection from the client to the server with so many bytes each way.
struct Transfer {
  Transfer(SimulatedNetwork& on, std::size_t up, std::size_t down)
      : network(on), client(on, on.client(), up), server(on, on.server(), down) {
    network.client().on_event = [this](SimulatedHost&, const Event& e) { client.on_event(e); };
    network.server().on_event = [this](SimulatedHost&, const Event& e) { server.on_event(e); };
    EXPECT_TRUE(
        network.server().stack().listen({.address = network.server().address(), .port = kPort}));
    EXPECT_TRUE(network.client().stack().connect(
        network.now(), {.source = network.client().address(),
                        .remote = {.address = network.server().address(), .port = kPort},
                        .timeout = Duration::seconds(60)}));
  }
  bool run(Duration limit = Duration::seconds(120)) {
    return network.run_until([this] { return client.over() && server.over(); }, limit);
  }
  // Until nothing is left of it but listeners.
  bool settle() {
    return network.run_until(
        [this] {
          const StackUsage a = network.client().stack().usage();
          const StackUsage b = network.server().stack().usage();
          return a.connections + a.time_wait + b.connections + b.time_wait == 0;
        },
        Duration::seconds(180));
  }
  void expect_all_arrived(std::size_t up, std::size_t down) const {
    EXPECT_EQ(server.received(), up);
    EXPECT_EQ(client.received(), down);
    EXPECT_EQ(server.wrong() + client.wrong(), 0U);
  }
  void expect_nothing_left() {
    EXPECT_TRUE(settle());
    // What the network still holds arrives and is dropped.
    network.run_for(Duration::milliseconds(100));
    EXPECT_EQ(network.client().pool().available(), network.client().pool().capacity());
    EXPECT_EQ(network.server().pool().available(), network.server().pool().capacity());
  }

  SimulatedNetwork& network;
  End client;
  End server;
};

TEST(Transfer, NothingIsSentAndBothSidesClose) {
  SimulatedNetwork network(with_short_time_wait());
  Transfer transfer(network, 0, 0);
  EXPECT_TRUE(transfer.run());
  transfer.expect_nothing_left();
}

TEST(Transfer, OneMegabyteEachWayArrivesWhole) {
  SimulatedNetwork network(with_short_time_wait());
  Transfer transfer(network, kMegabyte, kMegabyte);
  EXPECT_TRUE(transfer.run());
  transfer.expect_all_arrived(kMegabyte, kMegabyte);
  EXPECT_EQ(network.client().stack().counters()[NetCounter::kTcpTimeouts], 0U);
  transfer.expect_nothing_left();
}

TEST(Transfer, OddSizesArriveWhole) {
  for (const std::size_t size : {1U, 2U, 1447U, 1448U, 1449U, 65535U, 65536U, 300001U}) {
    SimulatedNetwork network(with_short_time_wait());
    Transfer transfer(network, size, size / 2);
    EXPECT_TRUE(transfer.run()) << size;
    transfer.expect_all_arrived(size, size / 2);
    transfer.expect_nothing_left();
  }
}

TEST(Transfer, ShallowLinkHoldsTheSenderBack) {
  SimulatedNetwork network(with_short_time_wait({.depth = 8}));
  Transfer transfer(network, kMegabyte, 0);
  EXPECT_TRUE(transfer.run());
  transfer.expect_all_arrived(kMegabyte, 0);
  transfer.expect_nothing_left();
}

TEST(Transfer, FewPacketsAreEnough) {
  SimulatedNetwork network(with_short_time_wait({.packets = 512}));
  Transfer transfer(network, kMegabyte, kMegabyte);
  EXPECT_TRUE(transfer.run());
  transfer.expect_all_arrived(kMegabyte, kMegabyte);
  transfer.expect_nothing_left();
}

TEST(Transfer, TrainsArriveAsTheSegmentsThatTheDeviceMakesOfThem) {
  for (const auto family : {base::AddressFamily::kIpv4, base::AddressFamily::kIpv6}) {
    SimulatedNetwork network(with_short_time_wait({.family = family, .train_packets = 16}));
    network.run_for(Duration::seconds(2));  // IPv6: the addresses are assigned
    Transfer transfer(network, kMegabyte, kMegabyte + 1);
    EXPECT_TRUE(transfer.run());
    transfer.expect_all_arrived(kMegabyte, kMegabyte + 1);
    // Fewer frames left the stack than segments.
    const auto& counters = network.client().stack().counters();
    EXPECT_LT(counters[NetCounter::kFramesOut] * 2, counters[NetCounter::kTcpSegmentsOut]);
    EXPECT_EQ(counters[NetCounter::kTcpRetransmits], 0U);
    EXPECT_EQ(network.server().stack().counters()[NetCounter::kTcpBadChecksum], 0U);
    transfer.expect_nothing_left();
  }
}

TEST(Transfer, TrainsOnABadNetworkOnlyDelay) {
  const nic::FaultRates bad{
      .loss = 0.03, .duplication = 0.01, .reordering = 0.03, .delay = Duration::milliseconds(2)};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SimulatedNetwork network(with_short_time_wait(
        {.client_faults = nic::FaultDevice::Options{.receive = bad, .transmit = bad, .seed = seed},
         .train_packets = 40}));
    Transfer transfer(network, kMegabyte, kMegabyte);
    EXPECT_TRUE(transfer.run()) << seed;
    transfer.expect_all_arrived(kMegabyte, kMegabyte);
    transfer.expect_nothing_left();
  }
}

// Nobody listens.
void expect_refusal(SimulatedNetwork& network) {
  End client(network, network.client(), 10);
  network.client().on_event = [&](SimulatedHost&, const Event& e) { client.on_event(e); };
  EXPECT_TRUE(network.client().stack().connect(
      network.now(), {.source = network.client().address(),
                      .remote = {.address = network.server().address(), .port = kPort},
                      .timeout = Duration::seconds(5)}));
  EXPECT_TRUE(network.run_until([&] { return client.closed(); }, Duration::seconds(1)));
  EXPECT_EQ(client.reason(), CloseReason::kRefused);
  EXPECT_EQ(network.client().pool().available(), network.client().pool().capacity());
}

TEST(Transfer, RefusedConnectionSaysSo) {
  SimulatedNetwork network(with_short_time_wait());
  expect_refusal(network);
}

// Once the hosts' addresses are theirs (RFC 4862 5.4).
constexpr Duration kAssigned = Duration::seconds(2);

TEST(TransferOverIpv6, OneMegabyteEachWayArrivesWhole) {
  SimulatedNetwork network(with_short_time_wait({.family = base::AddressFamily::kIpv6}));
  network.run_for(kAssigned);
  Transfer transfer(network, kMegabyte, kMegabyte);
  EXPECT_TRUE(transfer.run());
  transfer.expect_all_arrived(kMegabyte, kMegabyte);
  EXPECT_EQ(network.client().stack().counters()[NetCounter::kTcpTimeouts], 0U);
  EXPECT_EQ(network.client().stack().usage().neighbours, 1U);
  transfer.expect_nothing_left();
}

// The transfer's client opens; here the other host's.
TEST(TransferOverIpv6, EitherHostMayOpen) {
  SimulatedNetwork network(with_short_time_wait({.family = base::AddressFamily::kIpv6}));
  network.run_for(kAssigned);
  End opener(network, network.server(), 100'000);
  End listener(network, network.client(), 1'000);
  network.server().on_event = [&](SimulatedHost&, const Event& e) { opener.on_event(e); };
  network.client().on_event = [&](SimulatedHost&, const Event& e) { listener.on_event(e); };
  ASSERT_TRUE(
      network.client().stack().listen({.address = network.client().address(), .port = kPort}));
  ASSERT_TRUE(network.server().stack().connect(
      network.now(), {.source = network.server().address(),
                      .remote = {.address = network.client().address(), .port = kPort},
                      .timeout = Duration::seconds(60)}));
  EXPECT_TRUE(network.run_until([&] { return opener.over() && listener.over(); }));
  EXPECT_EQ(listener.received(), 100'000U);
  EXPECT_EQ(opener.received(), 1'000U);
  EXPECT_EQ(opener.wrong() + listener.wrong(), 0U);
}

TEST(TransferOverIpv6, OpenedBeforeItsAddressesAreAssignedItGoesOnWhenTheyAre) {
  SimulatedNetwork network(with_short_time_wait({.family = base::AddressFamily::kIpv6}));
  Transfer transfer(network, 10'000, 10'000);
  EXPECT_TRUE(transfer.run());
  transfer.expect_all_arrived(10'000, 10'000);
  transfer.expect_nothing_left();
}

TEST(TransferOverIpv6, BadNetworkOnlyDelays) {
  constexpr std::size_t kSize = 200'000;
  constexpr nic::FaultRates kRates{.loss = 0.03,
                                   .duplication = 0.01,
                                   .reordering = 0.03,
                                   .corruption = 0.01,
                                   .delay = Duration::milliseconds(2)};
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedNetwork network(
        with_short_time_wait({.family = base::AddressFamily::kIpv6,
                              .client_faults = nic::FaultDevice::Options{
                                  .receive = kRates, .transmit = kRates, .seed = seed}}));
    network.run_for(kAssigned);
    Transfer transfer(network, kSize, kSize);
    EXPECT_TRUE(transfer.run(Duration::seconds(600)));
    transfer.expect_all_arrived(kSize, kSize);
    transfer.expect_nothing_left();
  }
}

TEST(TransferOverIpv6, RefusedConnectionSaysSo) {
  SimulatedNetwork network(with_short_time_wait({.family = base::AddressFamily::kIpv6}));
  network.run_for(kAssigned);
  expect_refusal(network);
}

struct Weather {
  std::string name;
  nic::FaultRates rates;
};

class BadNetworkTest : public ::testing::TestWithParam<Weather> {
 protected:
  // A network that turned out to be good shows nothing.
  static void expect_weather(const nic::FaultRates& rates,
                             const base::Counters<nic::NicCounter>& counters) {
    using nic::NicCounter;
    EXPECT_EQ(rates.loss > 0, counters[NicCounter::kFaultLost] > 0);
    EXPECT_EQ(rates.duplication > 0, counters[NicCounter::kFaultDuplicated] > 0);
    EXPECT_EQ(rates.reordering > 0, counters[NicCounter::kFaultReordered] > 0);
    EXPECT_EQ(rates.corruption > 0, counters[NicCounter::kFaultCorrupted] > 0);
    EXPECT_EQ(counters[NicCounter::kFaultOverflow], 0U);
  }
};

TEST_P(BadNetworkTest, TransferArrivesWholeAndLeavesNothing) {
  constexpr std::size_t kSize = 200'000;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const nic::FaultRates& rates = GetParam().rates;
    SimulatedNetwork network(
        with_short_time_wait({.client_faults = nic::FaultDevice::Options{
                                  .receive = rates, .transmit = rates, .seed = seed}}));
    Transfer transfer(network, kSize, kSize);
    EXPECT_TRUE(transfer.run(Duration::seconds(600)));
    transfer.expect_all_arrived(kSize, kSize);
    expect_weather(rates, network.client().nic_counters());
    transfer.expect_nothing_left();
  }
}

INSTANTIATE_TEST_SUITE_P(Weathers, BadNetworkTest,
                         ::testing::Values(Weather{"Loss", {.loss = 0.03}},
                                           Weather{"Duplication", {.duplication = 0.1}},
                                           Weather{"Reordering", {.reordering = 0.1}},
                                           Weather{"Corruption", {.corruption = 0.03}},
                                           Weather{"Delay", {.delay = Duration::milliseconds(20)}},
                                           Weather{"Jitter",
                                                   {.delay = Duration::milliseconds(5),
                                                    .delay_jitter = Duration::milliseconds(5)}},
                                           Weather{"Everything",
                                                   {.loss = 0.03,
                                                    .duplication = 0.01,
                                                    .reordering = 0.03,
                                                    .corruption = 0.01,
                                                    .delay = Duration::milliseconds(2),
                                                    .delay_jitter = Duration::milliseconds(1)}}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace sluice::net
