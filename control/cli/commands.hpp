// The verbs of sluicectl. Each returns the program's exit code and writes its one line of error, if
// there is one, to stderr.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::control {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;        // of the machine or the daemon
inline constexpr int kExitConfiguration = 2;  // wrong configuration, certificate or command line

struct StatusOptions {
  std::string socket = "/run/sluice/admin.sock";
  bool json = false;
  bool all = false;                                // counters that are zero, too
  bool explain = false;                            // what each counter means
  std::optional<std::chrono::milliseconds> watch;  // refresh at this interval, without end
};
int status_command(const StatusOptions& options);

struct CheckOptions {
  std::filesystem::path file;
  bool allow_faults = false;
  bool json = false;
};
int check_command(const CheckOptions& options);

}  // namespace sluice::control
