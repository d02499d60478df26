// A frame that a device has put together from TCP segments that arrived in a row (large receive
// offload) and spread over several buffers, taken apart again: each buffer becomes a frame of its
// own, with the headers of the whole, its own sequence number (RFC 9293 3.1) and length. What
// reaches the stack lies in one buffer.
#pragma once

#include <span>

#include "base/packet.hpp"

namespace sluice::nic {

// `buffers` hold the frame in order, are exclusively owned, and the device has found its checksums
// right: they are marked as verified, and what stands in the new headers is not. False, and nothing
// done, when this is no such frame: TCP with text in every buffer, nothing but IPv4 or IPv6 in
// front of it, and room for headers in every buffer.
[[nodiscard]] bool take_apart(std::span<base::Packet* const> buffers);

}  // namespace sluice::nic
