// Where sealed records go. The engine asks for room for one whole record and fills all of it; the
// proxy answers with outgoing packets, tests with a vector.
#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.hpp"

namespace sluice::tls {

class RecordOutput {
 public:
  virtual ~RecordOutput() = default;
  // Spans of exactly `size` bytes together, in order, valid until the next call; empty when there
  // is no room, and then nothing was taken.
  [[nodiscard]] virtual std::span<const base::MutableBytes> allocate(std::size_t size) = 0;
};

}  // namespace sluice::tls
