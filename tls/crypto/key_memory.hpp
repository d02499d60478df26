// Where keys lie: pages of their own, outside the packet memory that devices can reach, locked
// against swapping and left out of core dumps; and the process-wide switches to the same end.
#pragma once

#include <cstddef>

#include "base/pool.hpp"

namespace sluice::tls {

// Zero-filled on first touch, wiped on destruction. Locking is best effort: RLIMIT_MEMLOCK may
// forbid it, and then locked() says so. std::bad_alloc when there is no address space.
class KeyMemory {
 public:
  explicit KeyMemory(std::size_t bytes);
  ~KeyMemory();
  KeyMemory(const KeyMemory&) = delete;
  KeyMemory& operator=(const KeyMemory&) = delete;

  [[nodiscard]] void* data() const { return memory_.data(); }
  [[nodiscard]] bool locked() const { return locked_; }

 private:
  base::ReservedMemory memory_;
  std::size_t size_;
  bool locked_;
};

// Forbids core dumps and debuggers' access to this process (prctl(PR_SET_DUMPABLE)): the memory of
// libcrypto and of connections holds keys too. A change of user or capabilities may undo it: call
// it after privileges were dropped. False when the kernel refuses.
[[nodiscard]] bool forbid_core_dumps();

}  // namespace sluice::tls
