// The control CLI: its command line. What the verbs do is in control/cli/.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "control/cli/commands.hpp"
#include "control/version.hpp"

namespace {

using namespace sluice::control;

void add_status(CLI::App& program, StatusOptions& options, double& watch_seconds, int& exit_code) {
  CLI::App* verb = program.add_subcommand("status", "What the daemon serves, and its counters");
  verb->add_flag("--json", options.json, "As JSON");
  verb->add_flag("--all", options.all, "Counters that are zero, too");
  verb->add_flag("--explain", options.explain, "What each counter means");
  CLI::Option* watch =
      verb->add_option("--watch", watch_seconds, "Look again every SECONDS (1), without end")
          ->expected(0, 1)
          ->check(CLI::Range(0.1, 3600.0))
          ->type_name("SECONDS");
  verb->callback([&options, &watch_seconds, &exit_code, watch] {
    if (watch->count() > 0) {
      options.watch = std::chrono::milliseconds(static_cast<long>(watch_seconds * 1000));
    }
    exit_code = status_command(options);
  });
}

void add_check(CLI::App& program, CheckOptions& options, int& exit_code) {
  CLI::App* verb = program.add_subcommand("check", "Say what is wrong with a configuration file");
  verb->add_option("FILE", options.file, "The configuration file")->required();
  verb->add_flag("--allow-faults", options.allow_faults, "Accept ports with faults");
  verb->add_flag("--json", options.json, "As JSON");
  verb->callback([&options, &exit_code] { exit_code = check_command(options); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Speaks to a running sluice.", "sluicectl");
  program.set_version_flag("--version", std::string(version()));
  program.require_subcommand(1);

  int exit_code = kExitOk;
  StatusOptions status;
  CheckOptions check;
  double watch_seconds = 1;
  program.add_option("--socket", status.socket, "The daemon's admin socket")->capture_default_str();
  add_status(program, status, watch_seconds, exit_code);
  add_check(program, check, exit_code);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kExitOk : kExitConfiguration;
  }
  return exit_code;
}
