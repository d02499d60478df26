// Workers on threads of their own, joined by a link in memory to a client's stack that the test
// plays. For ThreadSanitizer, too.
#include "dataplane/run/worker.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/nic/memory_device.hpp"
#include "dataplane/run/stop_workers.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/flow.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::run {
namespace {

using base::Duration;
using base::Instant;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7;
constexpr std::size_t kPackets = 4096;
// What the counter really does matters little to these tests.
constexpr std::uint64_t kTicksPerSecond = 2'000'000'000;

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}
const auto kServer = *base::SocketAddress::parse("198.18.0.2:7");
const auto kClient = *base::IpAddress::parse("198.18.0.1");

// Accepts connections and sends each so many bytes; keeps them until it is told to end them, or
// closes them at once.
class Sender final : public Application {
 public:
  struct Options {
    std::size_t bytes = 1;
    bool closes_at_once = false;
    std::chrono::milliseconds dawdles{};  // in its first turn
  };
  static ApplicationFactory factory(const Options& options) {
    return [options](const WorkerParts& parts,
                     Instant) -> base::Result<std::unique_ptr<Application>, std::string> {
      return std::unique_ptr<Application>(std::make_unique<Sender>(options, parts));
    };
  }
  Sender(const Options& options, const WorkerParts& parts)
      : options_(options), parts_(parts), dawdle_(options.dawdles) {
    const auto listening = parts.stack.listen(kServer);
    EXPECT_TRUE(listening);
    if (listening) listener_ = *listening;
  }

  void run(Instant now) override {
    std::this_thread::sleep_for(std::exchange(dawdle_, 0ms));
    while (const auto event = parts_.stack.next_event()) {
      if (!event->what.opened) continue;
      send(now, event->connection);
      connections_.push_back(event->connection);
      if (options_.closes_at_once) close_all(now);
    }
  }
  void stop_accepting() override { parts_.stack.stop_listening(listener_); }
  void close_all(Instant now) override {
    for (const auto connection : connections_) parts_.stack.close(now, connection);
    connections_.clear();
  }
  void abort_all(Instant now) override {
    for (const auto connection : connections_) parts_.stack.abort(now, connection);
    connections_.clear();
  }
  [[nodiscard]] std::size_t sessions() const override { return connections_.size(); }
  void report(WorkerReport&) override {}

 private:
  void send(Instant now, net::ConnectionHandle connection) {
    for (std::size_t left = options_.bytes; left > 0;) {
      base::PacketPtr packet(parts_.pool.allocate());
      ASSERT_TRUE(packet);
      const std::size_t n = std::min(left, parts_.stack.segment_size(connection));
      (void)packet->append(n);
      left -= n;
      base::PacketQueue piece;
      piece.push_back(std::move(packet));
      parts_.stack.send(now, connection, std::move(piece));
    }
  }

  const Options options_;
  const WorkerParts parts_;
  std::chrono::milliseconds dawdle_;
  net::ListenerId listener_ = 0;
  std::vector<net::ConnectionHandle> connections_;
};

// A worker owns its devices; the link owns the end of this one.
class BorrowedDevice final : public nic::Device {
 public:
  explicit BorrowedDevice(nic::Device& device) : device_(device) {}
  [[nodiscard]] const nic::DeviceInfo& info() const override { return device_.info(); }
  [[nodiscard]] std::size_t receive(Instant now, std::span<base::Packet*> out) override {
    return device_.receive(now, out);
  }
  [[nodiscard]] std::size_t transmit(Instant now, std::span<base::Packet* const> frames) override {
    return device_.transmit(now, frames);
  }

 private:
  nic::Device& device_;
};

wire::TcpFlags flags_of(const base::Packet& frame) {
  const auto ethernet = wire::parse_ethernet(frame.bytes());
  if (!ethernet || ethernet->type != wire::EtherType::kIpv4) return {};
  const auto ip =
      wire::parse_ipv4(frame.bytes().subspan(ethernet->size()), wire::HeaderChecksum::kTrust);
  if (!ip) return {};
  const auto tcp = wire::parse_tcp(frame.bytes().subspan(ethernet->size() + ip->size));
  return tcp ? tcp->header.flags : wire::TcpFlags{};
}

