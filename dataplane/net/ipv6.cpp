#include "dataplane/net/ipv6.hpp"

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {
namespace {

// RFC 4291 2.5.3, 2.7: never a source on a wire. Nor are IPv4-mapped addresses, whose use would
// slip past whatever is said of IPv4 addresses.
bool is_martian(const base::Ipv6Address& source) {
  return wire::is_multicast(source) || wire::is_loopback(source) || wire::is_ipv4_mapped(source);
}

// Our own as a source is the LAND attack, except where a node claims it (RFC 4862 5.4).
bool is_nobody_else(const base::Ipv6Address& source, const Ipv6Prefixes& prefixes) {
  return wire::is_unspecified(source) || prefixes.owns(source);
}

NetCounter counter_of(wire::ChainError error) {
  switch (error) {
    case wire::ChainError::kTruncated:
    case wire::ChainError::kHopByHopNotFirst:
    case wire::ChainError::kBadOption:
    case wire::ChainError::kBadFragment:
      return NetCounter::kIpv6Malformed;
    case wire::ChainError::kTooManyHeaders:
    case wire::ChainError::kTooManyBytes:
      return NetCounter::kIpv6LongChain;
    case wire::ChainError::kUnknownOption:
      return NetCounter::kIpv6UnknownOption;
    case wire::ChainError::kRoutingType0:
    case wire::ChainError::kSegmentsLeft:
      return NetCounter::kIpv6Routing;
    case wire::ChainError::kAuthentication:
    case wire::ChainError::kNoNextHeader:
      break;
  }
  return NetCounter::kIpv6UnknownProtocol;
}

base::Unexpected<Ipv6Refusal> refused(NetCounter why) {
  return {Ipv6Refusal{.why = why}};
}

base::Unexpected<Ipv6Refusal> refused(const wire::ChainRefusal& refusal) {
  Ipv6Refusal drop{.why = counter_of(refusal.reason)};
  if (refusal.answer) {
    drop.answer = wire::Icmpv6ParameterProblem{
        .code = refusal.answer->code, .pointer = refusal.answer->pointer, .quoted = {}};
  }
  return {drop};
}

// RFC 4443 3.1 and RFC 8200 4: no port of ours is UDP's, and no other protocol is known.
base::Unexpected<Ipv6Refusal> refused(const wire::UpperLayer& upper) {
  Ipv6Refusal drop{.why = NetCounter::kIpv6UnknownProtocol};
  if (upper.protocol == wire::IpProtocol::kUdp) {
    drop.answer = wire::Icmpv6Unreachable{.code = wire::Icmpv6UnreachableCode::kPort, .quoted = {}};
  } else {
    drop.answer =
        wire::Icmpv6ParameterProblem{.code = wire::ParameterProblemCode::kUnknownNextHeader,
                                     .pointer = static_cast<std::uint32_t>(upper.protocol_at),
                                     .quoted = {}};
  }
  return {drop};
}

}  // namespace

bool is_martian(const base::Ipv6Address& source, const Ipv6Prefixes& prefixes) {
  return is_martian(source) || is_nobody_else(source, prefixes);
}

// The hop limit is not looked at: RFC 8200 3, a destination node should not discard a packet
// because of it.
base::Result<AcceptedIpv6, Ipv6Refusal> accept_ipv6(base::Bytes packet,
                                                    const Ipv6Prefixes& prefixes) {
  const auto parsed = wire::parse_ipv6(packet);
  if (!parsed) return refused(NetCounter::kIpv6Malformed);
  const wire::Ipv6Header& header = parsed->header;
  const bool to_group = prefixes.is_our_group(header.destination);
  if (!to_group && !prefixes.is_assigned(header.destination)) {
    return refused(prefixes.owns(header.destination) ? NetCounter::kIpv6Unassigned
                                                     : NetCounter::kIpv6NotOurs);
  }
  if (is_martian(header.source)) return refused(NetCounter::kIpv6Martian);

  const auto upper = wire::find_upper_layer(packet, *parsed);
  if (!upper) return refused(upper.error());
  if (upper->is_fragment()) return refused(NetCounter::kIpv6Fragment);
  if (upper->protocol == wire::IpProtocol::kIcmpv6) {
    return AcceptedIpv6{.ip = *parsed, .upper = *upper};
  }
  if (is_nobody_else(header.source, prefixes)) return refused(NetCounter::kIpv6Martian);
  if (to_group) return refused(NetCounter::kIpv6NotOurs);
  if (upper->protocol != wire::IpProtocol::kTcp) return refused(*upper);
  return AcceptedIpv6{.ip = *parsed, .upper = *upper};
}

}  // namespace sluice::net
