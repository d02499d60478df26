#include "tests/dataplane/net/tcp/support/way_in.hpp"

#include <cstdlib>
#include <span>
#include <string_view>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/plain_segment.hpp"

namespace sluice::net::tcp::test {
namespace {

bool only_the_long_way() {
  const char* way = std::getenv("SLUICE_WAY_IN");
  return way != nullptr && std::string_view(way) == "layers";
}

// Returns the size of what is in front of the segment now.
std::size_t put_into_frame(base::Packet& packet, const base::IpAddress& source,
                           const base::IpAddress& destination) {
  const std::size_t size = packet.size();
  wire::EthernetHeader link{.destination{}, .source{}, .type{}, .vlan{}};
  if (source.is_ipv4()) {
    link.type = wire::EtherType::kIpv4;
    wire::serialize_ipv4({.source = source.ipv4(),
                          .destination = destination.ipv4(),
                          .protocol = wire::IpProtocol::kTcp,
                          .traffic_class = packet.traffic_class},
                         size + wire::Ipv4Header::kMinSize,
                         packet.prepend(wire::Ipv4Header::kMinSize));
  } else {
    link.type = wire::EtherType::kIpv6;
    wire::serialize_ipv6({.source = source.ipv6(),
                          .destination = destination.ipv6(),
                          .next_header = wire::IpProtocol::kTcp,
                          .traffic_class = packet.traffic_class},
                         size + wire::Ipv6Header::kSize, packet.prepend(wire::Ipv6Header::kSize));
  }
  wire::serialize_ethernet(link, packet.prepend(link.size()));
  return packet.size() - size;
}

}  // namespace

void hand_in(Engine& engine, base::Instant now, const base::IpAddress& source,
             const base::IpAddress& destination, base::PacketPtr segment) {
  static const bool long_way = only_the_long_way();
  if (!long_way) {
    const std::size_t in_front = put_into_frame(*segment, source, destination);
    wire::PlainSegment plain;
    const bool is_packet = wire::read_plain_packet(segment->bytes(), {}, plain);
    const std::uint32_t hash = is_packet ? engine.look_for(plain.flow) : 0;
    if (is_packet && wire::read_plain_tcp(segment->bytes(), plain)) {
      base::Packet* const frame = segment.get();
      if (engine.receive_plain(now, engine.look_closer(hash), std::span(&plain, 1),
                               std::span(&frame, 1)) == 1) {
        (void)segment.release();
        return;
      }
    }
    segment->trim_front(in_front);
    if (is_packet) return engine.receive(now, plain.flow, hash, std::move(segment));
  }
  engine.receive(now, source, destination, std::move(segment));
}

}  // namespace sluice::net::tcp::test
