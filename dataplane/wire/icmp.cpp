#include "dataplane/wire/icmp.hpp"

#include "base/cursor.hpp"
#include "dataplane/wire/checksum.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kChecksumOffset = 2;

void write(const IcmpEcho& echo, base::Writer& writer) {
  const IcmpType type = echo.request ? IcmpType::kEchoRequest : IcmpType::kEchoReply;
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(0);   // code
  writer.u16(0);  // checksum
  writer.u16(echo.identifier);
  writer.u16(echo.sequence);
  writer.bytes(echo.data);
}

void write(const IcmpUnreachable& unreachable, base::Writer& writer) {
  writer.u8(static_cast<std::uint8_t>(IcmpType::kDestinationUnreachable));
  writer.u8(static_cast<std::uint8_t>(unreachable.code));
  writer.u16(0);  // checksum
  writer.u16(0);  // unused
  writer.u16(unreachable.next_hop_mtu);
  writer.bytes(unreachable.quoted);
}

}  // namespace

base::Result<IcmpMessage, WireError> parse_icmp(base::Bytes message) {
  if (message.size() < kIcmpHeaderSize) return base::Unexpected{WireError::kTruncated};
  if (internet_checksum(message) != 0) return base::Unexpected{WireError::kBadChecksum};
  base::Reader reader(message);
  const IcmpType type{reader.u8()};
  const std::uint8_t code = reader.u8();
  reader.skip(2);  // checksum
  const std::uint16_t first = reader.u16();
  const std::uint16_t second = reader.u16();
  switch (type) {
    case IcmpType::kEchoRequest:
    case IcmpType::kEchoReply:
      return IcmpMessage(IcmpEcho{.request = type == IcmpType::kEchoRequest,
                                  .identifier = first,
                                  .sequence = second,
                                  .data = reader.rest()});
    case IcmpType::kDestinationUnreachable:
      return IcmpMessage(IcmpUnreachable{
          .code = UnreachableCode{code}, .next_hop_mtu = second, .quoted = reader.rest()});
  }
  return base::Unexpected{WireError::kUnsupported};
}

std::size_t icmp_size(const IcmpMessage& message) {
  const auto* echo = std::get_if<IcmpEcho>(&message);
  return kIcmpHeaderSize +
         (echo != nullptr ? echo->data.size() : std::get<IcmpUnreachable>(message).quoted.size());
}

void serialize_icmp(const IcmpMessage& message, base::MutableBytes to) {
  base::Writer writer(to);
  std::visit([&](const auto& m) { write(m, writer); }, message);
  base::store_be(to.data() + kChecksumOffset, internet_checksum(to));
}

}  // namespace sluice::wire
