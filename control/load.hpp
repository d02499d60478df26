// Everything that the daemon starts from, read from its configuration file and the files that it
// names. `sluice`, `sluice --check` and `sluicectl check` all go through here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "control/config/configuration.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::control {

struct LoadedConfiguration {
  Configuration configuration;
  std::shared_ptr<const run::Snapshot> snapshot;
  std::vector<std::string> certificates;  // their names
  std::vector<std::string> warnings;      // one line each
};

// The errors are lines of their own, each with its file.
[[nodiscard]] base::Result<LoadedConfiguration, std::vector<std::string>> load_configuration(
    const std::filesystem::path& file, bool allow_faults);

// A few lines for people: what the configuration would serve.
[[nodiscard]] std::string summarise(const LoadedConfiguration& loaded);

}  // namespace sluice::control
