// Copies of frames, for the devices that must not pin the buffers of those who send through them.
#pragma once

#include "base/bytes.hpp"
#include "base/packet.hpp"

namespace sluice::nic {

// Null when the pool is empty or its packets are too small.
[[nodiscard]] inline base::PacketPtr copy_of(base::Bytes frame, base::PacketPool& pool) {
  base::PacketPtr copy(pool.allocate());
  if (!copy || copy->tailroom() < frame.size()) return {};
  base::copy(copy->append(frame.size()), frame);
  return copy;
}

}  // namespace sluice::nic
