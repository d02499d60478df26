#include "dataplane/run/host.hpp"

#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace sluice::run {
namespace {

namespace fs = std::filesystem;

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

// Files of the kernel that say `key: number` per line; zero when the key is not there.
std::uint64_t number_in(const char* file, std::string_view key, int number_base) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t at = line.find_first_not_of(" \t", key.size());
    std::uint64_t value = 0;
    if (at != std::string::npos) {
      std::from_chars(line.data() + at, line.data() + line.size(), value, number_base);
    }
    return value;
  }
  return 0;
}

std::size_t free_huge_page_bytes() {
  constexpr std::string_view kPrefix = "hugepages-";
  constexpr std::size_t kKilobyte = 1024;
  std::size_t total = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    std::size_t size_kilobytes = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), size_kilobytes);
    std::size_t pages = 0;
    std::ifstream(entry.path() / "free_hugepages") >> pages;
    total += pages * size_kilobytes * kKilobyte;
  }
  return total;
}

}  // namespace

Host inspect_host() {
  const std::uint64_t capabilities = number_in("/proc/self/status", "CapEff:", 16);
  const auto has = [capabilities](unsigned capability) {
    return (capabilities >> capability & 1) != 0;
  };
  return {.cpus = allowed_cpus(),
          .huge_page_bytes = free_huge_page_bytes(),
          .memory_bytes = number_in("/proc/meminfo", "MemAvailable:", 10) * 1024,
          .net_admin = has(CAP_NET_ADMIN),
          .net_raw = has(CAP_NET_RAW)};
}

bool interface_exists(const std::string& name) {
  return ::if_nametoindex(name.c_str()) != 0;
}

}  // namespace sluice::run
