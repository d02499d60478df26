#include "dataplane/net/ipv4.hpp"

namespace sluice::net {
namespace {

// What comes for everybody asks every host for an answer (smurf): it gets none.
NetCounter reason_for_others(base::Ipv4Address destination, const Ipv4Subnets& subnets) {
  if (subnets.owns(destination)) return NetCounter::kIpv4Unassigned;
  const bool everybody = subnets.is_broadcast(destination) || destination.is_multicast();
  return everybody ? NetCounter::kIpv4Broadcast : NetCounter::kIpv4NotOurs;
}

NetCounter counter_of(wire::WireError error) {
  return error == wire::WireError::kBadChecksum ? NetCounter::kIpv4BadChecksum
                                                : NetCounter::kIpv4Malformed;
}

}  // namespace

bool is_martian(base::Ipv4Address source, const Ipv4Subnets& subnets) {
  constexpr std::uint32_t kThisNetwork = 0;
  constexpr std::uint32_t kReserved = 0xf;  // 240.0.0.0/4, the limited broadcast included
  return source.value >> 24 == kThisNetwork || source.is_loopback() || source.is_multicast() ||
         source.value >> 28 == kReserved || subnets.is_broadcast(source) || subnets.owns(source);
}

// The time to live is not looked at: RFC 1122 3.2.1.7, a host must not discard a packet because it
// arrived with a small one.
base::Result<wire::ParsedIpv4Header, NetCounter> accept_ipv4(base::Bytes packet,
                                                             wire::HeaderChecksum checksum,
                                                             const Ipv4Subnets& subnets) {
  const auto parsed = wire::parse_ipv4(packet, checksum);
  if (!parsed) return base::Unexpected{counter_of(parsed.error())};
  const wire::Ipv4Header& header = parsed->header;
  if (!subnets.is_assigned(header.destination)) {
    return base::Unexpected{reason_for_others(header.destination, subnets)};
  }
  if (is_martian(header.source, subnets)) return base::Unexpected{NetCounter::kIpv4Martian};
  // RFC 7126 4.3, 4.4: nobody but an attacker routes packets to us by hand.
  switch (
      wire::check_ipv4_options(packet.first(parsed->size).subspan(wire::Ipv4Header::kMinSize))) {
    case wire::Ipv4Options::kMalformed:
      return base::Unexpected{NetCounter::kIpv4Malformed};
    case wire::Ipv4Options::kSourceRoute:
      return base::Unexpected{NetCounter::kIpv4SourceRoute};
    case wire::Ipv4Options::kHarmless:
      break;
  }
  if (header.is_fragment()) return base::Unexpected{NetCounter::kIpv4Fragment};
  return *parsed;
}

}  // namespace sluice::net
