#include "dataplane/net/icmp.hpp"

#include "dataplane/net/mtu_plateaus.hpp"

namespace sluice::net {

void Icmp::receive(base::Instant now, const Interface& interface, const wire::Ipv4Header& header,
                   base::Bytes message) {
  const auto parsed = wire::parse_icmp(message);
  if (!parsed) {
    counters_.add(parsed.error() == wire::WireError::kUnsupported ? NetCounter::kIcmpUnsupported
                                                                  : NetCounter::kIcmpMalformed);
    return;
  }
  if (const auto* echo = std::get_if<wire::IcmpEcho>(&*parsed)) {
    on_echo(now, interface, header, *echo);
  } else {
    on_unreachable(now, std::get<wire::IcmpUnreachable>(*parsed));
  }
}

void Icmp::report_undelivered(base::Instant now, base::Bytes packet) {
  const auto quoted = quoted_by(packet);
  if (quoted) tcp_.unreachable(now, quoted->flow(), quoted->sequence.value());
}

std::optional<wire::QuotedSegment> Icmp::quoted_by(base::Bytes packet) {
  const auto quoted = wire::parse_quoted_segment(packet);
  if (quoted && output_.is_local(quoted->source)) return *quoted;
  counters_.add(NetCounter::kIcmpErrorIgnored);
  return std::nullopt;
}

// RFC 1122 3.2.2.6: the data of the request comes back entirely, from the address it was sent to.
void Icmp::on_echo(base::Instant now, const Interface& interface, const wire::Ipv4Header& header,
                   const wire::IcmpEcho& echo) {
  if (!echo.request) {
    counters_.add(NetCounter::kIcmpUnsupported);
    return;
  }
  if (!interface.answers()) return;
  const wire::IcmpMessage reply = wire::IcmpEcho{.request = false,
                                                 .identifier = echo.identifier,
                                                 .sequence = echo.sequence,
                                                 .data = echo.data};
  const std::size_t size = wire::icmp_size(reply);
  base::PacketPtr packet(echo_limit_.permits(now) ? pool_.allocate() : nullptr);
  if (!packet || packet->tailroom() < size) {
    counters_.add(NetCounter::kIcmpEchoSuppressed);
    return;
  }
  wire::serialize_icmp(reply, packet->append(size));
  counters_.add(NetCounter::kIcmpEchoReplies);
  output_.send_icmp(now, header.destination, header.source, std::move(packet));
}

void Icmp::on_unreachable(base::Instant now, const wire::IcmpUnreachable& unreachable) {
  if (unreachable.code == wire::UnreachableCode::kFragmentationNeeded) {
    return on_fragmentation_needed(now, unreachable);
  }
  counters_.add(NetCounter::kIcmpUnreachableIn);
  report_undelivered(now, unreachable.quoted);
}

// RFC 1191 5: a router that does not know that document says nothing of a size.
void Icmp::on_fragmentation_needed(base::Instant now, const wire::IcmpUnreachable& unreachable) {
  counters_.add(NetCounter::kIcmpFragmentationNeeded);
  const auto quoted = quoted_by(unreachable.quoted);
  if (!quoted) return;
  const std::uint16_t mtu =
      unreachable.next_hop_mtu != 0 ? unreachable.next_hop_mtu : plateau_below(quoted->packet_size);
  tcp_.too_big(now, quoted->flow(), {.sequence = quoted->sequence.value(), .mtu = mtu});
}

}  // namespace sluice::net
