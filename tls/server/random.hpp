// Random bytes for what is sent in the clear (ServerHello.random): unpredictable, drawn from the
// kernel a buffer at a time, so that a handshake costs no system call. One per worker.
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.hpp"

namespace sluice::tls {

class RandomSource {
 public:
  // Precondition: to.size() <= 256.
  void fill(base::MutableBytes to);

 private:
  // getrandom(2) returns up to 256 bytes whole, without being interrupted by signals.
  std::array<std::byte, 256> buffer_;
  std::size_t left_ = 0;
};

}  // namespace sluice::tls
