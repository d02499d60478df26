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
  if (wire::is_unspecified(header.source) || interface.prefixes().owns(header.source)) {
    counters_.add(NetCounter::kIpv6Martian);
    return;
  }
  if (const auto* echo = std::get_if<wire::Icmpv6Echo>(&*parsed)) {
    on_echo(now, interface, header, *echo);
  } else if (const auto* too_big = std::get_if<wire::Icmpv6PacketTooBig>(&*parsed)) {
    on_too_big(*too_big);
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
  const auto quoted = wire::parse_quoted_ipv6_segment(packet);
  if (!quoted || !output_.is_local(quoted->source)) {
    counters_.add(NetCounter::kIcmpv6ErrorIgnored);
    return;
  }
  const base::FourTuple flow{
      .local = {.address = quoted->source, .port = quoted->source_port},
      .remote = {.address = quoted->destination, .port = quoted->destination_port}};
  tcp_.unreachable(now, flow, quoted->sequence.value());
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

// RFC 8201 4: every link carries packets of kIpv6MinMtu, so a report of less is a lie. What is too
// big is not unreachable, and believing its MTU unchecked would let anybody slow a connection down
// (RFC 5927 7).
void Icmpv6::on_too_big(const wire::Icmpv6PacketTooBig& too_big) {
  counters_.add(too_big.mtu < wire::kIpv6MinMtu ? NetCounter::kIcmpv6ErrorIgnored
                                                : NetCounter::kIcmpv6PacketTooBig);
}

void Icmpv6::on_error(base::Instant now, base::Bytes quoted) {
  counters_.add(NetCounter::kIcmpv6ErrorsIn);
  report_undelivered(now, quoted);
}

}  // namespace sluice::net
