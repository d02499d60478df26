#include "dataplane/wire/ipv6_address.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

namespace sluice::wire {
namespace {

// ff02::1:ff00:0/104.
constexpr auto kSolicitedNodePrefix = [] {
  std::array<std::byte, 13> prefix{};
  prefix[0] = prefix[12] = std::byte{0xff};
  prefix[1] = std::byte{0x02};
  prefix[11] = std::byte{0x01};
  return prefix;
}();
constexpr auto kMappedPrefix = [] {
  std::array<std::byte, 12> prefix{};
  prefix[10] = prefix[11] = std::byte{0xff};
  return prefix;
}();

bool begins_with(const base::Ipv6Address& address, base::Bytes prefix) {
  return base::equal(base::Bytes(address.octets).first(prefix.size()), prefix);
}

}  // namespace

bool is_unspecified(const base::Ipv6Address& address) {
  return address == base::Ipv6Address{};
}

bool is_loopback(const base::Ipv6Address& address) {
  base::Ipv6Address loopback;
  loopback.octets.back() = std::byte{1};
  return address == loopback;
}

bool is_multicast(const base::Ipv6Address& address) {
  return address.octets[0] == std::byte{0xff};
}

bool is_link_local(const base::Ipv6Address& address) {
  return address.octets[0] == std::byte{0xfe} &&
         (address.octets[1] & std::byte{0xc0}) == std::byte{0x80};
}

bool is_ipv4_mapped(const base::Ipv6Address& address) {
  return begins_with(address, kMappedPrefix);
}

base::Ipv6Address solicited_node_multicast(const base::Ipv6Address& address) {
  base::Ipv6Address group = address;
  std::ranges::copy(kSolicitedNodePrefix, group.octets.begin());
  return group;
}

bool is_solicited_node_multicast(const base::Ipv6Address& address) {
  return begins_with(address, kSolicitedNodePrefix);
}

base::MacAddress multicast_mac(const base::Ipv6Address& group) {
  base::MacAddress mac{{std::byte{0x33}, std::byte{0x33}}};
  std::copy_n(group.octets.begin() + 12, 4, mac.octets.begin() + 2);
  return mac;
}

base::Ipv6Address link_local_address(const base::MacAddress& mac) {
  constexpr auto kUniversal = std::byte{0x02};  // inverted in the identifier, RFC 4291 appendix A
  base::Ipv6Address address;
  auto& octets = address.octets;
  octets[0] = std::byte{0xfe};
  octets[1] = std::byte{0x80};
  octets[11] = std::byte{0xff};
  octets[12] = std::byte{0xfe};
  std::copy_n(mac.octets.begin(), 3, octets.begin() + 8);
  std::copy_n(mac.octets.begin() + 3, 3, octets.begin() + 13);
  octets[8] ^= kUniversal;
  return address;
}

}  // namespace sluice::wire
