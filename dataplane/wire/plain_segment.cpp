#include "dataplane/wire/plain_segment.hpp"

#include <cstring>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kIpOffset = EthernetHeader::kSize;
constexpr std::uint32_t kAlignedTimestamps = 0x0101080a;

constexpr std::uint8_t kAck = 0x10;
constexpr std::uint8_t kPsh = 0x08;

// What lies where in the IP packet.
struct Layout {
  std::size_t header;  // bytes
  std::size_t total;
};

// A total size of zero where it is not plain.
Layout read_ipv4(const std::byte* ip, PlainSegment& segment) {
  constexpr std::uint16_t kFragment = 0x3fff;  // more fragments, or an offset
  constexpr auto kVersionAndSize = std::byte{0x45};
  const bool plain = ip[0] == kVersionAndSize &&
                     (base::load_be<std::uint16_t>(ip + 6) & kFragment) == 0 &&
                     ip[9] == static_cast<std::byte>(IpProtocol::kTcp);
  if (!plain) return {};
  segment.traffic_class = std::to_integer<std::uint8_t>(ip[1]);
  segment.flow.remote.address = base::Ipv4Address{base::load_be<std::uint32_t>(ip + 12)};
  segment.flow.local.address = base::Ipv4Address{base::load_be<std::uint32_t>(ip + 16)};
  return {.header = Ipv4Header::kMinSize, .total = base::load_be<std::uint16_t>(ip + 2)};
}

Layout read_ipv6(const std::byte* ip, PlainSegment& segment) {
  const bool plain = std::to_integer<unsigned>(ip[0]) >> 4 == 6 &&
                     ip[6] == static_cast<std::byte>(IpProtocol::kTcp);
  if (!plain) return {};
  segment.traffic_class = static_cast<std::uint8_t>(base::load_be<std::uint16_t>(ip) >> 4);
  base::Ipv6Address address;
  std::memcpy(address.octets.data(), ip + 8, address.octets.size());
  segment.flow.remote.address = address;
  std::memcpy(address.octets.data(), ip + 24, address.octets.size());
  segment.flow.local.address = address;
  // An address of IPv4's in disguise would find IPv4's flows.
  if (segment.flow.remote.address.is_ipv4() || segment.flow.local.address.is_ipv4()) return {};
  return {.header = Ipv6Header::kSize,
          .total = Ipv6Header::kSize + base::load_be<std::uint16_t>(ip + 4)};
}

bool read_tcp(const std::byte* tcp, std::size_t size, PlainSegment& segment) {
  const std::size_t header = std::to_integer<std::size_t>(tcp[12] >> 4) * 4;
  const auto flags = std::to_integer<std::uint8_t>(tcp[13]);
  if ((flags & ~kPsh) != kAck || header > size) return false;
  segment.has_timestamps = header == TcpHeader::kMinSize + kPlainTimestampsSize;
  if (segment.has_timestamps) {
    const std::byte* options = tcp + TcpHeader::kMinSize;
    if (base::load_be<std::uint32_t>(options) != kAlignedTimestamps) return false;
    segment.timestamps = {.value = base::load_be<std::uint32_t>(options + 4),
                          .echo = base::load_be<std::uint32_t>(options + 8)};
  } else if (header != TcpHeader::kMinSize) {
    return false;
  }
  segment.flow.remote.port = base::load_be<std::uint16_t>(tcp);
  segment.flow.local.port = base::load_be<std::uint16_t>(tcp + 2);
  segment.sequence = SeqNumber(base::load_be<std::uint32_t>(tcp + 4));
  segment.acknowledgement = SeqNumber(base::load_be<std::uint32_t>(tcp + 8));
  segment.window = base::load_be<std::uint16_t>(tcp + 14);
  segment.push = (flags & kPsh) != 0;
  segment.text_offset = static_cast<std::uint16_t>(segment.segment_offset + header);
  segment.text_size = static_cast<std::uint16_t>(size - header);
  return true;
}

}  // namespace

bool read_plain_segment(base::Bytes frame, const base::MacAddress& to, PlainSegment& segment) {
  constexpr std::size_t kShortest = kIpOffset + Ipv4Header::kMinSize + TcpHeader::kMinSize;
  constexpr std::size_t kShortestIpv6 = kIpOffset + Ipv6Header::kSize + TcpHeader::kMinSize;
  const std::byte* at = frame.data();
  if (frame.size() < kShortest || std::memcmp(at, to.octets.data(), to.octets.size()) != 0) {
    return false;
  }
  const auto type = EtherType{base::load_be<std::uint16_t>(at + 12)};
  Layout layout{};
  if (type == EtherType::kIpv4) {
    layout = read_ipv4(at + kIpOffset, segment);
  } else if (type == EtherType::kIpv6 && frame.size() >= kShortestIpv6) {
    layout = read_ipv6(at + kIpOffset, segment);
  }
  if (layout.total < layout.header + TcpHeader::kMinSize ||
      layout.total > frame.size() - kIpOffset) {
    return false;
  }
  segment.segment_offset = static_cast<std::uint16_t>(kIpOffset + layout.header);
  return read_tcp(at + segment.segment_offset, layout.total - layout.header, segment);
}

bool verify_plain_checksums(base::Bytes frame, const PlainSegment& segment) {
  const base::IpAddress& source = segment.flow.remote.address;
  if (source.is_ipv4() && internet_checksum(frame.subspan(kIpOffset, Ipv4Header::kMinSize)) != 0) {
    return false;
  }
  const std::size_t size =
      std::size_t{segment.text_offset} - segment.segment_offset + segment.text_size;
  InternetSum sum = pseudo_header_sum(source, segment.flow.local.address, IpProtocol::kTcp, size);
  sum.add(frame.subspan(segment.segment_offset, size));
  return sum.checksum() == 0;
}

void write_plain_tcp(const PlainTcpHeader& header, base::MutableBytes to) {
  std::byte* at = to.data();
  base::store_be(at, header.source_port);
  base::store_be(at + 2, header.destination_port);
  base::store_be(at + 4, header.sequence.value());
  base::store_be(at + 8, header.acknowledgement.value());
  at[12] = static_cast<std::byte>(header.size() / 4 << 4);
  at[13] = static_cast<std::byte>(header.flags);
  base::store_be(at + 14, header.window);
  base::store_be(at + 16, std::uint32_t{0});  // checksum and urgent pointer
  if (!header.has_timestamps) return;
  base::store_be(at + 20, kAlignedTimestamps);
  base::store_be(at + 24, header.timestamps.value);
  base::store_be(at + 28, header.timestamps.echo);
}

}  // namespace sluice::wire
