// The admin API over real sockets: a Unix socket in a scratch directory, TCP on loopback.
#include "control/admin/admin_server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <thread>

#include "control/admin/status_source.hpp"
#include "tests/control/support/fake_worker.hpp"
#include "tests/control/support/scratch.hpp"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::FakeWorkers;
using ::testing::HasSubstr;
using testing::Scratch;
using ::testing::StartsWith;

run::DataplaneSettings dataplane() {
  run::DataplaneSettings settings;
  settings.worker_cores = {0, 1};
  run::PortSettings port;
  port.name = "edge";
  port.target = "sluice0";
  port.addresses = {base::AddressPrefix::parse("198.18.0.2/24").value()};
  settings.ports.push_back(port);
  return settings;
}

const std::vector<run::PortSummary> kPorts = {
    {.name = "edge",
     .queues = 2,
     .scales = true,
     .offloads = {{.name = "rss", .by_device = true, .why_not = {}},
                  {.name = "tso", .by_device = false, .why_not = "the device has none"}}}};

run::Snapshot snapshot() {
  run::Snapshot snapshot;
  run::BackendSettings backend;
  backend.name = "shop";
  backend.servers = {base::SocketAddress::parse("198.18.0.1:8080").value()};
  snapshot.backends.push_back(backend);
  run::ListenerSettings listener;
  listener.name = "https";
  listener.address = base::SocketAddress::parse("198.18.0.2:443").value();
  listener.routes.resize(1);
  snapshot.listeners.push_back(listener);
  return snapshot;
}

