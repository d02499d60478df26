// The verbs of sluicectl, and with them `sluice --check`, which is the same code.
#include "control/cli/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "control/admin/admin_server.hpp"
#include "tests/control/support/configurations.hpp"
#include "tests/control/support/scratch.hpp"
#include "tests/support/certificates.hpp"

namespace sluice::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Scratch;
using ::testing::StartsWith;

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

Outcome capture(const std::function<int()>& command) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int exit_code = command();
  std::string out = ::testing::internal::GetCapturedStdout();
  return {exit_code, std::move(out), ::testing::internal::GetCapturedStderr()};
}

Outcome check(const std::filesystem::path& file, bool json = false) {
  return capture(
      [&] { return check_command({.file = file, .allow_faults = false, .json = json}); });
}

void write_certificate(const Scratch& scratch) {
  const auto made = test::make_certificate(test::KeyKind::kEcdsaP256, {"shop.example"});
  scratch.write("certs/shop.pem", made.chain_pem + made.key_pem);
}

TEST(CheckCommand, TheExampleConfigurationIsValid) {
  const Scratch scratch;
  write_certificate(scratch);
  std::ifstream example(SLUICE_SOURCE_DIR "/packaging/sluice.yaml");
  std::stringstream text;
  text << example.rdbuf();
  std::string configuration = text.str();
  static constexpr std::string_view kDirectory = "/etc/sluice/certs";
  configuration.replace(configuration.find(kDirectory), kDirectory.size(), "certs");
  const Outcome outcome = check(scratch.write("sluice.yaml", configuration));
  EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("configuration is valid\n"), HasSubstr("port edge: tap:sluice0\n"),
                    HasSubstr("listener https: 198.18.0.2:443, 2 routes\n"),
                    HasSubstr("backend shop: 2 servers\n"), HasSubstr("certificates: shop\n")));
}

TEST(CheckCommand, AWrongConfigurationIsNamedByFileLineAndColumn) {
  const Scratch scratch;
  write_certificate(scratch);
  const auto file = scratch.write("sluice.yaml", testing::with("listners: []\n"));
  const Outcome outcome = check(file);
  EXPECT_EQ(outcome.exit_code, kExitConfiguration);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, file.string() +
                             ":1:1: unknown key \"listners\" in the configuration; did you mean "
                             "\"listeners\"?\n");
}

TEST(CheckCommand, AMissingFileIsOneLine) {
  const Outcome outcome = check("/nowhere/sluice.yaml");
  EXPECT_EQ(outcome.exit_code, kExitConfiguration);
  EXPECT_EQ(outcome.err, "/nowhere/sluice.yaml: cannot be read: No such file or directory\n");
}

TEST(CheckCommand, BadCertificatesAreReportedWithTheirPath) {
  const Scratch scratch;
  scratch.write("certs/shop.pem", "hello");
  const Outcome outcome = check(scratch.write("sluice.yaml", testing::with("")));
  EXPECT_EQ(outcome.exit_code, kExitConfiguration);
  EXPECT_THAT(outcome.err, StartsWith((scratch / "certs").string() + "/shop.pem: "));
}

TEST(CheckCommand, JsonCarriesTheErrors) {
  const Scratch scratch;
  write_certificate(scratch);
  const Outcome bad = check(scratch.write("bad.yaml", "a: 1\n"), true);
  EXPECT_EQ(bad.exit_code, kExitConfiguration);
  EXPECT_THAT(bad.out,
              AllOf(HasSubstr("\"valid\": false"), HasSubstr("bad.yaml:1:1: unknown key")));
  const Outcome good = check(scratch.write("good.yaml", testing::with("")), true);
  EXPECT_EQ(good.exit_code, kExitOk);
  EXPECT_THAT(good.out, HasSubstr("\"valid\": true"));
}

TEST(StatusCommand, WithoutADaemonOneLineSaysSo) {
  const Scratch scratch;
  const std::string socket = (scratch / "admin.sock").string();
  const Outcome outcome = capture([&] {
    StatusOptions options;
    options.socket = socket;
    return status_command(options);
  });
  EXPECT_EQ(outcome.exit_code, kExitFailure);
  EXPECT_EQ(outcome.err, "sluicectl: " + socket + ": sluice is not running there\n");
}

TEST(StatusCommand, PrintsATableOrJson) {
  const Scratch scratch;
  const std::string socket = (scratch / "admin.sock").string();
  auto server = AdminServer::open({.socket = socket, .metrics = std::nullopt});
  ASSERT_TRUE(server) << server.error();
  server->start([] {
    Status status;
    status.version = "9.9.9";
    status.state = "serving";
    return status;
  });
  StatusOptions options;
  options.socket = socket;
  const Outcome table = capture([&] { return status_command(options); });
  EXPECT_EQ(table.exit_code, kExitOk) << table.err;
  EXPECT_THAT(table.out, StartsWith("sluice 9.9.9, serving for 0s\n"));
  options.json = true;
  const Outcome json = capture([&] { return status_command(options); });
  EXPECT_THAT(json.out, HasSubstr("\"version\": \"9.9.9\""));
}

TEST(StatusCommand, WatchingEndsWhenTheDaemonDoes) {
  const Scratch scratch;
  const std::string socket = (scratch / "admin.sock").string();
  auto server = AdminServer::open({.socket = socket, .metrics = std::nullopt});
  ASSERT_TRUE(server) << server.error();
  std::atomic<int> looks = 0;
  server->start([&looks] {
    ++looks;
    return Status{};
  });
  std::thread stopper([&] {
    while (looks < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    server->stop();
  });
  const Outcome outcome = capture([&] {
    StatusOptions options;
    options.socket = socket;
    options.watch = std::chrono::milliseconds(10);
    return status_command(options);
  });
  stopper.join();
  EXPECT_EQ(outcome.exit_code, kExitFailure);
  EXPECT_GE(looks, 3);
}

}  // namespace
}  // namespace sluice::control
