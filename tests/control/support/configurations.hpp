// A smallest valid configuration, of which a test replaces what it is about.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/configuration.hpp"

namespace sluice::control::testing {

inline constexpr std::array<std::string_view, 4> kSections = {
    "dataplane:\n"
    "  ports:\n"
    "    - {name: edge, device: tap:sluice0, addresses: [198.18.0.2/24], gateway: 198.18.0.1}\n",
    "certificates: {directory: certs}\n",
    "backends:\n"
    "  shop: {servers: [198.18.0.1:8080]}\n",
    "listeners:\n"
    "  - {name: https, address: 198.18.0.2:443, routes: [{mode: tcp, backend: shop}]}\n"};

// The section that `text` begins comes first, so that its lines count from 1, and stands in place
// of the smallest configuration's.
inline std::string with(std::string_view text) {
  std::string whole(text);
  if (!whole.ends_with('\n')) whole += '\n';
  for (const std::string_view section : kSections) {
    const std::string_view key = section.substr(0, section.find(':') + 1);
    if (!text.starts_with(key)) whole += section;
  }
  return whole;
}

inline ConfigurationOptions options() {
  return {.allow_faults = false, .cpus = {0, 1, 2, 3}, .directory = "/etc/sluice"};
}

inline std::vector<std::string> problems_of(std::string_view text,
                                            const ConfigurationOptions& chosen = options()) {
  Problems problems("sluice.yaml");
  (void)parse_configuration(text, chosen, problems);
  return problems.lines();
}

}  // namespace sluice::control::testing