// Sends bytes to the Unix socket and returns all that comes back until the server closes.
std::string exchange(const std::string& socket_path, std::string_view request) {
  const auto socket = connect_unix(socket_path);
  EXPECT_TRUE(socket);
  if (!socket) return {};
  EXPECT_EQ(::send(socket->value(), request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = ::recv(socket->value(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return answer;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// A free port of loopback, as far as one can know.
std::uint16_t free_port() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.value(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket.value(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

class AdminServerTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string socket_path() const { return (scratch_ / "admin.sock").string(); }
  AdminServer open() {
    auto server = AdminServer::open({.socket = socket_path(), .metrics = std::nullopt});
    EXPECT_TRUE(server) << server.error();
    return *std::move(server);
  }

  const Scratch scratch_;
  const run::DataplaneSettings dataplane_ = dataplane();
  const run::Snapshot snapshot_ = snapshot();
};

TEST_F(AdminServerTest, StatusGoesOverTheSocketAndBackIntoValues) {
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  StatusSource source("1.2.3", dataplane_, kPorts, snapshot_, *reports);
  AdminServer server = open();
  server.start([&source] { return source.current(); });

  const auto response = http_get(socket_path(), "/status", 10s);
  ASSERT_TRUE(response) << response.error();
  EXPECT_EQ(response->status, 200);
  const auto status = status_from_json(response->body);
  ASSERT_TRUE(status) << status.error();
  EXPECT_EQ(status->version, "1.2.3");
  EXPECT_EQ(status->state, "serving");
  EXPECT_EQ(status->ports.at(0).device, "tap:sluice0");
  EXPECT_EQ(status->ports.at(0).addresses.at(0), "198.18.0.2/24");
  const std::vector<OffloadStatus>& offloads = status->ports.at(0).offloads;
  ASSERT_EQ(offloads.size(), 2U);
  EXPECT_EQ(offloads[0].name, "rss");
  EXPECT_TRUE(offloads[0].by_device);
  EXPECT_EQ(offloads[1].why_not, "the device has none");
  EXPECT_EQ(status->listeners.at(0).address, "198.18.0.2:443");
  EXPECT_EQ(status->listeners.at(0).routes.at(0).backend, "shop");
  EXPECT_EQ(status->backends.at(0).servers.at(0), "198.18.0.1:8080");
  ASSERT_EQ(status->counters.size(), 3U);
  EXPECT_EQ(status->counters[2].layer, "run");
  EXPECT_EQ(status->counters[2].severity, base::Severity::kWarning);
  ASSERT_EQ(status->workers.size(), 2U);
  EXPECT_TRUE(status->workers[1].answered);
  EXPECT_EQ(status->workers[1].counters.at(0), 200U);
  EXPECT_EQ(status->counter_totals().at(0), 300U);
  EXPECT_EQ(status->gauge_totals().at(0).second, 11U);
}

TEST_F(AdminServerTest, AWorkerThatDoesNotAnswerIsReportedAsSuch) {
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  workers.first.set_deaf(true);
  StatusSource source("1.2.3", dataplane_, kPorts, snapshot_, *reports);
  source.set_draining();
  AdminServer server = open();
  server.start([&source] { return source.current(); });

  const auto response = http_get(socket_path(), "/status", 10s);
  ASSERT_TRUE(response) << response.error();
  const auto status = status_from_json(response->body);
  ASSERT_TRUE(status) << status.error();
  EXPECT_EQ(status->state, "draining");
  EXPECT_FALSE(status->workers.at(0).answered);
  EXPECT_TRUE(status->workers.at(1).answered);
  EXPECT_EQ(status->counter_totals().at(0), 200U);
}

TEST_F(AdminServerTest, MetricsAreServedForPrometheusOnTcp) {
  const std::uint16_t port = free_port();
  const base::SocketAddress address{base::Ipv4Address::of(127, 0, 0, 1), port};
  auto server = AdminServer::open({.socket = socket_path(), .metrics = address});
  ASSERT_TRUE(server) << server.error();
  server->start([] {
    Status status;
    status.uptime_seconds = 7;
    status.counters = {{"net", "segments", base::Severity::kInfo, "Segments."}};
    status.workers = {{0, 0, true, {41}, {{"connections", 3}}}, {1, 1, false, {}, {}}};
    return status;
  });
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(socket.value(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  static constexpr std::string_view kRequest = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_GT(::send(socket.value(), kRequest.data(), kRequest.size(), 0), 0);
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(socket.value(), buffer.data(), buffer.size(), 0);
    if (got > 0) answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                            HasSubstr("# HELP sluice_net_segments_total Segments.\n"
                                      "# TYPE sluice_net_segments_total counter\n"
                                      "sluice_net_segments_total{worker=\"0\"} 41\n"),
                            HasSubstr("sluice_connections{worker=\"0\"} 3\n"),
                            HasSubstr("sluice_worker_up{worker=\"1\"} 0\n"),
                            HasSubstr("sluice_uptime_seconds 7\n")));
}

TEST_F(AdminServerTest, MetricsAreServedOverIpv6) {
  const FileDescriptor socket(::socket(AF_INET6, SOCK_STREAM, 0));
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_addr = in6addr_loopback;
  if (::bind(socket.value(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    GTEST_SKIP() << "NOT TESTED: the loopback device has no IPv6";
  }
  const std::uint16_t port = free_port();
  auto server =
      AdminServer::open({.socket = socket_path(),
                         .metrics = base::SocketAddress{*base::IpAddress::parse("::1"), port}});
  ASSERT_TRUE(server) << server.error();
  to.sin6_port = htons(port);
  EXPECT_EQ(::connect(socket.value(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
}

TEST_F(AdminServerTest, ATakenMetricsAddressIsOneClearLine) {
  const std::uint16_t port = free_port();
  const base::SocketAddress address{base::Ipv4Address::of(127, 0, 0, 1), port};
  const auto first = AdminServer::open({.socket = scratch_ / "a.sock", .metrics = address});
  ASSERT_TRUE(first) << first.error();
  const auto second = AdminServer::open({.socket = scratch_ / "b.sock", .metrics = address});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), "cannot serve metrics on 127.0.0.1:" + std::to_string(port) +
                                ": Address already in use");
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "b.sock"));
}

TEST_F(AdminServerTest, WrongRequestsGetTheirStatus) {
  AdminServer server = open();
  server.start([] { return Status{}; });
  EXPECT_THAT(exchange(socket_path(), "GET /nothing HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(
      exchange(socket_path(), "POST /status HTTP/1.1\r\n\r\n"),
      AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"), HasSubstr("Allow: GET\r\n")));
  EXPECT_THAT(exchange(socket_path(), "hello\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(exchange(socket_path(), "GET  HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(exchange(socket_path(), std::string(HttpServer::kMaxRequest + 1, 'x')),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(exchange(socket_path(), "GET /status?x HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AdminServerTest, ARequestInPiecesIsAnswered) {
  AdminServer server = open();
  server.start([] { return Status{}; });
  const auto socket = connect_unix(socket_path());
  ASSERT_TRUE(socket);
  for (const char c : std::string_view("GET /status HTTP/1.1\r\n\r\n")) {
    ASSERT_EQ(::send(socket->value(), &c, 1, 0), 1);
  }
  std::array<char, 15> start{};
  EXPECT_EQ(::recv(socket->value(), start.data(), start.size(), MSG_WAITALL), 15);
  EXPECT_EQ(std::string_view(start.data(), start.size()), "HTTP/1.1 200 OK");
}

TEST_F(AdminServerTest, SilentClientsDoNotKeepOthersFromTheirAnswer) {
  AdminServer server = open();
  server.start([] { return Status{}; });
  std::vector<FileDescriptor> silent;
  for (std::size_t i = 0; i + 1 < HttpServer::kMaxConnections; ++i) {
    auto socket = connect_unix(socket_path());
    ASSERT_TRUE(socket);
    silent.push_back(*std::move(socket));
  }
  EXPECT_TRUE(http_get(socket_path(), "/status", 5s));
}

TEST_F(AdminServerTest, StoppingEndsTheAnswersAndDyingRemovesTheSocket) {
  {
    AdminServer server = open();
    server.start([] { return Status{}; });
    EXPECT_TRUE(http_get(socket_path(), "/status", 5s));
    server.stop();
    server.stop();
    const auto refused = http_get(socket_path(), "/status", 5s);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), socket_path() + ": sluice is not running there");
  }
  EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

TEST_F(AdminServerTest, ASecondDaemonIsToldThatThereIsAFirst) {
  const AdminServer first = open();
  const auto second = AdminServer::open({.socket = socket_path(), .metrics = std::nullopt});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(),
            "cannot open the admin socket " + socket_path() + ": another process listens there");
  EXPECT_TRUE(std::filesystem::exists(socket_path()));
}

}  // namespace
}  // namespace sluice::control
