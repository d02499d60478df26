#include "dataplane/net/icmp.hpp"

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
  const auto quoted = wire::parse_quoted_segment(packet);
  if (!quoted || !output_.is_local(quoted->source)) {
    counters_.add(NetCounter::kIcmpErrorIgnored);
    return;
  }
  const base::FourTuple flow{
      .local = {.address = quoted->source, .port = quoted->source_port},
      .remote = {.address = quoted->destination, .port = quoted->destination_port}};
  tcp_.unreachable(now, flow, quoted->sequence.value());
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

// RFC 5927 7: what needs fragmentation is not unreachable, and believing its MTU unchecked would
// let anybody slow a connection down.
void Icmp::on_unreachable(base::Instant now, const wire::IcmpUnreachable& unreachable) {
  if (unreachable.code == wire::UnreachableCode::kFragmentationNeeded) {
    counters_.add(NetCounter::kIcmpFragmentationNeeded);
    return;
  }
  counters_.add(NetCounter::kIcmpUnreachableIn);
  report_undelivered(now, unreachable.quoted);
}

}  // namespace sluice::net