// Workers of which only the first has a queue, and one connection from a client to the last of
// them.
class WorkerTest : public testing::Test {
 protected:
  struct Setup {
    unsigned workers = 1;
    Sender::Options sender;
    Duration stop_patience = Duration::seconds(3);
  };

  ~WorkerTest() override {
    std::vector<Mailbox*> mailboxes;
    for (const auto& mailbox : mailboxes_) mailboxes.push_back(mailbox.get());
    std::jthread stopper([&mailboxes] { stop_workers(mailboxes); });
    while (left_ < workers_.size()) turn();
  }

  void start(const Setup& setup) {
    exchange_ = std::make_unique<Exchange>(setup.workers);
    for (unsigned i = 0; i < setup.workers; ++i) add_worker(i, setup);
    link_ = std::make_unique<nic::MemoryLink>(
        nic::MemoryLink::Options{},
        nic::MemoryDevice::End{.mac = mac(2), .pool = *pools_[0], .counters = link_counters_},
        nic::MemoryDevice::End{.mac = mac(1), .pool = client_pool_, .counters = client_counters_});
    for (unsigned i = 0; i < setup.workers; ++i) {
      Worker::PortQueue queue;
      queue.interface = {.mac = mac(2), .addresses = {{.address = kServer.address, .length = 24}}};
      if (i == 0) queue.device = std::make_unique<BorrowedDevice>(link_->a());
      workers_[i]->add_port(std::move(queue));
      ASSERT_TRUE(workers_[i]->start_application(Sender::factory(setup.sender)));
    }
    for (const auto& worker : workers_) {
      threads_.emplace_back([this, &worker] {
        worker->run();
        ++left_;
      });
    }
    // The client takes a port whose flow is the last worker's.
    const unsigned owner = setup.workers - 1;
    client_ = std::make_unique<net::Stack>(
        net::StackSettings{.tcp = {.max_connections = 16},
                           .hash_key = {},
                           .owns_flow =
                               [owner, workers = setup.workers](const base::FourTuple& flow) {
                                 const auto key =
                                     wire::flow_of({.local = flow.remote, .remote = flow.local});
                                 return key && wire::flow_owner(*key, workers) == owner;
                               }},
        client_pool_, clock_.now());
    interface_ =
        client_->add_interface({.mac = mac(1), .addresses = {{.address = kClient, .length = 24}}});
    const auto connecting = client_->connect(
        clock_.now(), {.source = kClient, .remote = kServer, .timeout = Duration::seconds(5)});
    ASSERT_TRUE(connecting);
    connection_ = *connecting;
  }

