#include "dataplane/wire/neighbour_discovery.hpp"

#include "base/cursor.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::wire {
namespace {

using Outcome = base::Result<DiscoveryMessage, DiscoveryError>;

enum class OptionType : std::uint8_t {
  kSourceLinkLayerAddress = 1,
  kTargetLinkLayerAddress = 2,
  kMtu = 5,
  kNonce = 14,
};

constexpr std::size_t kOptionUnit = 8;  // of an option's length; each of ours has one
constexpr std::size_t kTypeAndLength = 2;
constexpr std::size_t kFixedSize = 8;  // type, code, checksum, and four bytes of the message's own
constexpr std::size_t kTargetSize = 16;
constexpr std::size_t kRouterTimersSize = 8;

constexpr std::uint32_t kRouterFlag = 0x80000000;
constexpr std::uint32_t kSolicitedFlag = 0x40000000;
constexpr std::uint32_t kOverrideFlag = 0x20000000;
constexpr std::uint8_t kManagedFlag = 0x80;
constexpr std::uint8_t kOtherFlag = 0x40;

// What of them a message may carry.
struct Wanted {
  bool source_mac = false;
  bool target_mac = false;
  bool mtu = false;
  bool nonce = false;
};

struct Options {
  std::optional<base::MacAddress> source_mac;
  std::optional<base::MacAddress> target_mac;
  std::optional<std::uint32_t> mtu;
  std::optional<DiscoveryNonce> nonce;
};

base::Ipv6Address read_address(base::Reader& reader) {
  base::Ipv6Address address;
  base::copy(address.octets, reader.bytes(address.octets.size()));
  return address;
}

// RFC 2464 6. An address of a group belongs to no node; believing it would turn what we send to one
// neighbour into what all receive. False when the option is not what it should be; the first of
// several counts.
bool read_mac(base::Reader content, std::optional<base::MacAddress>& to) {
  base::MacAddress mac;
  base::copy(mac.octets, content.bytes(mac.octets.size()));
  if (!content.finished() || mac.is_multicast()) return false;
  if (!to) to = mac;
  return true;
}

// RFC 4861 4.6.4, 6.3.4.
bool read_mtu(base::Reader content, std::optional<std::uint32_t>& to) {
  content.skip(2);  // reserved
  const std::uint32_t mtu = content.u32();
  if (!content.finished()) return false;
  if (!to && mtu >= kIpv6MinMtu) to = mtu;
  return true;
}

// RFC 3971 5.3.2: others may have longer ones, which are none of ours.
void read_nonce(base::Reader content, std::optional<DiscoveryNonce>& to) {
  DiscoveryNonce nonce;
  base::copy(nonce, content.bytes(nonce.size()));
  if (content.finished() && !to) to = nonce;
}

// RFC 4861 6.1 and 7.1: a message with an option of length zero MUST be discarded; the contents of
// options that are not known, or have no place in the message, MUST be ignored. Each turn consumes
// at least eight bytes.
base::Result<Options, DiscoveryError> parse_options(base::Reader reader, const Wanted& wanted) {
  Options options;
  while (!reader.empty()) {
    const OptionType type{reader.u8()};
    const std::size_t size = reader.u8() * kOptionUnit;
    if (!reader.ok() || size == 0) return base::Unexpected{DiscoveryError::kBadOption};
    const base::Reader content(reader.bytes(size - kTypeAndLength));
    if (!reader.ok()) return base::Unexpected{DiscoveryError::kBadOption};
    bool good = true;
    switch (type) {
      case OptionType::kSourceLinkLayerAddress:
        good = !wanted.source_mac || read_mac(content, options.source_mac);
        break;
      case OptionType::kTargetLinkLayerAddress:
        good = !wanted.target_mac || read_mac(content, options.target_mac);
        break;
      case OptionType::kMtu:
        good = !wanted.mtu || read_mtu(content, options.mtu);
        break;
      case OptionType::kNonce:
        if (wanted.nonce) read_nonce(content, options.nonce);
        break;
    }
    if (!good) return base::Unexpected{DiscoveryError::kBadOption};
  }
  return options;
}

// RFC 4861 7.1.1.
Outcome parse_neighbour_solicitation(const Ipv6Header& ip, base::Reader reader) {
  reader.skip(4);  // reserved
  const base::Ipv6Address target = read_address(reader);
  if (!reader.ok()) return base::Unexpected{DiscoveryError::kTruncated};
  if (is_multicast(target)) return base::Unexpected{DiscoveryError::kBadTarget};
  TRY_ASSIGN(const Options options, parse_options(reader, {.source_mac = true, .nonce = true}));
  if (is_unspecified(ip.source)) {
    if (!is_solicited_node_multicast(ip.destination)) {
      return base::Unexpected{DiscoveryError::kBadAddresses};
    }
    if (options.source_mac) return base::Unexpected{DiscoveryError::kBadOption};
  }
  return DiscoveryMessage(NeighbourSolicitation{
      .target = target, .source_mac = options.source_mac, .nonce = options.nonce});
}

// RFC 4861 7.1.2.
Outcome parse_neighbour_advertisement(const Ipv6Header& ip, base::Reader reader) {
  const std::uint32_t flags = reader.u32();
  const base::Ipv6Address target = read_address(reader);
  if (!reader.ok()) return base::Unexpected{DiscoveryError::kTruncated};
  if (is_multicast(target)) return base::Unexpected{DiscoveryError::kBadTarget};
  if (is_multicast(ip.destination) && (flags & kSolicitedFlag) != 0) {
    return base::Unexpected{DiscoveryError::kBadAddresses};
  }
  TRY_ASSIGN(const Options options, parse_options(reader, {.target_mac = true}));
  return DiscoveryMessage(NeighbourAdvertisement{.target = target,
                                                 .target_mac = options.target_mac,
                                                 .router = (flags & kRouterFlag) != 0,
                                                 .solicited = (flags & kSolicitedFlag) != 0,
                                                 .overrides = (flags & kOverrideFlag) != 0});
}

// RFC 4861 6.1.1.
Outcome parse_router_solicitation(const Ipv6Header& ip, base::Reader reader) {
  reader.skip(4);  // reserved
  TRY_ASSIGN(const Options options, parse_options(reader, {.source_mac = true}));
  if (is_unspecified(ip.source) && options.source_mac) {
    return base::Unexpected{DiscoveryError::kBadOption};
  }
  return DiscoveryMessage(RouterSolicitation{.source_mac = options.source_mac});
}

// RFC 4861 6.1.2.
Outcome parse_router_advertisement(const Ipv6Header& ip, base::Reader reader) {
  if (!is_link_local(ip.source)) return base::Unexpected{DiscoveryError::kBadAddresses};
  RouterAdvertisement advertisement;
  advertisement.hop_limit = reader.u8();
  const std::uint8_t flags = reader.u8();
  advertisement.managed_addresses = (flags & kManagedFlag) != 0;
  advertisement.other_configuration = (flags & kOtherFlag) != 0;
  advertisement.lifetime_seconds = reader.u16();
  advertisement.reachable_time_ms = reader.u32();
  advertisement.retransmit_timer_ms = reader.u32();
  if (!reader.ok()) return base::Unexpected{DiscoveryError::kTruncated};
  TRY_ASSIGN(const Options options, parse_options(reader, {.source_mac = true, .mtu = true}));
  advertisement.source_mac = options.source_mac;
  advertisement.mtu = options.mtu;
  return DiscoveryMessage(advertisement);
}

void write_mac(OptionType type, const std::optional<base::MacAddress>& mac, base::Writer& writer) {
  if (!mac) return;
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(1);
  writer.bytes(mac->octets);
}

void write_front(Icmpv6Type type, base::Writer& writer) {
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(0);   // code
  writer.u16(0);  // checksum
}

void write(const NeighbourSolicitation& solicitation, base::Writer& writer) {
  write_front(Icmpv6Type::kNeighbourSolicitation, writer);
  writer.u32(0);  // reserved
  writer.bytes(solicitation.target.octets);
  write_mac(OptionType::kSourceLinkLayerAddress, solicitation.source_mac, writer);
  if (!solicitation.nonce) return;
  writer.u8(static_cast<std::uint8_t>(OptionType::kNonce));
  writer.u8(1);
  writer.bytes(*solicitation.nonce);
}

void write(const NeighbourAdvertisement& advertisement, base::Writer& writer) {
  write_front(Icmpv6Type::kNeighbourAdvertisement, writer);
  writer.u32((advertisement.router ? kRouterFlag : 0) |
             (advertisement.solicited ? kSolicitedFlag : 0) |
             (advertisement.overrides ? kOverrideFlag : 0));
  writer.bytes(advertisement.target.octets);
  write_mac(OptionType::kTargetLinkLayerAddress, advertisement.target_mac, writer);
}

void write(const RouterSolicitation& solicitation, base::Writer& writer) {
  write_front(Icmpv6Type::kRouterSolicitation, writer);
  writer.u32(0);  // reserved
  write_mac(OptionType::kSourceLinkLayerAddress, solicitation.source_mac, writer);
}

void write(const RouterAdvertisement& advertisement, base::Writer& writer) {
  write_front(Icmpv6Type::kRouterAdvertisement, writer);
  writer.u8(advertisement.hop_limit);
  writer.u8(static_cast<std::uint8_t>((advertisement.managed_addresses ? kManagedFlag : 0) |
                                      (advertisement.other_configuration ? kOtherFlag : 0)));
  writer.u16(advertisement.lifetime_seconds);
  writer.u32(advertisement.reachable_time_ms);
  writer.u32(advertisement.retransmit_timer_ms);
  write_mac(OptionType::kSourceLinkLayerAddress, advertisement.source_mac, writer);
  if (!advertisement.mtu) return;
  writer.u8(static_cast<std::uint8_t>(OptionType::kMtu));
  writer.u8(1);
  writer.u16(0);  // reserved
  writer.u32(*advertisement.mtu);
}

std::size_t size_of(const NeighbourSolicitation& solicitation) {
  return kFixedSize + kTargetSize + (solicitation.source_mac ? kOptionUnit : 0) +
         (solicitation.nonce ? kOptionUnit : 0);
}

std::size_t size_of(const NeighbourAdvertisement& advertisement) {
  return kFixedSize + kTargetSize + (advertisement.target_mac ? kOptionUnit : 0);
}

std::size_t size_of(const RouterSolicitation& solicitation) {
  return kFixedSize + (solicitation.source_mac ? kOptionUnit : 0);
}

std::size_t size_of(const RouterAdvertisement& advertisement) {
  return kFixedSize + kRouterTimersSize + (advertisement.source_mac ? kOptionUnit : 0) +
         (advertisement.mtu ? kOptionUnit : 0);
}

}  // namespace

