// The daemon: command line, start and stop. It reads the configuration, starts the data plane and
// the admin server, and then waits for a signal.
//
// Keys stay out of core dumps: the process makes itself undumpable before it reads the first one,
// which also keeps other processes of the same user from attaching to it.
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/admin/admin_server.hpp"
#include "control/admin/counter_watch.hpp"
#include "control/admin/offload_lines.hpp"
#include "control/admin/status_source.hpp"
#include "control/admin/worker_reports.hpp"
#include "control/cli/commands.hpp"
#include "control/load.hpp"
#include "control/version.hpp"
#include "dataplane/run/dataplane.hpp"
#include "dataplane/run/proxy_application.hpp"

namespace {

using namespace sluice;
using std::chrono::milliseconds;

// How long sessions may take to end by themselves after the first signal.
constexpr milliseconds kDrainTime{5000};
constexpr milliseconds kDrainPoll{20};
// How often counters that warn are looked at.
constexpr milliseconds kWatchInterval{10000};

void set_up_logging() {
  auto logger = spdlog::stderr_color_mt("sluice");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_default_logger(std::move(logger));
}

// Signals that end the daemon, taken one by one by the main thread.
class StopSignals {
 public:
  // Before any other thread exists: they inherit the mask.
  StopSignals() {
    ::signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // The signal that came within the time, if one did.
  [[nodiscard]] std::optional<int> wait(milliseconds time) const {
    const timespec limit{.tv_sec = time.count() / 1000, .tv_nsec = time.count() % 1000 * 1'000'000};
    const int signal = ::sigtimedwait(&set_, nullptr, &limit);
    if (signal < 0) return std::nullopt;
    return signal;
  }

 private:
  sigset_t set_{};
};

void log_offloads(const std::vector<control::PortStatus>& ports) {
  for (const control::PortStatus& port : ports) {
    for (const std::string& line : control::offload_lines(port)) {
      spdlog::info("port {}, {}", port.name, line);
    }
  }
}

// Until a signal comes. Counters that warn are logged as they grow.
void watch_until_stopped(const StopSignals& signals, control::StatusSource& status) {
  control::CounterWatch watch;
  while (!signals.wait(kWatchInterval)) {
    for (const std::string& line : watch.changes(status.current())) spdlog::warn(line);
  }
}

// Sessions may end by themselves; a second signal or the end of patience ends them.
void drain(const StopSignals& signals, control::StatusSource& status,
           control::WorkerReports& reports) {
  spdlog::info("stopping: sessions have {} s to end", kDrainTime.count() / 1000);
  status.set_draining();
  reports.start_draining();
  const auto deadline = std::chrono::steady_clock::now() + kDrainTime;
  while (!reports.drained()) {
    if (signals.wait(kDrainPoll)) return spdlog::info("stopping at once");
    if (std::chrono::steady_clock::now() >= deadline) {
      return spdlog::info("some sessions did not end in time");
    }
  }
}

int serve(const StopSignals& signals, const control::LoadedConfiguration& loaded) {
  const auto fail = [](const std::string& why) {
    spdlog::error(why);
    return control::kExitFailure;
  };
  auto admin = control::AdminServer::open(loaded.configuration.admin);
  if (!admin) return fail(admin.error());
  auto plane =
      run::DataPlane::start(loaded.configuration.dataplane,
                            run::proxy_factory(loaded.configuration.dataplane, loaded.snapshot));
  if (!plane) return fail(plane.error());

  control::WorkerReports reports((*plane)->mailboxes());
  control::StatusSource status(std::string(control::version()), loaded.configuration.dataplane,
                               (*plane)->ports(), *loaded.snapshot, reports);
  admin->start([&status] { return status.current(); });
  log_offloads(status.ports());
  for (const run::ListenerSettings& listener : loaded.snapshot->listeners) {
    spdlog::info("serving {} on {}", listener.name, listener.address.to_string());
  }
  spdlog::info("ready: {} workers, admin socket {}", (*plane)->mailboxes().size(),
               loaded.configuration.admin.socket.string());

  watch_until_stopped(signals, status);
  drain(signals, status, reports);
  admin->stop();
  (*plane)->stop();
  spdlog::info("stopped");
  return control::kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Terminates TLS 1.3 over a userspace TCP/IP stack.", "sluice");
  program.set_version_flag("--version", std::string(control::version()));
  std::filesystem::path file;
  bool check = false;
  bool allow_faults = false;
  program.add_option("--config", file, "The configuration file")->required()->type_name("FILE");
  program.add_flag("--check", check, "Only say whether the configuration is valid");
  program.add_flag("--allow-faults", allow_faults, "Accept ports that damage traffic on purpose");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? control::kExitOk : control::kExitConfiguration;
  }
  if (check) return control::check_command({.file = file, .allow_faults = allow_faults});

  set_up_logging();
  const StopSignals signals;
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) spdlog::warn("keys may end up in a core dump");
  const auto loaded = control::load_configuration(file, allow_faults);
  if (!loaded) {
    // Bare, for the eye and for editors that jump to file:line:column.
    for (const std::string& line : loaded.error()) std::fprintf(stderr, "%s\n", line.c_str());
    return control::kExitConfiguration;
  }
  for (const std::string& line : loaded->warnings) spdlog::warn(line);
  return serve(signals, *loaded);
}
