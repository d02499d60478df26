// Pages for keys: what the kernel has been told about them.
#include "tls/crypto/key_memory.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace sluice::tls {
namespace {

// The VmFlags line of the mapping that `address` lies in (proc(5), /proc/pid/smaps).
std::string vm_flags_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::istringstream fields(line);
    if (fields >> std::hex >> from >> dash >> to && dash == '-') {
      inside = from <= wanted && wanted < to;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return "";
}

TEST(KeyMemory, IsZeroedWritableAndKeptOutOfCoreDumps) {
  constexpr std::size_t kSize = 16 * 4096;
  const KeyMemory memory(kSize);
  auto* bytes = static_cast<unsigned char*>(memory.data());
  EXPECT_EQ(bytes[0], 0);
  std::memset(bytes, 0xaa, kSize);
  EXPECT_EQ(bytes[kSize - 1], 0xaa);
  const std::string flags = vm_flags_of(memory.data());
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;  // do not dump
  EXPECT_NE(flags.find(" wf "), std::string::npos) << flags;  // wipe on fork
  EXPECT_EQ(flags.find(" lo ") != std::string::npos, memory.locked()) << flags;
}

TEST(ForbidCoreDumpsDeathTest, MakesTheProcessUndumpable) {
  EXPECT_EXIT(
      {
        const bool done = forbid_core_dumps();
        std::_Exit(done && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sluice::tls
