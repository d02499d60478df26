// See random.hpp.
#include "tls/server/random.hpp"

#include <sys/random.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>

namespace sluice::tls {

void RandomSource::fill(base::MutableBytes to) {
  assert(to.size() <= buffer_.size());
  if (left_ < to.size()) {
    ssize_t got;
    do {
      got = ::getrandom(buffer_.data(), buffer_.size(), 0);
    } while (got < 0 && errno == EINTR);
    // A kernel without randomness is one on which nothing here may go on.
    if (got != static_cast<ssize_t>(buffer_.size())) std::abort();
    left_ = buffer_.size();
  }
  left_ -= to.size();
  base::copy(to, base::Bytes(buffer_).subspan(left_, to.size()));
}

}  // namespace sluice::tls
