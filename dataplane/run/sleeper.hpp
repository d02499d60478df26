// How a worker sleeps: for a time, but no longer than until one of its devices has a frame for it
// or its doorbell rings.
#pragma once

#include "base/time.hpp"

namespace sluice::run {

class Sleeper {
 public:
  Sleeper();
  ~Sleeper();
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // Ends sleeps when `fd` is readable. A negative one stands for something that cannot.
  void watch(int fd);
  // True while everything that was to be watched is: sleeping long delays nothing then. A sleep may
  // find out that it is not so.
  [[nodiscard]] bool complete() const { return complete_; }

  // A signal may end it early, too. Precondition: less than a second.
  void sleep(base::Duration time);

 private:
  const int epoll_;
  bool complete_ = true;
};

}  // namespace sluice::run
