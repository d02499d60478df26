#include "dataplane/run/doorbell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace sluice::run {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Doorbell::~Doorbell() {
  if (fd_ >= 0) ::close(fd_);
}

void Doorbell::ring() {
  if (!armed_.exchange(false, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  // Cannot fail but by overflow, and then the bell has been rung.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof(one));
}

// Read also when nobody has rung since arm(): a ringer that was held up may have written only after
// the disarm() before, and what it wrote would end every sleep from now on.
void Doorbell::disarm() {
  (void)armed_.exchange(false, std::memory_order_acq_rel);
  std::uint64_t rings = 0;
  [[maybe_unused]] const ssize_t read = ::read(fd_, &rings, sizeof(rings));
}

}  // namespace sluice::run
