#include "bench/stack/process_memory.hpp"

#include <fstream>
#include <string>

namespace sluice::bench {
namespace {

// A "Name:  123 kB" line of a file in /proc; 0 where there is none.
std::size_t kilobyte_line(const char* path, const std::string& name) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    std::size_t kilobytes = 0;
    if (word == name && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

std::size_t resident_memory() {
  return kilobyte_line("/proc/self/status", "VmRSS:");
}

std::size_t available_memory() {
  return kilobyte_line("/proc/meminfo", "MemAvailable:");
}

}  // namespace sluice::bench
