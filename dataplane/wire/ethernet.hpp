// The Ethernet header (IEEE 802.3, DIX framing) with at most one VLAN tag (IEEE 802.1Q).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/error.hpp"

namespace sluice::wire {

enum class EtherType : std::uint16_t {
  kIpv4 = 0x0800,
  kArp = 0x0806,
  kVlan = 0x8100,
  kIpv6 = 0x86dd,
};

struct VlanTag {
  std::uint16_t id = 0;       // 12 bits; 0 marks priority without a VLAN
  std::uint8_t priority = 0;  // 3 bits
  bool drop_eligible = false;
  bool operator==(const VlanTag&) const = default;
};

struct EthernetHeader {
  static constexpr std::size_t kSize = 14;  // untagged
  static constexpr std::size_t kTagSize = 4;

  base::MacAddress destination;
  base::MacAddress source;
  EtherType type{};  // of the payload, behind the tag
  std::optional<VlanTag> vlan;
  bool operator==(const EthernetHeader&) const = default;

  [[nodiscard]] std::size_t size() const { return vlan ? kSize + kTagSize : kSize; }
};

// A second tag is left in `type` as kVlan, which nobody speaks.
[[nodiscard]] base::Result<EthernetHeader, WireError> parse_ethernet(base::Bytes frame);

// Precondition: to.size() == header.size().
void serialize_ethernet(const EthernetHeader& header, base::MutableBytes to);

}  // namespace sluice::wire
