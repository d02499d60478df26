#include "control/config/host_address.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::control {
namespace {

// RFC 4291 2.6.1: the network's own address is any router's. RFC 6164: a network of two addresses
// has no such one.
bool is_ipv6_host_address(const base::AddressPrefix& prefix) {
  if (!is_unicast(prefix.address) || prefix.length == 0) return false;
  if (prefix.length >= 127) return true;
  const base::Ipv6Address address = prefix.address.ipv6();
  const unsigned shared = prefix.length % 8;
  std::byte host = address.octets[prefix.length / 8] & (std::byte{0xff} >> shared);
  for (std::size_t i = prefix.length / 8 + 1; i < address.octets.size(); ++i) {
    host |= address.octets[i];
  }
  return host != std::byte{0};
}

// A router of IPv6 is also known by its link-local address, which is on the link whatever the
// networks are.
bool is_on_link(const base::IpAddress& gateway, const base::AddressPrefix& prefix) {
  return prefix.contains(gateway) || (!prefix.address.is_ipv4() && is_link_local(gateway));
}

}  // namespace

bool is_unicast(const base::IpAddress& ipv6) {
  static constexpr std::string_view kOthers[] = {"::/127", "ff00::/8"};
  return std::ranges::none_of(kOthers, [&](std::string_view other) {
    return base::AddressPrefix::parse(other)->contains(ipv6);
  });
}

bool is_host_address(const base::AddressPrefix& prefix) {
  if (!prefix.address.is_ipv4()) return is_ipv6_host_address(prefix);
  const base::Ipv4Address address = prefix.address.ipv4();
  if (address.is_unspecified() || address.is_loopback() || address.is_multicast() ||
      address.is_broadcast() || prefix.length == 0) {
    return false;
  }
  // RFC 3021: a network of two addresses has neither of the two special ones.
  if (prefix.length >= 31) return true;
  const std::uint32_t host_mask = 0xffffffffU >> prefix.length;
  const std::uint32_t host = address.value & host_mask;
  return host != 0 && host != host_mask;
}

std::string check_router(const base::IpAddress& router, const run::PortSettings& port) {
  const auto is_own = [&](const auto& prefix) { return prefix.address == router; };
  const auto is_near = [&](const auto& prefix) { return is_on_link(router, prefix); };
  const auto is_alike = [&](const auto& prefix) {
    return prefix.address.family() == router.family();
  };
  if (port.addresses.empty()) return {};
  if (std::ranges::any_of(port.addresses, is_own)) {
    return fmt::format("{} is the port's own address; expected another host's", router.to_string());
  }
  const auto alike = std::ranges::find_if(port.addresses, is_alike);
  if (alike == port.addresses.end()) {
    return fmt::format(
        "{} is {}, of which the port has no address; expected one of its addresses' "
        "family",
        router.to_string(), family_name(router));
  }
  if (!router.is_ipv4() && !is_unicast(router)) {
    return fmt::format("{} is not a host's address; expected another host's", router.to_string());
  }
  if (std::ranges::any_of(port.addresses, is_near)) return {};
  return fmt::format("{} is in none of the port's networks; expected an address in {}",
                     router.to_string(), alike->to_string());
}

std::string_view family_name(const base::IpAddress& address) {
  return address.is_ipv4() ? "IPv4" : "IPv6";
}

bool is_link_local(const base::IpAddress& address) {
  return base::AddressPrefix::parse("fe80::/10")->contains(address);
}

}  // namespace sluice::control