  // The client's turn: what `drops_` says so is lost on the way to it.
  void turn() {
    const Instant now = clock_.now();
    std::array<base::Packet*, 64> burst;
    for (std::size_t n = link_->b().receive(now, burst), i = 0; i < n; ++i) {
      if (drops_ && drops_(flags_of(*burst[i]))) {
        burst[i]->release();
      } else {
        client_->receive(now, interface_, std::span(burst).subspan(i, 1));
      }
    }
    client_->advance(now);
    while (const auto event = client_->next_event()) {
      if (event->what.closed) reason_ = event->reason;
      read(now, event->connection);
    }
    client_->flush(now);
    base::PacketQueue& frames = client_->outgoing(interface_);
    while (base::PacketPtr frame = frames.pop_front()) {
      base::Packet* const offered = frame.release();
      if (link_->b().transmit(now, std::span(&offered, 1)) == 0) offered->release();
    }
    std::this_thread::sleep_for(50us);
  }
  void read(Instant now, net::ConnectionHandle connection) {
    base::PacketQueue* input = client_->input(connection);
    if (input == nullptr) return;
    received_ += input->bytes();
    input->clear();
    client_->consumed(now, connection);
    finished_ |= client_->input_finished(connection);
  }
  // False when it has not come true within five seconds.
  bool turn_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      turn();
    }
    return true;
  }
  void command(unsigned worker, Command::Kind kind) {
    EXPECT_TRUE(mailboxes_[worker]->commands.push({.kind = kind, .report = nullptr, .id = 0}));
  }
  bool replied(unsigned worker) { return mailboxes_[worker]->replies.pop().has_value(); }
  // On both sides: the first bytes have arrived.
  bool established() {
    return turn_until([this] { return received_ > 0; });
  }

  std::function<bool(wire::TcpFlags)> drops_;
  bool finished_ = false;  // the server's FIN has arrived
  std::size_t received_ = 0;
  net::CloseReason reason_ = net::CloseReason::kNone;

 private:
  void add_worker(unsigned index, const Setup& setup) {
    pools_.push_back(std::make_unique<base::MemoryPacketPool>(kPackets));
    mailboxes_.push_back(std::make_unique<Mailbox>());
    Worker::Options options{.worker = index,
                            .core = 0,
                            .idle_sleep = Duration::microseconds(200),
                            .stop_patience = setup.stop_patience,
                            .stack = {}};
    options.stack.tcp.max_connections = 16;
    workers_.push_back(
        std::make_unique<Worker>(options, clock_, *pools_[index], *exchange_, *mailboxes_.back()));
  }

  const TscClock clock_{kTicksPerSecond};
  std::vector<std::unique_ptr<base::MemoryPacketPool>> pools_;
  base::MemoryPacketPool client_pool_{kPackets};
  base::Counters<nic::NicCounter> link_counters_;
  base::Counters<nic::NicCounter> client_counters_;
  std::unique_ptr<nic::MemoryLink> link_;
  std::unique_ptr<Exchange> exchange_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<net::Stack> client_;
  net::InterfaceId interface_ = 0;
  net::ConnectionHandle connection_;
  std::atomic<std::size_t> left_ = 0;
  std::vector<std::jthread> threads_;
};

// Drops the first frame with a FIN.
auto first_fin() {
  return [lost = false](wire::TcpFlags flags) mutable {
    return flags.fin && !std::exchange(lost, true);
  };
}

TEST_F(WorkerTest, StopIsOverWhenALostFinHasArrivedAfterAll) {
  start({});
  ASSERT_TRUE(established());
  drops_ = first_fin();
  command(0, Command::Kind::kStop);
  ASSERT_TRUE(turn_until([this] { return replied(0); }));
  EXPECT_TRUE(finished_);
}

TEST_F(WorkerTest, StopIsOverWhenThePeerHasAllThatWasQueued) {
  constexpr std::size_t kBytes = 100'000;
  start({.sender = {.bytes = kBytes}});
  ASSERT_TRUE(established());
  command(0, Command::Kind::kStop);
  ASSERT_TRUE(turn_until([this] { return replied(0); }));
  EXPECT_EQ(received_, kBytes);
  EXPECT_TRUE(finished_);
}

TEST_F(WorkerTest, DrainIsOverWhenThePeersOfClosedSessionsHaveEverything) {
  constexpr std::size_t kBytes = 100'000;
  start({.sender = {.bytes = kBytes, .closes_at_once = true}});
  ASSERT_TRUE(established());
  drops_ = [](wire::TcpFlags) { return true; };
  command(0, Command::Kind::kDrain);
  const auto until = std::chrono::steady_clock::now() + 50ms;
  while (std::chrono::steady_clock::now() < until) turn();
  EXPECT_FALSE(replied(0));
  drops_ = {};
  ASSERT_TRUE(turn_until([this] { return replied(0); }));
  EXPECT_EQ(received_, kBytes);
  EXPECT_TRUE(finished_);
}

TEST_F(WorkerTest, StopResetsInTheEndWhatAPeerDoesNotAcknowledge) {
  start({.stop_patience = Duration::milliseconds(100)});
  ASSERT_TRUE(established());
  drops_ = [](wire::TcpFlags flags) { return !flags.rst; };
  command(0, Command::Kind::kStop);
  ASSERT_TRUE(turn_until([this] { return replied(0); }));
  EXPECT_TRUE(turn_until([this] { return reason_ == net::CloseReason::kReset; }));
  EXPECT_FALSE(finished_);
}

