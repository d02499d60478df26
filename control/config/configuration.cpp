#include "control/config/configuration.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "control/config/reading.hpp"

namespace sluice::control {
namespace {

constexpr KnownName kRootKeys[] = {
    {"dataplane"}, {"certificates"},   {"backends"},          {"listeners"},
    {"admin"},     {"tickets", false}, {"early_data", false},
};
constexpr KnownName kCertificatesKeys[] = {{"directory"}, {"default"}};
constexpr KnownName kAdminKeys[] = {{"socket"}, {"metrics"}};

// sockaddr_un's room for a path, with its terminator.
constexpr std::size_t kMaxSocketPath = 107;

void read_certificates(const Node& node, Reading& reading,
                       CertificatesConfiguration& certificates) {
  static constexpr std::string_view kExpected = "a directory such as /etc/sluice/certs";
  certificates.where = node.where;
  const Section section(node, "certificates", kCertificatesKeys, reading.problems);
  const Node* directory = section.require("directory", kExpected);
  if (directory != nullptr) {
    certificates.where = directory->where;
    if (const auto* path = section.text("directory", kExpected)) {
      certificates.directory = reading.resolve(*path);
    }
  }
  if (const auto* name = section.text("default", "the name of a certificate")) {
    certificates.default_certificate = Reference{*name, section.find("default")->where};
  }
}

void read_admin(const Node& node, Reading& reading, AdminConfiguration& admin) {
  const Section section(node, "admin", kAdminKeys, reading.problems);
  if (const auto* path = section.text("socket", "the path of a socket")) {
    admin.socket = reading.resolve(*path);
    if (admin.socket.native().size() > kMaxSocketPath) {
      reading.problems.add(section.find("socket")->where,
                           fmt::format("socket: a path of {} bytes; expected at most {}",
                                       admin.socket.native().size(), kMaxSocketPath));
    }
  }
  if (const Node* metrics = section.find("metrics")) {
    admin.metrics = read_endpoint(*metrics, "metrics", reading.problems);
  }
}

Configuration read_root(const Node& node, Reading& reading) {
  Configuration configuration;
  const Section root(node, "the configuration", kRootKeys, reading.problems);
  if (const Node* dataplane = root.require("dataplane", "a map with ports")) {
    read_dataplane(*dataplane, reading, configuration.dataplane);
  }
  if (const Node* certificates = root.require("certificates", "a map with directory")) {
    read_certificates(*certificates, reading, configuration.certificates);
  }
  if (const Node* backends = root.require("backends", "a map of backends by name")) {
    read_backends(*backends, reading, configuration.dataplane, configuration.backends);
  }
  read_listeners(root, reading, configuration, configuration.listeners);
  if (const Node* admin = root.find("admin")) read_admin(*admin, reading, configuration.admin);
  return configuration;
}

}  // namespace

bool is_legal_name(std::string_view name) {
  static constexpr std::size_t kMaxName = 32;
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMaxName && is_alphanumeric(name.front()) &&
         std::ranges::all_of(
             name, [&](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::vector<unsigned> available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::optional<Configuration> parse_configuration(std::string_view text,
                                                 const ConfigurationOptions& options,
                                                 Problems& problems) {
  const auto document = parse_document(text, problems);
  if (!document) return std::nullopt;
  Reading reading{.options = options, .problems = problems};
  Configuration configuration = read_root(*document, reading);
  if (!problems.empty()) return std::nullopt;
  return configuration;
}

}  // namespace sluice::control
