// How many echo requests are answered per second, so that nobody makes us busy with them.
#pragma once

#include "base/time.hpp"

namespace sluice::net {

class EchoLimit {
 public:
  static constexpr unsigned kRepliesPerSecond = 1000;

  [[nodiscard]] bool permits(base::Instant now) {
    if (now >= second_ends_) {
      second_ends_ = now + base::Duration::seconds(1);
      replies_in_second_ = 0;
    }
    return replies_in_second_++ < kRepliesPerSecond;
  }

 private:
  base::Instant second_ends_;
  unsigned replies_in_second_ = 0;
};

}  // namespace sluice::net
