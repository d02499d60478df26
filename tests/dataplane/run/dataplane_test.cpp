// The data plane end to end: four workers on (at least) one core, a tap device in a network
// namespace, and the kernel's TCP as clients and backend. EAL starts once in a process, so every
// test runs in a child of its own.
#include "dataplane/run/dataplane.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "dataplane/nic/counters.hpp"
#include "dataplane/run/counters.hpp"
#include "dataplane/run/host.hpp"
#include "tests/dataplane/run/kernel_peer.hpp"
#include "tests/dataplane/run/network_namespace.hpp"
#include "tests/dataplane/run/relay_application.hpp"

namespace sluice::run {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr char kTap[] = "sluice-t0";
constexpr unsigned kWorkers = 4;

base::SocketAddress socket_address(const char* text) {
  return *base::SocketAddress::parse(text);
}

// Runs `body` in a child process with a network namespace of its own; its expectations count.
void in_own_process(const std::function<void()>& body) {
  if (::geteuid() != 0) GTEST_SKIP() << "NOT TESTED: a network namespace needs root";
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    EXPECT_TRUE(test::enter_network_namespace());
    body();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

DataplaneSettings four_workers_on_a_tap() {
  const std::vector<unsigned> cpus = inspect_host().cpus;
  DataplaneSettings settings;
  for (unsigned i = 0; i < kWorkers; ++i) settings.worker_cores.push_back(cpus[i % cpus.size()]);
  PortSettings port;
  port.name = "edge";
  port.kind = DeviceKind::kTap;
  port.target = kTap;
  port.addresses = {*base::AddressPrefix::parse("198.18.0.2/24")};
  settings.ports = {port};
  settings.memory.packets_per_worker = 4096;
  settings.max_connections = 1024;
  settings.time_wait = base::Duration::milliseconds(200);
  return settings;
}

class Reports {
 public:
  explicit Reports(DataPlane& plane) {
    for (Mailbox* mailbox : plane.mailboxes()) {
      WorkerReport report;
      EXPECT_TRUE(mailbox->commands.push({.kind = Command::Kind::kReport, .report = &report}));
      const auto deadline = std::chrono::steady_clock::now() + 5s;
      while (!mailbox->replies.pop()) {
        // The worker still has the report: nothing can be concluded without it.
        if (std::chrono::steady_clock::now() > deadline) std::abort();
        std::this_thread::sleep_for(100us);
      }
      reports_.push_back(std::move(report));
    }
  }
  [[nodiscard]] std::uint64_t gauge(unsigned worker, std::string_view name) const {
    for (const Gauge& gauge : reports_[worker].gauges) {
      if (gauge.name == name) return gauge.value;
    }
    ADD_FAILURE() << "no gauge " << name;
    return 0;
  }
  [[nodiscard]] std::uint64_t gauges(std::string_view name) const {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < reports_.size(); ++i) sum += gauge(i, name);
    return sum;
  }
  [[nodiscard]] std::uint64_t count(RunCounter counter) const {
    return count("run", static_cast<std::size_t>(counter));
  }
  [[nodiscard]] std::uint64_t count(nic::NicCounter counter) const {
    return count("nic", static_cast<std::size_t>(counter));
  }
  [[nodiscard]] std::size_t workers() const { return reports_.size(); }

 private:
  [[nodiscard]] std::uint64_t count(std::string_view layer, std::size_t index) const {
    std::uint64_t sum = 0;
    for (const WorkerReport& report : reports_) {
      for (const CounterSection& section : report.counters) {
        if (section.layer == layer) sum += section.values[index];
      }
    }
    return sum;
  }
  std::vector<WorkerReport> reports_;
};

// A data plane of relays between kernel clients and a kernel backend, and what it was at the start.
class RelayPlane {
 public:
  explicit RelayPlane(const DataplaneSettings& settings) {
    auto plane =
        DataPlane::start(settings, test::RelayApplication::factory({.listen = kListen,
                                                                    .source = kListen.address,
                                                                    .backend = kBackend,
                                                                    .workers = kWorkers}));
    EXPECT_TRUE(plane) << plane.error();
    if (!plane) return;
    plane_ = *std::move(plane);
    EXPECT_TRUE(test::configure_interface(kTap, *base::AddressPrefix::parse("198.18.0.1/24")));
    server_ = std::make_unique<test::EchoServer>(kBackend);
    EXPECT_TRUE(server_->listening());
    packets_at_start_ = reports().gauges("packets_available");
  }
  ~RelayPlane() {
    plane_.reset();
    EXPECT_FALSE(interface_exists(kTap));
  }
  RelayPlane(const RelayPlane&) = delete;
  RelayPlane& operator=(const RelayPlane&) = delete;

