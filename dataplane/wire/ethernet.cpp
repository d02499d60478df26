#include "dataplane/wire/ethernet.hpp"

#include <cstring>

namespace sluice::wire {
namespace {

base::MacAddress load_mac(const std::byte* from) {
  base::MacAddress mac;
  std::memcpy(mac.octets.data(), from, mac.octets.size());
  return mac;
}

}  // namespace

base::Result<EthernetHeader, WireError> parse_ethernet(base::Bytes frame) {
  if (frame.size() < EthernetHeader::kSize) return base::Unexpected{WireError::kTruncated};
  const std::byte* at = frame.data();
  EthernetHeader header{.destination = load_mac(at),
                        .source = load_mac(at + 6),
                        .type = EtherType{base::load_be<std::uint16_t>(at + 12)},
                        .vlan = std::nullopt};
  if (header.type != EtherType::kVlan) return header;

  if (frame.size() < EthernetHeader::kSize + EthernetHeader::kTagSize) {
    return base::Unexpected{WireError::kTruncated};
  }
  const auto control = base::load_be<std::uint16_t>(at + 14);
  header.vlan = VlanTag{.id = static_cast<std::uint16_t>(control & 0x0fff),
                        .priority = static_cast<std::uint8_t>(control >> 13),
                        .drop_eligible = (control & 0x1000) != 0};
  header.type = EtherType{base::load_be<std::uint16_t>(at + 16)};
  return header;
}

void serialize_ethernet(const EthernetHeader& header, base::MutableBytes to) {
  std::byte* at = to.data();
  std::memcpy(at, header.destination.octets.data(), header.destination.octets.size());
  std::memcpy(at + 6, header.source.octets.data(), header.source.octets.size());
  at += 12;
  if (header.vlan) {
    base::store_be(at, static_cast<std::uint16_t>(EtherType::kVlan));
    base::store_be(at + 2, static_cast<std::uint16_t>((header.vlan->priority << 13) |
                                                      (header.vlan->drop_eligible ? 0x1000 : 0) |
                                                      (header.vlan->id & 0x0fff)));
    at += EthernetHeader::kTagSize;
  }
  base::store_be(at, static_cast<std::uint16_t>(header.type));
}

}  // namespace sluice::wire
