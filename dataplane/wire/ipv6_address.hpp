// What an IPv6 address says by itself (RFC 4291), and how addresses of the link layer and of IPv6
// follow from each other on Ethernet (RFC 2464).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"

namespace sluice::wire {

// RFC 4291 2.7: the multicast group ff02::<id>, of this link.
[[nodiscard]] constexpr base::Ipv6Address link_group(std::uint8_t id) {
  base::Ipv6Address group;
  group.octets.front() = std::byte{0xff};
  group.octets[1] = std::byte{0x02};
  group.octets.back() = std::byte{id};
  return group;
}
inline constexpr base::Ipv6Address kAllNodes = link_group(1);
inline constexpr base::Ipv6Address kAllRouters = link_group(2);

[[nodiscard]] bool is_unspecified(const base::Ipv6Address& address);
[[nodiscard]] bool is_loopback(const base::Ipv6Address& address);
[[nodiscard]] bool is_multicast(const base::Ipv6Address& address);
// Unicast, fe80::/10.
[[nodiscard]] bool is_link_local(const base::Ipv6Address& address);
// ::ffff:0:0/96, which stands for an IPv4 address inside a host and has no place on a wire.
[[nodiscard]] bool is_ipv4_mapped(const base::Ipv6Address& address);

// RFC 4291 2.7.1: the group to which solicitations for an address go, ff02::1:ff00:0/104.
[[nodiscard]] base::Ipv6Address solicited_node_multicast(const base::Ipv6Address& address);
[[nodiscard]] bool is_solicited_node_multicast(const base::Ipv6Address& address);

// RFC 2464 7: where frames to a multicast group go.
[[nodiscard]] base::MacAddress multicast_mac(const base::Ipv6Address& group);

// RFC 2464 5: fe80::/64 with the modified EUI-64 identifier of the interface.
[[nodiscard]] base::Ipv6Address link_local_address(const base::MacAddress& mac);

}  // namespace sluice::wire
