// The configuration file: whatever the text, it is either refused with a problem or it means
// something legal, to which every reference within it leads.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "control/config/configuration.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using fuzz::require;

void check(const control::Configuration& configuration) {
  require(!configuration.dataplane.worker_cores.empty(), "there is a worker");
  require(!configuration.dataplane.ports.empty(), "there is a port");
  for (const run::PortSettings& port : configuration.dataplane.ports) {
    require(!port.name.empty() && !port.target.empty(), "a port has a name and a device");
    require(!port.addresses.empty(), "a port has an address");
  }
  for (const run::BackendSettings& backend : configuration.backends) {
    require(!backend.servers.empty(), "a backend has a server");
    require(!backend.source_addresses.empty(), "a backend has an address to connect from");
  }
  require(!configuration.listeners.empty(), "there is a listener");
  for (const control::ListenerConfiguration& listener : configuration.listeners) {
    require(!listener.routes.empty() && listener.address.port != 0, "a listener is complete");
    for (const control::RouteConfiguration& route : listener.routes) {
      require(route.backend < configuration.backends.size(), "a route's backend exists");
      require(!route.suites.empty() && !route.groups.empty(), "a route can be negotiated");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  control::Problems problems("input");
  const control::ConfigurationOptions options{
      .allow_faults = true, .cpus = {0, 1}, .directory = "/etc/sluice"};
  const auto configuration = control::parse_configuration(text, options, problems);
  require(configuration.has_value() == problems.empty(), "what is refused has a problem");
  require(problems.lines().size() <= control::Problems::kMax + 1, "problems are bounded");
  if (configuration) check(*configuration);
  return 0;
}
