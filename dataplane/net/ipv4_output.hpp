// Sends IPv4 packets: finds the interface and the next hop, fills in checksums or asks the device
// to, and hands the packet to the neighbour table (RFC 791, RFC 1122 3.3.1).
#pragma once

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
#include "dataplane/wire/ipv4.hpp"

namespace sluice::net {

class Ipv4Output final : public IpOutput {
 public:
  // Both outlive the output; interfaces may be added later.
  Ipv4Output(const Interfaces& interfaces, base::Counters<NetCounter>& counters,
             const IpSettings& settings = {})
      : interfaces_(interfaces), counters_(counters), settings_(settings) {}

  void send_tcp(WayOut& name, base::Instant now, const base::IpAddress& source,
                const base::IpAddress& destination, base::PacketPtr segment) override;
  [[nodiscard]] std::optional<std::size_t> path_mtu(
      const base::IpAddress& destination) const override;
  [[nodiscard]] bool is_local(const base::IpAddress& address) const override;

  // Sends an ICMP message, its own checksum filled in.
  void send_icmp(base::Instant now, base::Ipv4Address source, base::Ipv4Address destination,
                 base::PacketPtr message);

 private:
  struct Route {
    Interface* interface;
    base::Ipv4Address next_hop;
  };
  [[nodiscard]] std::optional<Route> route(base::Ipv4Address source,
                                           base::Ipv4Address destination) const;
  // Nothing, and counted, when the packet cannot go there.
  std::optional<Route> route_for(base::Ipv4Address source, base::Ipv4Address destination,
                                 const base::Packet& payload);
  // The way that has the name, if the packet may and can take it.
  [[nodiscard]] const Way* way_named(WayOut name, const base::IpAddress& source, base::Instant now,
                                     const base::Packet& payload);
  void write_headers(base::Ipv4Address source, base::Ipv4Address destination,
                     const Interface& interface, base::Packet& segment) const;
  [[nodiscard]] bool owns(base::Ipv4Address address) const;
  [[nodiscard]] bool is_assigned(base::Ipv4Address address) const;
  // Nothing is sent there. What is a broadcast depends on the interface.
  [[nodiscard]] bool is_illegal(base::Ipv4Address destination, const Ipv4Subnets& subnets) const;

  const Interfaces& interfaces_;
  base::Counters<NetCounter>& counters_;
  const IpSettings settings_;
  WaysOut ways_;
};

}  // namespace sluice::net
