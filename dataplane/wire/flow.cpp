#include "dataplane/wire/flow.hpp"

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kInputSize = 12;  // two addresses and two ports
constexpr std::size_t kNibbles = kInputSize * 2;

// The 32 bits of the key that begin at a bit.
constexpr std::uint32_t key_window(std::size_t bit) {
  std::uint64_t window = 0;
  for (std::size_t i = 0; i < 5; ++i) window = (window << 8) | kRssKey[bit / 8 + i];
  return static_cast<std::uint32_t>(window >> (8 - bit % 8));
}

// What each value of each of the input's nibbles adds to the hash: 1.5 KB, and 24 look-ups instead
// of 96 conditional additions.
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

FrameSteering classify_tcp(const Ipv4Header& ip, base::Bytes segment) {
  if (segment.size() < 4) return {};
  constexpr std::size_t kFlagsOffset = 13;
  constexpr auto kSynAck = std::byte{0x12};
  const bool answers_open =
      segment.size() > kFlagsOffset && (segment[kFlagsOffset] & kSynAck) == kSynAck;
  return {.to = FrameSteering::To::kFlowOwner,
          .flow = {.local = ip.destination,
                   .remote = ip.source,
                   .local_port = base::load_be<std::uint16_t>(segment.data() + 2),
                   .remote_port = base::load_be<std::uint16_t>(segment.data())},
          .answers_open = answers_open};
}

// The quoted segment is one that this host sent.
FrameSteering classify_icmp(base::Bytes message) {
  if (message.size() < kIcmpHeaderSize) return {};
  const IcmpType type{std::to_integer<std::uint8_t>(message[0])};
  if (type != IcmpType::kDestinationUnreachable) return {};
  const auto quoted = parse_quoted_segment(message.subspan(kIcmpHeaderSize));
  if (!quoted) return {};
  return {.to = FrameSteering::To::kFlowOwner,
          .flow = {.local = quoted->source,
                   .remote = quoted->destination,
                   .local_port = quoted->source_port,
                   .remote_port = quoted->destination_port}};
}

}  // namespace

std::optional<FlowKey> flow_of(const base::FourTuple& connection) {
  if (!connection.local.address.is_ipv4() || !connection.remote.address.is_ipv4()) {
    return std::nullopt;
  }
  return FlowKey{.local = connection.local.address.ipv4(),
                 .remote = connection.remote.address.ipv4(),
                 .local_port = connection.local.port,
                 .remote_port = connection.remote.port};
}

FrameSteering classify_frame(base::Bytes frame) {
  const auto ethernet = parse_ethernet(frame);
  if (!ethernet) return {};
  if (ethernet->type == EtherType::kArp) {
    return {.to = FrameSteering::To::kEveryWorker, .flow = {}};
  }
  if (ethernet->type != EtherType::kIpv4) return {};

  const base::Bytes packet = frame.subspan(ethernet->size());
  const auto ip = parse_quoted_ipv4(packet);
  if (!ip || ip->header.is_fragment()) return {};
  const base::Bytes payload = packet.subspan(ip->size);
  if (ip->header.protocol == IpProtocol::kTcp) return classify_tcp(ip->header, payload);
  if (ip->header.protocol == IpProtocol::kIcmp) return classify_icmp(payload);
  return {};
}

std::uint32_t flow_hash(const FlowKey& flow) {
  const std::uint32_t ports = (std::uint32_t{flow.remote_port} << 16) | flow.local_port;
  return contribution(0, flow.remote.value) ^ contribution(8, flow.local.value) ^
         contribution(16, ports);
}

}  // namespace sluice::wire
