// Segments of a send queue that go out together, as one train that is cut into the same segments
// again below: by the device (TSO), or by software. To recovery each remains a segment of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/packet.hpp"
#include "dataplane/net/tcp/send_queue.hpp"

namespace sluice::net::tcp {

struct TrainBounds {
  std::size_t packets = 0;
  std::int64_t bytes = 0;  // in sequence space
  std::uint32_t mss = 0;
};

// How many segments from `first` on, none of which has been sent, may form a train: full ones, the
// last of them perhaps shorter or with a FIN. 1 where there is none to be.
[[nodiscard]] std::size_t train_length(const SendSegment& first, const TrainBounds& bounds);

// Puts the text of so many segments behind `head`. Returns the last of them.
const SendSegment& couple(base::Packet& head, const SendSegment& first, std::size_t segments);

}  // namespace sluice::net::tcp
