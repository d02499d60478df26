// Wakes a sleeping worker. Whoever put something into one of its rings rings; only the first ring
// after the worker armed the bell costs a system call.
#pragma once

#include <atomic>

#include "base/spsc_ring.hpp"

namespace sluice::run {

class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Readable when it has been rung; negative when the kernel gave none.
  [[nodiscard]] int fd() const { return fd_; }

  // Any thread, after it has put something into a ring.
  void ring();

  // The worker, before it looks into its rings for the last time and sleeps. Both sides exchange
  // the same flag: either the ringer finds it armed, or the worker finds what is in the ring.
  void arm() { (void)armed_.exchange(true, std::memory_order_acq_rel); }
  // The worker, awake again.
  void disarm();

 private:
  const int fd_;
  alignas(base::kCacheLine) std::atomic<bool> armed_{false};
};

}  // namespace sluice::run
