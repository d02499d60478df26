#include "dataplane/wire/plain_packet.hpp"

#include <cstring>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kIpOffset = EthernetHeader::kSize;

// What lies where in the IP packet.
struct Layout {
  std::size_t header;  // bytes
  std::size_t total;
};

// A total size of zero where it is not plain.
Layout read_ipv4(const std::byte* ip, PlainPacket& packet) {
  constexpr std::uint16_t kFragment = 0x3fff;  // more fragments, or an offset
  constexpr auto kVersionAndSize = std::byte{0x45};
  const bool plain = ip[0] == kVersionAndSize &&
                     (base::load_be<std::uint16_t>(ip + 6) & kFragment) == 0 &&
                     ip[9] == static_cast<std::byte>(IpProtocol::kTcp);
  if (!plain) return {};
  packet.traffic_class = std::to_integer<std::uint8_t>(ip[1]);
  packet.flow.remote.address = base::Ipv4Address{base::load_be<std::uint32_t>(ip + 12)};
  packet.flow.local.address = base::Ipv4Address{base::load_be<std::uint32_t>(ip + 16)};
  return {.header = Ipv4Header::kMinSize, .total = base::load_be<std::uint16_t>(ip + 2)};
}

Layout read_ipv6(const std::byte* ip, PlainPacket& packet) {
  const bool plain = std::to_integer<unsigned>(ip[0]) >> 4 == 6 &&
                     ip[6] == static_cast<std::byte>(IpProtocol::kTcp);
  if (!plain) return {};
  packet.traffic_class = static_cast<std::uint8_t>(base::load_be<std::uint16_t>(ip) >> 4);
  base::Ipv6Address address;
  std::memcpy(address.octets.data(), ip + 8, address.octets.size());
  packet.flow.remote.address = address;
  std::memcpy(address.octets.data(), ip + 24, address.octets.size());
  packet.flow.local.address = address;
  // An address of IPv4's in disguise would find IPv4's flows.
  if (packet.flow.remote.address.is_ipv4() || packet.flow.local.address.is_ipv4()) return {};
  return {.header = Ipv6Header::kSize,
          .total = Ipv6Header::kSize + base::load_be<std::uint16_t>(ip + 4)};
}

}  // namespace

bool read_plain_packet(base::Bytes frame, const base::MacAddress& to, PlainPacket& packet) {
  constexpr std::size_t kShortest = kIpOffset + Ipv4Header::kMinSize + TcpHeader::kMinSize;
  constexpr std::size_t kShortestIpv6 = kIpOffset + Ipv6Header::kSize + TcpHeader::kMinSize;
  const std::byte* at = frame.data();
  if (frame.size() < kShortest || std::memcmp(at, to.octets.data(), to.octets.size()) != 0) {
    return false;
  }
  const auto type = EtherType{base::load_be<std::uint16_t>(at + 12)};
  Layout layout{};
  if (type == EtherType::kIpv4) {
    layout = read_ipv4(at + kIpOffset, packet);
  } else if (type == EtherType::kIpv6 && frame.size() >= kShortestIpv6) {
    layout = read_ipv6(at + kIpOffset, packet);
  }
  if (layout.total < layout.header + TcpHeader::kMinSize ||
      layout.total > frame.size() - kIpOffset) {
    return false;
  }
  packet.segment_offset = static_cast<std::uint16_t>(kIpOffset + layout.header);
  packet.segment_size = static_cast<std::uint16_t>(layout.total - layout.header);
  const std::byte* tcp = at + packet.segment_offset;
  packet.flow.remote.port = base::load_be<std::uint16_t>(tcp);
  packet.flow.local.port = base::load_be<std::uint16_t>(tcp + 2);
  return true;
}

bool verify_plain_checksums(base::Bytes frame, const PlainPacket& packet) {
  const base::IpAddress& source = packet.flow.remote.address;
  if (source.is_ipv4() && internet_checksum(frame.subspan(kIpOffset, Ipv4Header::kMinSize)) != 0) {
    return false;
  }
  InternetSum sum =
      pseudo_header_sum(source, packet.flow.local.address, IpProtocol::kTcp, packet.segment_size);
  sum.add(frame.subspan(packet.segment_offset, packet.segment_size));
  return sum.checksum() == 0;
}

}  // namespace sluice::wire
