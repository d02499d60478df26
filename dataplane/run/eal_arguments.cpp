#include "dataplane/run/eal_arguments.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace sluice::run {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// What EAL, ethdev and the drivers take besides the pools.
constexpr std::size_t kFixedBytes = 64 * kMegabyte;

std::string cpu_list(const std::vector<unsigned>& cpus) {
  std::string list;
  for (const unsigned cpu : cpus) {
    if (!list.empty()) list += ',';
    list += std::to_string(cpu);
  }
  return list;
}

base::Result<std::string, std::string> lcore_map(const DataplaneSettings& settings,
                                                 const Host& host) {
  if (settings.worker_cores.empty()) return base::Unexpected{std::string("there are no workers")};
  if (settings.worker_cores.size() > base::limits::kMaxWorkers) {
    return base::Unexpected{std::to_string(settings.worker_cores.size()) +
                            " workers are more than the " +
                            std::to_string(base::limits::kMaxWorkers) + " that one process has"};
  }
  std::string map = std::to_string(kMainLcore) + "@(" + cpu_list(host.cpus) + ")";
  for (unsigned worker = 0; worker < settings.worker_cores.size(); ++worker) {
    const unsigned core = settings.worker_cores[worker];
    if (std::ranges::find(host.cpus, core) == host.cpus.end()) {
      return base::Unexpected{"worker " + std::to_string(worker) + " cannot run on core " +
                              std::to_string(core) + ": this process may use " +
                              cpu_list(host.cpus)};
    }
    map += "," + std::to_string(lcore_of(worker)) + "@" + std::to_string(core);
  }
  return map;
}

}  // namespace

base::Result<std::vector<std::string>, std::string> eal_arguments(const DataplaneSettings& settings,
                                                                  const Host& host,
                                                                  const EalRequest& request) {
  TRY_ASSIGN(std::string lcores, lcore_map(settings, host));
  std::vector<std::string> arguments = {"sluice",
                                        "--lcores",
                                        std::move(lcores),
                                        "--main-lcore",
                                        std::to_string(kMainLcore),
                                        "--iova-mode=va",
                                        "--no-telemetry",
                                        "--log-level=*:error",
                                        "--file-prefix=" + request.file_prefix};

  const std::size_t needed = request.pool_bytes + kFixedBytes;
  if (settings.memory.huge_pages && host.huge_page_bytes >= needed) {
    arguments.emplace_back("--in-memory");
  } else if (host.memory_bytes < needed) {
    return base::Unexpected{"the packet pools need " + std::to_string(needed / kMegabyte) +
                            " MB of memory, " + std::to_string(host.memory_bytes / kMegabyte) +
                            " MB are available"};
  } else {
    // Without huge pages EAL reserves 64 MB unless it is told.
    arguments.insert(arguments.end(),
                     {"--no-huge", "--no-shconf", "-m", std::to_string(needed / kMegabyte + 1)});
  }

  bool any_pci = false;
  for (const PortSettings& port : settings.ports) {
    if (port.kind != DeviceKind::kPci) continue;
    any_pci = true;
    arguments.insert(arguments.end(), {"-a", port.target});
  }
  if (!any_pci) arguments.emplace_back("--no-pci");
  return arguments;
}

}  // namespace sluice::run
