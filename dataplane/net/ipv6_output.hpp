// Sends IPv6 packets: finds the interface and the next hop, fills in checksums, and hands the
// packet to the neighbour table (RFC 8200, RFC 4861 5.2).
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/interface.hpp"
#include "dataplane/net/ip_output.hpp"
#include "dataplane/net/ip_settings.hpp"
#include "dataplane/net/ways_out.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace sluice::net {

class Ipv6Output final : public IpOutput {
 public:
  // Both outlive the output; interfaces may be added later.
  Ipv6Output(const Interfaces& interfaces, base::Counters<NetCounter>& counters,
             const IpSettings& settings = {})
      : interfaces_(interfaces), counters_(counters), settings_(settings) {}

  void send_tcp(WayOut& name, base::Instant now, const base::IpAddress& source,
                const base::IpAddress& destination, base::PacketPtr segment) override;
  [[nodiscard]] std::optional<std::size_t> path_mtu(
      const base::IpAddress& destination) const override;
  // Addresses that are still tentative included: one may listen on them.
  [[nodiscard]] bool is_local(const base::IpAddress& address) const override;

  // Sends an ICMPv6 message, its own checksum filled in.
  void send_icmp(base::Instant now, const base::Ipv6Address& source,
                 const base::Ipv6Address& destination, base::PacketPtr message);

 private:
  struct Route {
    Interface* interface;
    base::Ipv6Address next_hop;
  };
  [[nodiscard]] std::optional<Route> route(const base::Ipv6Address& source,
                                           const base::Ipv6Address& destination) const;
  // Nothing, and counted, when the packet cannot go there.
  std::optional<Route> route_for(const base::Ipv6Address& source,
                                 const base::Ipv6Address& destination, const base::Packet& payload);
  // The way that has the name, if the packet may and can take it.
  [[nodiscard]] const Way* way_named(WayOut name, const base::IpAddress& source, base::Instant now,
                                     const base::Packet& payload);
  void write_headers(const base::Ipv6Address& source, const base::Ipv6Address& destination,
                     const Interface& interface, base::Packet& segment) const;
  // Nothing is sent there.
  [[nodiscard]] bool is_illegal(const base::Ipv6Address& destination) const;

  const Interfaces& interfaces_;
  base::Counters<NetCounter>& counters_;
  const IpSettings settings_;
  WaysOut ways_;
};

}  // namespace sluice::net
