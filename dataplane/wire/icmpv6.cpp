#include "dataplane/wire/icmpv6.hpp"

#include "base/cursor.hpp"

namespace sluice::wire {
namespace {

void write_front(Icmpv6Type type, std::uint8_t code, base::Writer& writer) {
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(code);
  writer.u16(0);  // checksum
}

void write(const Icmpv6Echo& echo, base::Writer& writer) {
  write_front(echo.request ? Icmpv6Type::kEchoRequest : Icmpv6Type::kEchoReply, 0, writer);
  writer.u16(echo.identifier);
  writer.u16(echo.sequence);
  writer.bytes(echo.data);
}

void write(const Icmpv6Unreachable& error, base::Writer& writer) {
  write_front(Icmpv6Type::kDestinationUnreachable, static_cast<std::uint8_t>(error.code), writer);
  writer.u32(0);  // unused
  writer.bytes(error.quoted);
}

void write(const Icmpv6PacketTooBig& error, base::Writer& writer) {
  write_front(Icmpv6Type::kPacketTooBig, 0, writer);
  writer.u32(error.mtu);
  writer.bytes(error.quoted);
}

void write(const Icmpv6TimeExceeded& error, base::Writer& writer) {
  write_front(Icmpv6Type::kTimeExceeded, static_cast<std::uint8_t>(error.code), writer);
  writer.u32(0);  // unused
  writer.bytes(error.quoted);
}

void write(const Icmpv6ParameterProblem& error, base::Writer& writer) {
  write_front(Icmpv6Type::kParameterProblem, static_cast<std::uint8_t>(error.code), writer);
  writer.u32(error.pointer);
  writer.bytes(error.quoted);
}

void write(const Icmpv6Discovery& discovery, base::Writer& writer) {
  writer.bytes(discovery.message);
}

void write(const Icmpv6ListenerQuery& query, base::Writer& writer) {
  writer.bytes(query.message);
}

std::size_t size_of(const Icmpv6Echo& echo) {
  return kIcmpv6HeaderSize + echo.data.size();
}

std::size_t size_of(const Icmpv6Discovery& discovery) {
  return discovery.message.size();
}

std::size_t size_of(const Icmpv6ListenerQuery& query) {
  return query.message.size();
}

std::size_t size_of(const auto& error) {
  return kIcmpv6HeaderSize + error.quoted.size();
}

}  // namespace

base::Result<Icmpv6Message, WireError> parse_icmpv6(const Ipv6Header& ip, base::Bytes message) {
  if (message.size() < kIcmpv6HeaderSize) return base::Unexpected{WireError::kTruncated};
  if (icmpv6_checksum(ip, message) != 0) return base::Unexpected{WireError::kBadChecksum};
  base::Reader reader(message);
  const Icmpv6Type type{reader.u8()};
  const std::uint8_t code = reader.u8();
  reader.skip(2);  // checksum
  const std::uint32_t word = reader.u32();
  const base::Bytes rest = reader.rest();
  switch (type) {
    case Icmpv6Type::kDestinationUnreachable:
      return Icmpv6Message(Icmpv6Unreachable{.code = Icmpv6UnreachableCode{code}, .quoted = rest});
    case Icmpv6Type::kPacketTooBig:  // RFC 4443 3.2: the code is ignored
      return Icmpv6Message(Icmpv6PacketTooBig{.mtu = word, .quoted = rest});
    case Icmpv6Type::kTimeExceeded:
      return Icmpv6Message(
          Icmpv6TimeExceeded{.code = Icmpv6TimeExceededCode{code}, .quoted = rest});
    case Icmpv6Type::kParameterProblem:
      return Icmpv6Message(Icmpv6ParameterProblem{
          .code = ParameterProblemCode{code}, .pointer = word, .quoted = rest});
    case Icmpv6Type::kEchoRequest:
    case Icmpv6Type::kEchoReply:
      return Icmpv6Message(Icmpv6Echo{.request = type == Icmpv6Type::kEchoRequest,
                                      .identifier = static_cast<std::uint16_t>(word >> 16),
                                      .sequence = static_cast<std::uint16_t>(word),
                                      .data = rest});
    case Icmpv6Type::kRouterSolicitation:
    case Icmpv6Type::kRouterAdvertisement:
    case Icmpv6Type::kNeighbourSolicitation:
    case Icmpv6Type::kNeighbourAdvertisement:
    case Icmpv6Type::kRedirect:
      return Icmpv6Message(Icmpv6Discovery{.message = message});
    case Icmpv6Type::kListenerQuery:
      return Icmpv6Message(Icmpv6ListenerQuery{.message = message});
  }
  // RFC 4443 2.4(a) gives unknown errors to the transport; TCP has no use for them. (b): unknown
  // informational messages must be silently discarded.
  return base::Unexpected{WireError::kUnsupported};
}

std::size_t icmpv6_size(const Icmpv6Message& message) {
  return std::visit([](const auto& m) { return size_of(m); }, message);
}

void serialize_icmpv6(const Icmpv6Message& message, const Ipv6Header& ip, base::MutableBytes to) {
  base::Writer writer(to);
  std::visit([&](const auto& m) { write(m, writer); }, message);
  base::store_be(to.data() + kIcmpv6ChecksumOffset, std::uint16_t{0});
  base::store_be(to.data() + kIcmpv6ChecksumOffset, icmpv6_checksum(ip, to));
}

std::uint16_t icmpv6_checksum(const Ipv6Header& ip, base::Bytes message) {
  InternetSum sum =
      pseudo_header_sum(ip.source, ip.destination, IpProtocol::kIcmpv6, message.size());
  sum.add(message);
  return sum.checksum();
}

}  // namespace sluice::wire
