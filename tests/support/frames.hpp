// Frames and packets for tests, built layer by layer with right lengths and checksums.
#pragma once

#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/neighbour_discovery.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::test {

using ByteVector = std::vector<std::byte>;

// "00 1f ff" to bytes; blanks are skipped.
[[nodiscard]] ByteVector hex(std::string_view text);

[[nodiscard]] ByteVector concatenated(base::Bytes front, base::Bytes back);

[[nodiscard]] ByteVector ethernet_frame(const wire::EthernetHeader& header, base::Bytes payload);
[[nodiscard]] ByteVector arp_payload(const wire::ArpPacket& packet);
[[nodiscard]] ByteVector ipv4_packet(const wire::Ipv4Header& header, base::Bytes payload);
// The payload begins with whatever the header calls its next header.
[[nodiscard]] ByteVector ipv6_packet(const wire::Ipv6Header& header, base::Bytes payload);
[[nodiscard]] ByteVector icmp_message(const wire::IcmpMessage& message);
[[nodiscard]] ByteVector icmpv6_message(const wire::Ipv6Header& ip,
                                        const wire::Icmpv6Message& message);
[[nodiscard]] ByteVector discovery_message(const wire::Ipv6Header& ip,
                                           const wire::DiscoveryMessage& message);
// With the checksum for these addresses.
[[nodiscard]] ByteVector tcp_segment(const base::IpAddress& source,
                                     const base::IpAddress& destination,
                                     const wire::TcpHeader& header, base::Bytes payload = {});

}  // namespace sluice::test