TEST_F(WorkerTest, StoppedWorkerGoesOnTransmittingForOthers) {
  start({.workers = 3});
  ASSERT_TRUE(established());
  drops_ = first_fin();
  command(0, Command::Kind::kStop);
  ASSERT_TRUE(turn_until([this] { return replied(0); }));
  command(2, Command::Kind::kStop);
  ASSERT_TRUE(turn_until([this] { return replied(2); }));
  EXPECT_TRUE(finished_);
}

// The second of two workers, without a queue; the test stands in for the first, which has one.
class HandingOver : public testing::Test {
 protected:
  HandingOver() {
    Worker::PortQueue port;
    port.interface = {.mac = mac(2), .addresses = {{.address = kServer.address, .length = 24}}};
    worker_.add_port(std::move(port));  // an ARP announcement waits to be sent
  }
  ~HandingOver() override {
    std::jthread stopper([this] {
      Mailbox* const mailbox = &mailbox_;
      stop_workers({&mailbox, 1});
      stopped_ = true;
    });
    while (!stopped_) {
      (void)take();
      std::this_thread::sleep_for(50us);
    }
  }
  void start(const Sender::Options& sender = {}) {
    EXPECT_TRUE(worker_.start_application(Sender::factory(sender)));
    thread_ = std::jthread([this] { worker_.run(); });
  }
  // Null when the ring is empty.
  base::PacketPtr take() {
    const auto parcel = exchange_.take(1, 0);
    return base::PacketPtr(parcel ? parcel->packet : nullptr);
  }
  std::uint64_t count(RunCounter counter) {
    WorkerReport report;
    EXPECT_TRUE(mailbox_.commands.push({.kind = Command::Kind::kReport, .report = &report}));
    while (!mailbox_.replies.pop()) std::this_thread::yield();
    for (const CounterSection& section : report.counters) {
      if (section.layer == "run") return section.values[static_cast<std::size_t>(counter)];
    }
    return 0;
  }

  // False when it has not counted so far within five seconds.
  bool reaches(RunCounter counter, std::uint64_t wanted) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (count(counter) < wanted) {
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }

  base::MemoryPacketPool pool_{kPackets};
  Exchange exchange_{2};

 private:
  const TscClock clock_{kTicksPerSecond};
  Mailbox mailbox_;
  Worker worker_{{.worker = 1,
                  .core = 0,
                  .idle_sleep = Duration::microseconds(200),
                  .stack = {.tcp = {.max_connections = 16}, .hash_key = {}, .owns_flow = {}}},
                 clock_,
                 pool_,
                 exchange_,
                 mailbox_};
  std::atomic<bool> stopped_ = false;
  std::jthread thread_;
};

TEST_F(HandingOver, FramesWaitWhileTheOtherWorkersRingIsFull) {
  for (std::size_t i = 0; i < Exchange::kDepth; ++i) {
    ASSERT_TRUE(exchange_.send(1, 0, {.packet = pool_.allocate()}));
  }
  start();
  ASSERT_TRUE(reaches(RunCounter::kIterations, 10));
  EXPECT_EQ(count(RunCounter::kHandedOut), 0U);
  EXPECT_EQ(count(RunCounter::kHandDrops), 0U);
  for (std::size_t i = 0; i < Exchange::kDepth; ++i) EXPECT_TRUE(take());
  ASSERT_TRUE(reaches(RunCounter::kHandedOut, 1));
  const base::PacketPtr announcement = take();
  ASSERT_TRUE(announcement);
  EXPECT_FALSE(announcement->empty());
}

TEST_F(HandingOver, TurnThatTookLongIsCounted) {
  start({.dawdles = 500ms});
  EXPECT_TRUE(reaches(RunCounter::kSlowIterations, 1));
}

}  // namespace
}  // namespace sluice::run