base::Result<DiscoveryMessage, DiscoveryError> parse_discovery(
    const Ipv6Header& ip, const std::optional<Ipv6Fragment>& fragment, base::Bytes message) {
  if (ip.hop_limit != kDiscoveryHopLimit) return base::Unexpected{DiscoveryError::kHopLimit};
  if (fragment) return base::Unexpected{DiscoveryError::kFragmented};
  if (message.size() < kFixedSize) return base::Unexpected{DiscoveryError::kTruncated};
  base::Reader reader(message);
  const Icmpv6Type type{reader.u8()};
  const std::uint8_t code = reader.u8();
  reader.skip(2);  // checksum
  if (code != 0) return base::Unexpected{DiscoveryError::kBadCode};
  switch (type) {
    case Icmpv6Type::kNeighbourSolicitation:
      return parse_neighbour_solicitation(ip, reader);
    case Icmpv6Type::kNeighbourAdvertisement:
      return parse_neighbour_advertisement(ip, reader);
    case Icmpv6Type::kRouterSolicitation:
      return parse_router_solicitation(ip, reader);
    case Icmpv6Type::kRouterAdvertisement:
      return parse_router_advertisement(ip, reader);
    default:
      return base::Unexpected{DiscoveryError::kUnsupported};
  }
}

std::size_t discovery_size(const DiscoveryMessage& message) {
  return std::visit([](const auto& m) { return size_of(m); }, message);
}

void serialize_discovery(const DiscoveryMessage& message, const Ipv6Header& ip,
                         base::MutableBytes to) {
  base::Writer writer(to);
  std::visit([&](const auto& m) { write(m, writer); }, message);
  base::store_be(to.data() + kIcmpv6ChecksumOffset, icmpv6_checksum(ip, to));
}

}  // namespace sluice::wire
