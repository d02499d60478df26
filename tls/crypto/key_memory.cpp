#include "tls/crypto/key_memory.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace sluice::tls {

KeyMemory::KeyMemory(std::size_t bytes) : memory_(bytes), size_(bytes) {
  // Older kernels and sandboxes refuse some of these; the keys are no less wiped for it.
  (void)::madvise(memory_.data(), bytes, MADV_DONTDUMP);
  (void)::madvise(memory_.data(), bytes, MADV_WIPEONFORK);
  // Locked as it is touched: a large pool that is hardly used stays small.
  locked_ = ::mlock2(memory_.data(), bytes, MLOCK_ONFAULT) == 0;
}

KeyMemory::~KeyMemory() {
  base::secure_wipe({static_cast<std::byte*>(memory_.data()), size_});
}

bool forbid_core_dumps() {
  return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

}  // namespace sluice::tls
