#include "control/cli/commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

#include "control/admin/http.hpp"
#include "control/admin/status.hpp"
#include "control/cli/status_table.hpp"
#include "control/load.hpp"

namespace sluice::control {
namespace {

// Longer than the daemon waits for its workers.
constexpr std::chrono::seconds kTimeout{5};

int fail(std::string_view why) {
  fmt::print(stderr, "sluicectl: {}\n", why);
  return kExitFailure;
}

base::Result<std::string, std::string> fetch(const std::string& socket) {
  auto response = http_get(socket, "/status", kTimeout);
  if (!response) return base::Unexpected{std::move(response.error())};
  if (response->status != 200) {
    return base::Unexpected{fmt::format("{}: the daemon answers {}", socket, response->status)};
  }
  return std::move(response->body);
}

// Puts the text in place of the last one: from the upper left corner, each line's rest and the
// screen's rest cleared. A pipe gets one text after the other.
void show(std::string_view text, bool in_place) {
  std::string output;
  if (in_place) output = "\x1b[H";
  for (const char c : text) {
    if (in_place && c == '\n') output += "\x1b[K";
    output += c;
  }
  output += in_place ? "\x1b[J" : "\n";
  std::fwrite(output.data(), 1, output.size(), stdout);
  std::fflush(stdout);
}

int watch(const StatusOptions& options) {
  const bool in_place = ::isatty(STDOUT_FILENO) == 1;
  std::optional<Status> previous;
  auto seen = std::chrono::steady_clock::now();
  while (true) {
    const auto body = fetch(options.socket);
    if (!body) return fail(body.error());
    const auto now = std::chrono::steady_clock::now();
    if (options.json) {
      show(*body, false);
    } else {
      auto status = status_from_json(*body);
      if (!status) return fail(status.error());
      const std::chrono::duration<double> between = now - seen;
      show(format_status(*status, {.all = options.all,
                                   .explain = options.explain,
                                   .previous = previous ? &*previous : nullptr,
                                   .seconds = between.count()}),
           in_place);
      previous = *std::move(status);
    }
    seen = now;
    std::this_thread::sleep_for(*options.watch);
  }
}

}  // namespace

int status_command(const StatusOptions& options) {
  if (options.watch) return watch(options);
  const auto body = fetch(options.socket);
  if (!body) return fail(body.error());
  if (options.json) {
    fmt::print("{}", *body);
    return kExitOk;
  }
  const auto status = status_from_json(*body);
  if (!status) return fail(status.error());
  fmt::print("{}", format_status(*status, {.all = options.all, .explain = options.explain}));
  return kExitOk;
}

int check_command(const CheckOptions& options) {
  const auto loaded = load_configuration(options.file, options.allow_faults);
  if (options.json) {
    fmt::print("{}", check_result_json(loaded ? std::vector<std::string>() : loaded.error(),
                                       loaded ? loaded->warnings : std::vector<std::string>()));
  } else if (loaded) {
    for (const std::string& line : loaded->warnings) fmt::print(stderr, "warning: {}\n", line);
    fmt::print("configuration is valid\n{}", summarise(*loaded));
  } else {
    for (const std::string& line : loaded.error()) fmt::print(stderr, "{}\n", line);
  }
  return loaded ? kExitOk : kExitConfiguration;
}

}  // namespace sluice::control
