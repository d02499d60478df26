// Address resolution for IPv4 over Ethernet (RFC 826).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/error.hpp"

namespace sluice::wire {

enum class ArpOperation : std::uint16_t { kRequest = 1, kReply = 2 };

struct ArpPacket {
  static constexpr std::size_t kSize = 28;

  ArpOperation operation = ArpOperation::kRequest;
  base::MacAddress sender_mac;
  base::Ipv4Address sender;
  base::MacAddress target_mac;  // meaningless in a request
  base::Ipv4Address target;
  bool operator==(const ArpPacket&) const = default;
};

// `payload` is the Ethernet payload, padding included. Other hardware or protocol types are
// kBadVersion, operations other than the two kUnsupported.
[[nodiscard]] base::Result<ArpPacket, WireError> parse_arp(base::Bytes payload);

// Precondition: to.size() == ArpPacket::kSize.
void serialize_arp(const ArpPacket& packet, base::MutableBytes to);

}  // namespace sluice::wire
