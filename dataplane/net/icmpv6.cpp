#include "dataplane/net/icmpv6.hpp"

#include <utility>

#include "dataplane/wire/ipv6_address.hpp"
#include "dataplane/wire/quoted_segment.hpp"

namespace sluice::net {

void Icmpv6::receive(base::Instant now, Interface& interface, const AcceptedIpv6& packet,
                     base::Bytes message) {
  const wire::Ipv6Header& header = packet.ip.header;
  const auto parsed = wire::parse_icmpv6(header, message);
  if (!parsed) {
    counters_.add(parsed.error() == wire::WireError::kUnsupported ? NetCounter::kIcmpv6Unsupported
                                                                  : NetCounter::kIcmpv6Malformed);
    return;
  }
  if (const auto* discovery = std::get_if<wire::Icmpv6Discovery>(&*parsed)) {
    interface.discovery().receive(now, header, packet.upper.fragment, discovery->message);
    return;
  }
  if (const auto* query = std::get_if<wire::Icmpv6ListenerQuery>(&*parsed)) {
    // A router alert is the only extension header that a query may have.
    const bool router_alert = packet.upper.offset > wire::Ipv6Header::kSize;
    return interface.listener().receive(now, header, router_alert, query->message);
  }
  if (wire::is_unspecified(header.source) || interface.prefixes().owns(header.source)) {
    counters_.add(NetCounter::kIpv6Martian);
    return;
  }
  if (const auto* echo = std::get_if<wire::Icmpv6Echo>(&*parsed)) {
    on_echo(now, interface, header, *echo);
  } else if (const auto* too_big = std::get_if<wire::Icmpv6PacketTooBig>(&*parsed)) {
    on_too_big(now, *too_big);
  } else if (const auto* unreachable = std::get_if<wire::Icmpv6Unreachable>(&*parsed)) {
    on_error(now, unreachable->quoted);
  } else if (const auto* problem = std::get_if<wire::Icmpv6ParameterProblem>(&*parsed)) {
    on_error(now, problem->quoted);
  } else {
    // RFC 1122 4.2.3.9: a hop limit that ran out says nothing that lasts.
    counters_.add(NetCounter::kIcmpv6ErrorIgnored);
  }
}

void Icmpv6::report_undelivered(base::Instant now, base::Bytes packet) {
  const auto quoted = quoted_by(packet);
  if (quoted) tcp_.unreachable(now, quoted->flow(), quoted->sequence.value());
}

std::optional<wire::QuotedSegment> Icmpv6::quoted_by(base::Bytes packet) {
  const auto quoted = wire::parse_quoted_ipv6_segment(packet);
  if (quoted && output_.is_local(quoted->source)) return *quoted;
  counters_.add(NetCounter::kIcmpv6ErrorIgnored);
  return std::nullopt;
}

// RFC 4443 4.2: the data of the request comes back, from the address it was sent to. What was sent
// to a group is not answered: one request would provoke as many replies as there are nodes.
void Icmpv6::on_echo(base::Instant now, const Interface& interface, const wire::Ipv6Header& header,
                     const wire::Icmpv6Echo& echo) {
  if (!echo.request) {
    counters_.add(NetCounter::kIcmpv6Unsupported);
    return;
  }
  if (!interface.answers()) return;
  const wire::Icmpv6Message reply = wire::Icmpv6Echo{.request = false,
                                                     .identifier = echo.identifier,
                                                     .sequence = echo.sequence,
                                                     .data = echo.data};
  const std::size_t size = wire::icmpv6_size(reply);
  const bool permitted = !wire::is_multicast(header.destination) && echo_limit_.permits(now);
  base::PacketPtr packet(permitted ? pool_.allocate() : nullptr);
  if (!packet || packet->tailroom() < size) {
    counters_.add(NetCounter::kIcmpv6EchoSuppressed);
    return;
  }
  wire::serialize_icmpv6(reply,
                         {.source = header.destination,
                          .destination = header.source,
                          .next_header = wire::IpProtocol::kIcmpv6},
                         packet->append(size));
  counters_.add(NetCounter::kIcmpv6EchoReplies);
  output_.send_icmp(now, header.destination, header.source, std::move(packet));
}

// RFC 8201 4: every link carries packets of kIpv6MinMtu, so a report of less is a lie.
void Icmpv6::on_too_big(base::Instant now, const wire::Icmpv6PacketTooBig& too_big) {
  if (too_big.mtu < wire::kIpv6MinMtu) {
    counters_.add(NetCounter::kIcmpv6ErrorIgnored);
    return;
  }
  counters_.add(NetCounter::kIcmpv6PacketTooBig);
  const auto quoted = quoted_by(too_big.quoted);
  if (!quoted) return;
  tcp_.too_big(now, quoted->flow(), {.sequence = quoted->sequence.value(), .mtu = too_big.mtu});
}

void Icmpv6::on_error(base::Instant now, base::Bytes quoted) {
  counters_.add(NetCounter::kIcmpv6ErrorsIn);
  report_undelivered(now, quoted);
}

}  // namespace sluice::net
