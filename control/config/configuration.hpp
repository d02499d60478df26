// The daemon's configuration file: YAML text in, checked plain values out. What this returns is
// legal: every name refers to something, every address is one of a port's, every number is within
// its bounds. docs/configuration.md is the reference of the format.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "control/config/problem.hpp"
#include "dataplane/run/snapshot.hpp"
#include "tls/codec/registry.hpp"

namespace sluice::control {

// A name that is looked up later, and where it stands.
struct Reference {
  std::string name;
  Location where;
};

struct CertificatesConfiguration {
  Location where;
  std::filesystem::path directory;
  std::optional<Reference> default_certificate;  // else the first by name
};

struct RouteConfiguration {
  std::vector<std::string> server_names;  // lower case; empty: all
  std::vector<std::string> alpn;
  std::vector<tls::CipherSuite> suites = tls::ServerPolicy{}.suites;
  std::vector<tls::NamedGroup> groups = tls::ServerPolicy{}.groups;
  std::vector<Reference> certificates;  // empty: chosen by the names in them
  std::size_t backend = 0;              // index into Configuration::backends
  base::Duration handshake_timeout = base::Duration::seconds(5);
  base::Duration idle_timeout = base::Duration::seconds(300);
};

struct ListenerConfiguration {
  std::string name;
  base::SocketAddress address;
  base::Duration handshake_timeout = base::Duration::seconds(5);  // until a route is known
  std::vector<RouteConfiguration> routes;
};

struct AdminConfiguration {
  std::filesystem::path socket = "/run/sluice/admin.sock";
  std::optional<base::SocketAddress> metrics;
};

struct Configuration {
  run::DataplaneSettings dataplane;
  CertificatesConfiguration certificates;
  std::vector<run::BackendSettings> backends;
  std::vector<ListenerConfiguration> listeners;
  AdminConfiguration admin;
};

struct ConfigurationOptions {
  bool allow_faults = false;
  std::vector<unsigned> cpus;       // those that workers may run on
  std::filesystem::path directory;  // that relative paths in the file start from
};

// The CPUs that this process may run on, in ascending order.
[[nodiscard]] std::vector<unsigned> available_cpus();

// As it stands in the file: "tap:sluice0".
[[nodiscard]] std::string describe_device(const run::PortSettings& port);

// Nothing when there are problems.
[[nodiscard]] std::optional<Configuration> parse_configuration(std::string_view text,
                                                               const ConfigurationOptions& options,
                                                               Problems& problems);

}  // namespace sluice::control
