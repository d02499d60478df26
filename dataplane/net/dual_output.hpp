// IP output for a transport that speaks over both families: what it sends goes to that of the
// destination.
#pragma once

#include <optional>
#include <utility>

#include "dataplane/net/ipv4_output.hpp"
#include "dataplane/net/ipv6_output.hpp"

namespace sluice::net {

class DualOutput final : public IpOutput {
 public:
  // Both outlive the object.
  DualOutput(Ipv4Output& ipv4, Ipv6Output& ipv6) : ipv4_(ipv4), ipv6_(ipv6) {}

  void send_tcp(WayOut& way, base::Instant now, const base::IpAddress& source,
                const base::IpAddress& destination, base::PacketPtr segment) override {
    if (destination.is_ipv4()) {
      ipv4_.send_tcp(way, now, source, destination, std::move(segment));
    } else {
      ipv6_.send_tcp(way, now, source, destination, std::move(segment));
    }
  }
  [[nodiscard]] std::optional<std::size_t> path_mtu(
      const base::IpAddress& destination) const override {
    return of(destination).path_mtu(destination);
  }
  [[nodiscard]] bool is_local(const base::IpAddress& address) const override {
    return of(address).is_local(address);
  }

 private:
  [[nodiscard]] IpOutput& of(const base::IpAddress& address) const {
    if (address.is_ipv4()) return ipv4_;
    return ipv6_;
  }

  Ipv4Output& ipv4_;
  Ipv6Output& ipv6_;
};

}  // namespace sluice::net
