// What the start of the data plane has to know about the machine it is started on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::run {

struct Host {
  std::vector<unsigned> cpus;       // that this process may run on, ascending
  std::size_t huge_page_bytes = 0;  // free
  std::size_t memory_bytes = 0;     // available without swapping
  bool net_admin = false;           // capabilities
  bool net_raw = false;
};

[[nodiscard]] Host inspect_host();

[[nodiscard]] bool interface_exists(const std::string& name);

}  // namespace sluice::run
