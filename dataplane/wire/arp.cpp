#include "dataplane/wire/arp.hpp"

#include "base/cursor.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint16_t kEthernetHardware = 1;
constexpr std::uint8_t kHardwareSize = 6;
constexpr std::uint8_t kProtocolSize = 4;

base::MacAddress read_mac(base::Reader& reader) {
  base::MacAddress mac;
  base::copy(mac.octets, reader.bytes(mac.octets.size()));
  return mac;
}

}  // namespace

base::Result<ArpPacket, WireError> parse_arp(base::Bytes payload) {
  base::Reader reader(payload);
  const std::uint16_t hardware = reader.u16();
  const EtherType protocol{reader.u16()};
  const std::uint8_t hardware_size = reader.u8();
  const std::uint8_t protocol_size = reader.u8();
  const ArpOperation operation{reader.u16()};
  ArpPacket packet{.operation = operation, .sender_mac{}, .sender{}, .target_mac{}, .target{}};
  packet.sender_mac = read_mac(reader);
  packet.sender.value = reader.u32();
  packet.target_mac = read_mac(reader);
  packet.target.value = reader.u32();
  if (!reader.ok()) return base::Unexpected{WireError::kTruncated};

  if (hardware != kEthernetHardware || protocol != EtherType::kIpv4 ||
      hardware_size != kHardwareSize || protocol_size != kProtocolSize) {
    return base::Unexpected{WireError::kBadVersion};
  }
  if (operation != ArpOperation::kRequest && operation != ArpOperation::kReply) {
    return base::Unexpected{WireError::kUnsupported};
  }
  return packet;
}

void serialize_arp(const ArpPacket& packet, base::MutableBytes to) {
  base::Writer writer(to);
  writer.u16(kEthernetHardware);
  writer.u16(static_cast<std::uint16_t>(EtherType::kIpv4));
  writer.u8(kHardwareSize);
  writer.u8(kProtocolSize);
  writer.u16(static_cast<std::uint16_t>(packet.operation));
  writer.bytes(packet.sender_mac.octets);
  writer.u32(packet.sender.value);
  writer.bytes(packet.target_mac.octets);
  writer.u32(packet.target.value);
}

}  // namespace sluice::wire
