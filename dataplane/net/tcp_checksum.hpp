// The checksum of a TCP segment that is sent (RFC 9293 3.1 MUST-2).
#pragma once

#include <cstddef>

#include "base/packet.hpp"
#include "dataplane/wire/checksum.hpp"

namespace sluice::net {

struct TcpChecksum {
  wire::InternetSum addresses;  // both, of either family
  std::size_t link_header_size = 0;
  std::size_t ip_header_size = 0;
  bool by_device = false;
};

// `segment` begins at the TCP header. In software the whole segment is summed; a device is left the
// pseudo-header's sum to go on with, and always for the segments of a train.
void fill_in_tcp_checksum(const TcpChecksum& what, base::Packet& segment);

}  // namespace sluice::net
