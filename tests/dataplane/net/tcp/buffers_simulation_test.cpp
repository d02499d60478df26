// Buffers that grow with the path: uploads over 100 ms, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/wire/tcp.hpp"
#include "tests/dataplane/net/tcp/support/simulation.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::Instant;
using base::PacketPtr;
using base::PacketQueue;

constexpr std::uint16_t kPort = 443;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

Simulation::Options long_path() {
  Simulation::Options options;
  options.packets = 16'384;
  options.link.delay = Duration::milliseconds(50);
  for (TcpSettings* settings : {&options.client, &options.server}) {
    settings->max_connections = 16;
    settings->initial_receive_buffer = 128 * 1024;
    settings->receive_buffer = 8 * kMegabyte;
    settings->initial_send_buffer = 128 * 1024;
    settings->send_buffer = 4 * kMegabyte;
  }
  return options;
}

// The client sends, the server reads so many bytes at a time.
class Upload {
 public:
  struct Plan {
    std::uint64_t bytes = 0;
    std::size_t read_at_a_time = ~std::size_t{0};
    Duration between_reads = {};
  };

  Upload(const Simulation::Options& options, const Plan& plan) : world_(options), plan_(plan) {
    EXPECT_TRUE(world_.server.engine.listen({world_.server.address, kPort}));
    world_.application = [this] { turn(); };
    world_.observe = [this](base::Bytes segment) { look_at(segment); };
    EXPECT_TRUE(world_.client.engine.connect(world_.now, {.source = world_.client.address,
                                                          .remote = {world_.server.address, kPort},
                                                          .timeout = Duration::seconds(10)}));
  }

  bool run(Duration limit) {
    return world_.run_until([this] { return received_ == plan_.bytes; }, limit);
  }

  [[nodiscard]] std::uint32_t largest_window() const { return largest_window_; }
  [[nodiscard]] std::size_t most_queued() const { return most_queued_; }
  [[nodiscard]] std::size_t most_received() const { return most_received_; }

 private:
  void turn() {
    while (const auto event = world_.client.engine.next_event()) client_ = event->connection;
    while (const auto event = world_.server.engine.next_event()) server_ = event->connection;
    if (client_) write();
    if (server_ && world_.now >= next_read_) read();
  }
  void write() {
    Engine& engine = world_.client.engine;
    PacketQueue queue;
    std::size_t room = engine.send_room(client_);
    while (sent_ < plan_.bytes && room > 0) {
      PacketPtr packet(world_.client.pool.allocate());
      ASSERT_TRUE(packet);
      const std::size_t n =
          std::min({engine.segment_size(client_), room, std::size_t{plan_.bytes - sent_}});
      packet->append(n);
      room -= n;
      sent_ += n;
      queue.push_back(std::move(packet));
    }
    if (!queue.empty()) engine.send(world_.now, client_, std::move(queue));
    most_queued_ = std::max(most_queued_, engine.unacknowledged(client_));
  }
  void read() {
    PacketQueue* input = world_.server.engine.input(server_);
    most_received_ = std::max(most_received_, world_.server.engine.receive_memory().used());
    const std::size_t n = std::min(input->bytes(), plan_.read_at_a_time);
    input->trim_front(n);
    received_ += n;
    world_.server.engine.consumed(world_.now, server_);
    next_read_ = world_.now + plan_.between_reads;
    if (plan_.between_reads > Duration{}) world_.application_wakes = next_read_;
  }
  void look_at(base::Bytes segment) {
    const auto parsed = wire::parse_tcp(segment);
    ASSERT_TRUE(parsed);
    if (parsed->header.source_port != kPort) return;
    if (parsed->header.flags.syn) scale_ = parsed->header.options.window_scale.value_or(0);
    if (parsed->header.flags.syn) return;
    largest_window_ = std::max(largest_window_, std::uint32_t{parsed->header.window} << scale_);
  }

  Simulation world_;
  Plan plan_;
  ConnectionHandle client_;
  ConnectionHandle server_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  Instant next_read_;
  std::uint8_t scale_ = 0;
  std::uint32_t largest_window_ = 0;
  std::size_t most_queued_ = 0;
  std::size_t most_received_ = 0;
};

// With the windows of the beginning this would take 25 seconds.
TEST(TcpBuffers, GrowUntilALongPathIsFull) {
  Upload upload(long_path(), {.bytes = 16 * kMegabyte});
  EXPECT_TRUE(upload.run(Duration::milliseconds(2'500)));
  EXPECT_GE(upload.largest_window(), 2 * kMegabyte);
  EXPECT_LE(upload.largest_window(), 4 * kMegabyte);
  EXPECT_GE(upload.most_queued(), 2 * kMegabyte);
}

TEST(TcpBuffers, StayAsTheyWereOnAShortPath) {
  Simulation::Options options = long_path();
  options.link.delay = Duration::microseconds(50);
  options.client.send_buffer = 64 * 1024;
  options.client.initial_send_buffer = 64 * 1024;
  Upload upload(options, {.bytes = 4 * kMegabyte,
                          .read_at_a_time = 8'192,
                          .between_reads = Duration::milliseconds(1)});
  EXPECT_TRUE(upload.run(Duration::seconds(10)));
  EXPECT_LE(upload.largest_window(), 256U * 1024);
}

TEST(TcpBuffers, StayAsTheyWereWhereTheSessionReadsSlowly) {
  Upload upload(long_path(), {.bytes = 2 * kMegabyte,
                              .read_at_a_time = 10'000,
                              .between_reads = Duration::milliseconds(50)});
  EXPECT_TRUE(upload.run(Duration::seconds(60)));
  EXPECT_LE(upload.largest_window(), 64U * 1024);
  EXPECT_LE(upload.most_received(), 160U * 1024);
}

TEST(TcpBuffers, DoNotGrowBeyondTheirBudget) {
  Simulation::Options options = long_path();
  options.server.receive_memory = kMegabyte;
  Upload upload(options, {.bytes = 16 * kMegabyte});
  EXPECT_TRUE(upload.run(Duration::seconds(60)));
  EXPECT_LE(upload.most_received(), kMegabyte);
}

}  // namespace
}  // namespace sluice::net::tcp::test
