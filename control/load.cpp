#include "control/load.hpp"

#include <fmt/format.h>

#include <ctime>
#include <string_view>
#include <utility>

#include "control/certificates/certificate_store.hpp"
#include "control/certificates/secret_file.hpp"
#include "control/config/problem.hpp"
#include "control/snapshot_builder.hpp"

namespace sluice::control {

base::Result<LoadedConfiguration, std::vector<std::string>> load_configuration(
    const std::filesystem::path& file, bool allow_faults) {
  const auto text = SecretFile::read(file);
  if (!text) {
    return base::Unexpected{
        std::vector{fmt::format("{}: cannot be read: {}", file.string(), text.error())}};
  }
  Problems problems(file.string());
  const ConfigurationOptions options{.allow_faults = allow_faults,
                                     .cpus = available_cpus(),
                                     .directory = std::filesystem::absolute(file).parent_path()};
  auto configuration = parse_configuration(text->text(), options, problems);
  if (!configuration) return base::Unexpected{problems.lines()};

  auto store = load_certificates(configuration->certificates.directory, std::time(nullptr));
  if (!store.errors.empty()) return base::Unexpected{std::move(store.errors)};
  auto snapshot = build_snapshot(*configuration, store, problems);
  if (!snapshot) return base::Unexpected{problems.lines()};

  LoadedConfiguration loaded{
      .configuration = *std::move(configuration),
      .snapshot = std::make_shared<const run::Snapshot>(*std::move(snapshot)),
      .certificates = {},
      .warnings = std::move(store.warnings)};
  for (const auto& certificate : store.certificates) {
    loaded.certificates.push_back(certificate.name);
  }
  return loaded;
}

std::string summarise(const LoadedConfiguration& loaded) {
  const Configuration& configuration = loaded.configuration;
  std::string text =
      fmt::format("workers: {} on cores {}\n", configuration.dataplane.worker_cores.size(),
                  fmt::join(configuration.dataplane.worker_cores, ", "));
  for (const auto& port : configuration.dataplane.ports) {
    text += fmt::format("port {}: {}\n", port.name, describe_device(port));
  }
  for (const auto& listener : loaded.snapshot->listeners) {
    text += fmt::format("listener {}: {}, {} routes\n", listener.name, listener.address.to_string(),
                        listener.routes.size());
  }
  for (const auto& backend : loaded.snapshot->backends) {
    text += fmt::format("backend {}: {} servers\n", backend.name, backend.servers.size());
  }
  text += fmt::format("certificates: {}\n", fmt::join(loaded.certificates, ", "));
  return text;
}

}  // namespace sluice::control