  [[nodiscard]] bool started() const { return plane_ != nullptr; }
  [[nodiscard]] DataPlane& plane() { return *plane_; }
  [[nodiscard]] Reports reports() { return Reports(*plane_); }
  [[nodiscard]] std::string echo(std::size_t connections, std::size_t bytes) {
    return test::run_echo_clients(
        {.server = kListen, .connections = connections, .bytes = bytes, .seed = ++seed_});
  }
  // Once all connections and TIME-WAIT entries are gone, every packet is back, and every parcel
  // that a worker sent has been taken by another. Reports of different workers are of different
  // moments, and the kernel goes on to send frames of its own, so this may need more than one look.
  void expect_nothing_left() {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    for (;;) {
      const Reports now = reports();
      const bool at_rest = now.gauges("connections") == 0 && now.gauges("time_wait") == 0 &&
                           now.gauges("packets_available") == packets_at_start_;
      const std::uint64_t sent =
          now.count(RunCounter::kForwardedOut) + now.count(RunCounter::kCopiedOut);
      const bool all_taken = now.count(RunCounter::kForwardedIn) == sent &&
                             now.count(RunCounter::kHandedIn) == now.count(RunCounter::kHandedOut);
      if (at_rest && all_taken) return;
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << now.gauges("connections") << " connections, " << now.gauges("time_wait")
                      << " in TIME-WAIT, " << now.gauges("packets_available") << " of "
                      << packets_at_start_ << " packets, " << sent << " parcels sent, "
                      << now.count(RunCounter::kForwardedIn) << " taken";
        return;
      }
      std::this_thread::sleep_for(20ms);
    }
  }

 private:
  static inline const base::SocketAddress kListen = socket_address("198.18.0.2:7");
  static inline const base::SocketAddress kBackend = socket_address("198.18.0.1:9000");
  std::unique_ptr<DataPlane> plane_;
  std::unique_ptr<test::EchoServer> server_;
  std::uint64_t packets_at_start_ = 0;
  std::uint32_t seed_ = 0;
};

void expect_all_came_home(const Reports& reports, std::uint64_t connections) {
  EXPECT_EQ(reports.gauges("accepted"), connections);
  EXPECT_EQ(reports.gauges("connected"), connections);
  EXPECT_EQ(reports.gauges("misowned"), 0U);
  for (unsigned worker = 0; worker < reports.workers(); ++worker) {
    EXPECT_GT(reports.gauge(worker, "accepted"), 0U) << "worker " << worker;
  }
}

TEST(DataPlaneOnATap, FourWorkersEachOwnConnectionsAndTheirBackendFlowsComeHome) {
  in_own_process([] {
    RelayPlane relay(four_workers_on_a_tap());
    ASSERT_TRUE(relay.started());
    EXPECT_EQ(relay.plane().ports()[0].queues, kWorkers);
    constexpr std::uint64_t kConnections = 128;
    EXPECT_EQ(relay.echo(kConnections, 20'000), "");
    relay.expect_nothing_left();

    const Reports reports = relay.reports();
    expect_all_came_home(reports, kConnections);
    EXPECT_GE(
        reports.count(RunCounter::kPredictedOpens) + reports.count(RunCounter::kMispredictedOpens),
        kConnections);
    // The kernel chooses a tap's queue for itself until it has seen the flow transmitted.
    EXPECT_GT(reports.count(RunCounter::kForwardedOut), 0U);
    EXPECT_EQ(reports.count(RunCounter::kForwardDrops), 0U);
  });
}

TEST(DataPlaneOnATap, OneQueueServesFourWorkers) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.ports[0].queues = 1;
    RelayPlane relay(settings);
    ASSERT_TRUE(relay.started());
    EXPECT_EQ(relay.plane().ports()[0].queues, 1U);
    EXPECT_EQ(relay.echo(64, 20'000), "");
    relay.expect_nothing_left();

    const Reports reports = relay.reports();
    expect_all_came_home(reports, 64);
    EXPECT_GT(reports.count(RunCounter::kMispredictedOpens), 0U);
    EXPECT_GT(reports.count(RunCounter::kHandedOut), 0U);
  });
}

TEST(DataPlaneOnATap, DriverThatCutsSegmentsIsGivenTrains) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.ports[0].mtu = 1486;
    settings.ports[0].queues = 2;  // so that trains are handed over, too
    settings.ports[0].offloads.tso = OffloadChoice::kOn;
    RelayPlane relay(settings);
    ASSERT_TRUE(relay.started());
    const auto ports = relay.plane().ports();
    const auto tso = std::ranges::find(ports[0].offloads, "tso", &OffloadSummary::name);
    ASSERT_NE(tso, ports[0].offloads.end());
    EXPECT_TRUE(tso->by_device);
    EXPECT_EQ(relay.echo(16, 500'000), "");
    relay.expect_nothing_left();

    const Reports reports = relay.reports();
    EXPECT_EQ(reports.gauges("accepted"), 16U);
    EXPECT_GT(reports.count(nic::NicCounter::kSentTrains), 0U);
    EXPECT_EQ(reports.count(nic::NicCounter::kTransmitOversize), 0U);
  });
}

