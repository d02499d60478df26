#include "dataplane/net/ways_out.hpp"

namespace sluice::net {
namespace {

// Neighbours of a link differ in the last bits.
std::uint32_t place_of(const base::IpAddress& next_hop) {
  const auto& octets = next_hop.octets();
  return std::to_integer<std::uint32_t>(octets[15] ^ octets[14]);
}

}  // namespace

const Way* WaysOut::find_or_add(Interface& interface, const base::IpAddress& next_hop,
                                wire::EtherType type, base::Instant now, WayOut& name) {
  const std::uint32_t place = place_of(next_hop) % kWays;
  Way& way = ways_[place];
  const bool known = way.interface == &interface && way.next_hop == next_hop;
  if (!known || !way.neighbour.holds(now)) {
    const auto neighbour = interface.neighbours().acquaintance(next_hop);
    if (!neighbour.holds(now)) return nullptr;
    wire::EthernetHeader header = interface.link().header_to(neighbour.mac(), type);
    way = {.version = way.version + 1,
           .link_header_size = static_cast<std::uint8_t>(header.size()),
           .link_header = {},
           .interface = &interface,
           .next_hop = next_hop,
           .neighbour = neighbour};
    wire::serialize_ethernet(header, std::span(way.link_header).first(header.size()));
  }
  name = {.place = place, .version = way.version};
  return &way;
}

}  // namespace sluice::net
