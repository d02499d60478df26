// The sections of the configuration file, one function and file each, in the order in which they
// depend on each other. What they share while a file is read is a Reading.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "control/config/configuration.hpp"
#include "control/config/document.hpp"
#include "control/config/problem.hpp"
#include "control/config/section.hpp"

namespace sluice::control {

struct Reading {
  const ConfigurationOptions& options;
  Problems& problems;
  // False when a part that others refer to could not be read: a reference into it that leads
  // nowhere is then no problem of its own.
  bool ports_complete = false;
  bool backends_complete = false;

  [[nodiscard]] std::filesystem::path resolve(const std::string& path) const {
    return options.directory / path;  // an absolute path replaces the directory
  }
};

void read_dataplane(const Node& node, Reading& reading, run::DataplaneSettings& dataplane);
// After the limits, which say what one connection may hold.
void read_tcp(const Section& dataplane, Reading& reading, run::DataplaneSettings& settings);
void read_ports(const Section& dataplane, Reading& reading, std::vector<run::PortSettings>& ports);
void read_routes(const Section& port_section, Reading& reading, run::PortSettings& port);
void read_backends(const Node& node, Reading& reading, const run::DataplaneSettings& dataplane,
                   std::vector<run::BackendSettings>& backends);
void read_listeners(const Section& root, Reading& reading, const Configuration& configuration,
                    std::vector<ListenerConfiguration>& listeners);

// Names of ports, backends and listeners: they turn up in counters, logs and on command lines.
[[nodiscard]] bool is_legal_name(std::string_view name);
inline constexpr std::string_view kNameExpected =
    "1 to 32 letters, digits, '-', '_' or '.', the first a letter or a digit";

// The port that has the address, or null.
[[nodiscard]] const run::PortSettings* owner_of(const base::IpAddress& address,
                                                const std::vector<run::PortSettings>& ports);

}  // namespace sluice::control
