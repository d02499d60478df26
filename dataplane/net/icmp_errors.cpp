#include "dataplane/net/icmp_errors.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {
namespace {

// RFC 1812 4.3.2.3: as much of the packet as leaves the error within 576 bytes.
constexpr std::size_t kMaxIpv4Quotation = 576 - wire::Ipv4Header::kMinSize - wire::kIcmpHeaderSize;

base::Bytes quotation_of(base::Bytes packet, std::size_t most) {
  return packet.first(std::min(packet.size(), most));
}

wire::Icmpv6Message quoting(wire::Icmpv6Message message, base::Bytes packet) {
  std::visit(
      [&](auto& error) {
        if constexpr (requires { error.quoted; }) {
          error.quoted = quotation_of(packet, wire::kMaxIcmpv6Quotation);
        }
      },
      message);
  return message;
}

}  // namespace

// RFC 1122 3.2.2.1: protocol unreachable, and for a protocol whose ports nobody has, port
// unreachable. That its source is one host's, and that it is no fragment, has been checked.
void IcmpErrors::unreachable(base::Instant now, const Interface& interface,
                             const wire::Ipv4Header& header, base::Bytes packet) {
  if (!interface.answers()) return;
  const wire::IcmpMessage message = wire::IcmpUnreachable{
      .code = header.protocol == wire::IpProtocol::kUdp ? wire::UnreachableCode::kPort
                                                        : wire::UnreachableCode::kProtocol,
      .quoted = quotation_of(packet, kMaxIpv4Quotation)};
  const std::size_t size = wire::icmp_size(message);
  base::PacketPtr error = packet_for(now, ipv4_limit_, size, NetCounter::kIcmpErrorsSuppressed);
  if (!error) return;
  wire::serialize_icmp(message, error->append(size));
  counters_.add(NetCounter::kIcmpErrorsOut);
  ipv4_.send_icmp(now, header.destination, header.source, std::move(error));
}

// What concerns groups, whoever decided that it is to be answered has seen to (RFC 4443 2.4(e.3)).
void IcmpErrors::send(base::Instant now, const Interface& interface, const wire::Ipv6Header& header,
                      const wire::Icmpv6Message& message, base::Bytes packet) {
  const Ipv6Prefixes& prefixes = interface.prefixes();
  if (!interface.answers() || wire::is_unspecified(header.source) ||
      wire::is_multicast(header.source) || prefixes.owns(header.source)) {
    return;
  }
  const auto source = wire::is_multicast(header.destination)
                          ? prefixes.source_towards(header.source)
                          : std::optional(header.destination);
  if (!source) return;
  const wire::Icmpv6Message quoted = quoting(message, packet);
  const std::size_t size = wire::icmpv6_size(quoted);
  base::PacketPtr error = packet_for(now, ipv6_limit_, size, NetCounter::kIcmpv6ErrorsSuppressed);
  if (!error) return;
  wire::serialize_icmpv6(
      quoted,
      {.source = *source, .destination = header.source, .next_header = wire::IpProtocol::kIcmpv6},
      error->append(size));
  counters_.add(NetCounter::kIcmpv6ErrorsOut);
  ipv6_.send_icmp(now, *source, header.source, std::move(error));
}

base::PacketPtr IcmpErrors::packet_for(base::Instant now, ReplyLimit& limit, std::size_t size,
                                       NetCounter suppressed) {
  base::PacketPtr packet(limit.permits(now) ? pool_.allocate() : nullptr);
  if (packet && packet->tailroom() >= size) return packet;
  counters_.add(suppressed);
  return {};
}

}  // namespace sluice::net