TEST(DataPlaneOnATap, BytesSurviveABadNetwork) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.ports[0].faults = FaultSettings{.loss = 0.03, .duplication = 0.01, .reordering = 0.03};
    RelayPlane relay(settings);
    ASSERT_TRUE(relay.started());
    EXPECT_EQ(relay.echo(16, 50'000), "");
    const Reports reports = relay.reports();
    EXPECT_EQ(reports.gauges("accepted"), 16U);
    EXPECT_GT(reports.count(nic::NicCounter::kFaultLost), 0U);
  });
}

TEST(DataPlaneOnATap, IdleWorkersSleep) {
  in_own_process([] {
    RelayPlane relay(four_workers_on_a_tap());
    ASSERT_TRUE(relay.started());
    const std::uint64_t before = relay.reports().count(RunCounter::kSleptMicroseconds);
    std::this_thread::sleep_for(500ms);
    const std::uint64_t after = relay.reports().count(RunCounter::kSleptMicroseconds);
    EXPECT_GT(after - before, kWorkers * 500'000U / 2);
  });
}

TEST(DataPlaneOnATap, StoppingWithOpenConnectionsLeavesNothing) {
  in_own_process([] {
    RelayPlane relay(four_workers_on_a_tap());
    ASSERT_TRUE(relay.started());
    EXPECT_EQ(relay.echo(8, 1000), "");
    relay.plane().stop();
    relay.plane().stop();
  });
}

// Starts and expects to be refused.
std::string refusal(const DataplaneSettings& settings) {
  const auto plane = DataPlane::start(
      settings, test::RelayApplication::factory({.listen = socket_address("198.18.0.2:7"),
                                                 .source = socket_address("198.18.0.2:7").address,
                                                 .backend = socket_address("198.18.0.1:9000"),
                                                 .workers = kWorkers}));
  EXPECT_FALSE(plane);
  EXPECT_FALSE(interface_exists(kTap));
  return plane ? "" : plane.error();
}

TEST(DataPlaneStart, InterfaceThatDoesNotExistIsNamedAndTheFirstPortIsRemoved) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.ports.push_back({.name = "inner", .kind = DeviceKind::kAfPacket, .target = "nosuch0"});
    EXPECT_EQ(refusal(settings), "port inner: there is no network interface 'nosuch0'");
  });
}

TEST(DataPlaneStart, ApplicationThatCannotStartRemovesThePort) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.ports[0].addresses = {*base::AddressPrefix::parse("198.18.0.3/24")};
    EXPECT_EQ(refusal(settings), "cannot listen");
  });
}

TEST(DataPlaneStart, CoreThatDoesNotExistIsNamed) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.worker_cores.back() = 1000;
    EXPECT_THAT(refusal(settings), HasSubstr("worker 3 cannot run on core 1000"));
  });
}

TEST(DataPlaneStart, TooFewPacketsAreNamed) {
  in_own_process([] {
    DataplaneSettings settings = four_workers_on_a_tap();
    settings.memory.packets_per_worker = 100;
    EXPECT_THAT(refusal(settings), HasSubstr("100 packets per worker are too few"));
  });
}

}  // namespace
}  // namespace sluice::run
