#include "dataplane/wire/flow.hpp"

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kInputSize = 36;  // two IPv6 addresses and two ports
constexpr std::size_t kNibbles = kInputSize * 2;

// The 32 bits of the key that begin at a bit.
constexpr std::uint32_t key_window(std::size_t bit) {
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < 5; ++i) window = (window << 8) | kRssKey[bit / 8 + i];
  return static_cast<std::uint32_t>(window >> (8 - bit % 8));
}

// What each value of each of the input's nibbles adds to the hash: 4.5 KB, of which IPv4 uses the
// first third; a look-up instead of four conditional additions.
constexpr auto kContributions = [] {
  std::array<std::array<std::uint32_t, 16>, kNibbles> table{};
  for (std::size_t nibble = 0; nibble < kNibbles; ++nibble) {
    for (std::size_t value = 0; value < 16; ++value) {
      for (std::size_t bit = 0; bit < 4; ++bit) {
        if ((value & (8U >> bit)) != 0) table[nibble][value] ^= key_window(nibble * 4 + bit);
      }
    }
  }
  return table;
}();

std::uint32_t contribution(std::size_t first_nibble, std::uint32_t input) {
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    hash ^= kContributions[first_nibble + i][(input >> (28 - 4 * i)) & 0xf];
  }
  return hash;
}

std::uint32_t contribution(std::size_t first_nibble, const base::IpAddress& address) {
  if (address.is_ipv4()) return contribution(first_nibble, address.ipv4().value);
  const base::Ipv6Address v6 = address.ipv6();
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i < v6.octets.size(); i += 4) {
    hash ^= contribution(first_nibble + 2 * i, base::load_be<std::uint32_t>(v6.octets.data() + i));
  }
  return hash;
}

FrameSteering classify_tcp(const base::IpAddress& source, const base::IpAddress& destination,
                           base::Bytes segment) {
  if (segment.size() < 4) return {};
  constexpr std::size_t kFlagsOffset = 13;
  constexpr auto kSynAck = std::byte{0x12};
  const bool answers_open =
      segment.size() > kFlagsOffset && (segment[kFlagsOffset] & kSynAck) == kSynAck;
  return {.to = FrameSteering::To::kFlowOwner,
          .flow = {.local = destination,
                   .remote = source,
                   .local_port = base::load_be<std::uint16_t>(segment.data() + 2),
                   .remote_port = base::load_be<std::uint16_t>(segment.data())},
          .answers_open = answers_open};
}

// The quoted segment is one that this host sent.
FrameSteering classify_quoted(const base::Result<QuotedSegment, WireError>& quoted) {
  if (!quoted) return {};
  return {.to = FrameSteering::To::kFlowOwner,
          .flow = {.local = quoted->source,
                   .remote = quoted->destination,
                   .local_port = quoted->source_port,
                   .remote_port = quoted->destination_port},
          .answers_open = false};
}

FrameSteering classify_icmp(base::Bytes message) {
  if (message.size() < kIcmpHeaderSize) return {};
  const IcmpType type{std::to_integer<std::uint8_t>(message[0])};
  if (type != IcmpType::kDestinationUnreachable) return {};
  return classify_quoted(parse_quoted_segment(message.subspan(kIcmpHeaderSize)));
}

FrameSteering classify_icmpv6(base::Bytes message) {
  if (message.size() < kIcmpv6HeaderSize) return {};
  const Icmpv6Type type{std::to_integer<std::uint8_t>(message[0])};
  if (is_discovery(type)) return {.to = FrameSteering::To::kEveryWorker, .flow = {}};
  if (!is_error(type)) return {};
  return classify_quoted(parse_quoted_ipv6_segment(message.subspan(kIcmpv6HeaderSize)));
}

FrameSteering classify_ipv4(base::Bytes packet) {
  const auto ip = parse_quoted_ipv4(packet);
  if (!ip || ip->header.is_fragment()) return {};
  const base::Bytes payload = packet.subspan(ip->size);
  if (ip->header.protocol == IpProtocol::kTcp) {
    return classify_tcp(ip->header.source, ip->header.destination, payload);
  }
  if (ip->header.protocol == IpProtocol::kIcmp) return classify_icmp(payload);
  return {};
}

FrameSteering classify_ipv6(base::Bytes packet) {
  const auto ip = parse_quoted_ipv6(packet);
  if (!ip) return {};
  const auto upper = find_upper_layer(packet, *ip);
  if (!upper || upper->is_fragment()) return {};
  const base::Bytes payload = packet.subspan(upper->offset);
  if (upper->protocol == IpProtocol::kTcp) {
    return classify_tcp(ip->header.source, ip->header.destination, payload);
  }
  if (upper->protocol == IpProtocol::kIcmpv6) return classify_icmpv6(payload);
  return {};
}

}  // namespace

std::optional<FlowKey> flow_of(const base::FourTuple& connection) {
  const base::IpAddress& local = connection.local.address;
  const base::IpAddress& remote = connection.remote.address;
  if (local.family() != remote.family()) return std::nullopt;
  return FlowKey{.local = local,
                 .remote = remote,
                 .local_port = connection.local.port,
                 .remote_port = connection.remote.port};
}

FrameSteering classify_frame(base::Bytes frame) {
  const auto ethernet = parse_ethernet(frame);
  if (!ethernet) return {};
  const base::Bytes payload = frame.subspan(ethernet->size());
  switch (ethernet->type) {
    case EtherType::kArp:
      return {.to = FrameSteering::To::kEveryWorker, .flow = {}};
    case EtherType::kIpv4:
      return classify_ipv4(payload);
    case EtherType::kIpv6:
      return classify_ipv6(payload);
    case EtherType::kVlan:
      break;
  }
  return {};
}

std::uint32_t flow_hash(const FlowKey& flow) {
  const std::size_t address_nibbles = flow.remote.is_ipv4() ? 8 : 32;
  const std::uint32_t ports = (std::uint32_t{flow.remote_port} << 16) | flow.local_port;
  return contribution(0, flow.remote) ^ contribution(address_nibbles, flow.local) ^
         contribution(2 * address_nibbles, ports);
}

}  // namespace sluice::wire
