// The ways that packets have taken out of a stack lately: from one of our addresses through an
// interface to a neighbour that has answered, with the link-layer header that leads there. Whoever
// sends to one place again and again keeps a name for its way; while that holds, neither a route
// nor a neighbour is looked up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "dataplane/net/interface.hpp"
#include "dataplane/net/ip_output.hpp"
#include "dataplane/net/neighbours.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::net {

struct Way {
  std::uint32_t version = 0;  // of the place in the table; each way that comes there has its own
  std::uint8_t link_header_size = 0;
  std::array<std::byte, wire::EthernetHeader::kSize + wire::EthernetHeader::kTagSize> link_header{};
  Interface* interface = nullptr;
  base::IpAddress next_hop;
  Neighbours::Acquaintance neighbour;

  // True when the payload of an IP packet fits behind such a header, and both headers in front of
  // it.
  [[nodiscard]] bool takes(const base::Packet& payload, std::size_t ip_header_size) const {
    return interface->takes(payload, ip_header_size) &&
           payload.headroom() >= ip_header_size + link_header_size;
  }
  // Hands the IP packet to the link.
  void send(base::PacketPtr packet) const {
    interface->link().send(base::Bytes(link_header).first(link_header_size), std::move(packet));
  }
};

// Direct-mapped: ways that fall on the same place displace each other, which costs them the look-up
// that they would need without it.
class WaysOut {
 public:
  // Null where the way that had the name is gone, or its neighbour has to be asked again.
  [[nodiscard]] const Way* find(WayOut name, base::Instant now) {
    Way& way = ways_[name.place % kWays];
    return way.version == name.version && way.neighbour.holds(now) ? &way : nullptr;
  }
  // The way to a neighbour, and its name; null while the neighbour has not answered or has to be
  // asked again.
  [[nodiscard]] const Way* find_or_add(Interface& interface, const base::IpAddress& next_hop,
                                       wire::EtherType type, base::Instant now, WayOut& name);

 private:
  static constexpr std::size_t kWays = 256;

  std::array<Way, kWays> ways_;
};

}  // namespace sluice::net
