#include "tests/packetdrill/host.hpp"

#include <charconv>
#include <span>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::packetdrill {
namespace {

using base::Duration;
using base::Packet;
using base::PacketPtr;

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}
constexpr auto kGatewayMac = mac(1);
constexpr auto kOurMac = mac(2);

constexpr std::size_t kSmallRoom = 2048;  // of a MemoryPacketPool's packets
constexpr std::size_t kLargestPacket = 65'535;
constexpr std::size_t kLargePackets = 64;

net::StackSettings stack_settings() {
  net::StackSettings settings;
  settings.tcp.max_connections = 1024;
  settings.tcp.max_half_open = 256;
  settings.tcp.max_time_wait = 1024;
  // The scripts' configuration of Linux: at most 15 MiB of payload, which is half of what a buffer
  // counts and makes a window scale of 8, and 4 MiB to send.
  settings.tcp.receive_buffer = std::size_t{30} << 20;
  settings.tcp.initial_receive_buffer = settings.tcp.receive_buffer;
  settings.tcp.send_buffer = std::size_t{4} << 20;
  settings.tcp.initial_send_buffer = settings.tcp.send_buffer;
  return settings;
}

}  // namespace

std::optional<HostSettings> HostSettings::parse(std::string_view flags) {
  HostSettings settings;
  while (!flags.empty()) {
    const std::string_view flag = flags.substr(0, flags.find(','));
    flags.remove_prefix(std::min(flags.size(), flag.size() + 1));
    const std::size_t sign = flag.find('=');
    if (sign == std::string_view::npos) return std::nullopt;
    const std::string_view name = flag.substr(0, sign);
    const std::string_view value = flag.substr(sign + 1);
    if (name == "address") {
      const auto address = base::AddressPrefix::parse(value);
      if (!address || !address->address.is_ipv4()) return std::nullopt;
      settings.address = *address;
    } else if (name == "gateway") {
      const auto gateway = base::Ipv4Address::parse(value);
      if (!gateway) return std::nullopt;
      settings.gateway = *gateway;
    } else if (name == "mtu") {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), settings.mtu);
      const bool whole = error == std::errc{} && end == value.data() + value.size();
      if (!whole || settings.mtu < 576 || settings.mtu > 1500) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return settings;
}

Host::Host(const HostSettings& settings)
    : settings_(settings),
      large_receive_pool_(kLargePackets, kLargestPacket + wire::EthernetHeader::kSize),
      stack_(stack_settings(), send_pool_, now_) {
  interface_ = stack_.add_interface({.mac = kOurMac,
                                     .addresses = {settings.address},
                                     .gateway = settings.gateway,
                                     .mtu = settings.mtu});
  flush();
}

void Host::advance(base::Instant now) {
  now_ = now;
  stack_.advance(now);
  flush();
}

bool Host::deliver(base::Bytes ip_packet) {
  if (ip_packet.size() > kLargestPacket) return false;
  const bool small = ip_packet.size() + wire::EthernetHeader::kSize <= kSmallRoom;
  PacketPtr frame((small ? receive_pool_ : large_receive_pool_).allocate());
  if (!frame) return false;
  wire::serialize_ethernet({.destination = kOurMac,
                            .source = kGatewayMac,
                            .type = wire::EtherType::kIpv4,
                            .vlan = std::nullopt},
                           frame->append(wire::EthernetHeader::kSize));
  base::copy(frame->append(ip_packet.size()), ip_packet);
  receive_frame(std::move(frame));
  stack_.advance(now_);
  return true;
}

void Host::receive_frame(PacketPtr frame) {
  Packet* burst = frame.release();
  stack_.receive(now_, interface_, std::span(&burst, 1));
}

void Host::flush() {
  stack_.flush(now_);
  while (const PacketPtr frame = stack_.outgoing(interface_).pop_front()) {
    const auto header = wire::parse_ethernet(frame->bytes());
    if (!header) continue;
    frame->trim_front(header->size());
    if (header->type == wire::EtherType::kArp) {
      answer_arp(frame->bytes());
    } else {
      sent_.push_back({.bytes = {frame->bytes().begin(), frame->bytes().end()}, .at = now_});
    }
  }
}

// The gateway is there for whatever address is asked for, except for our own announcements.
void Host::answer_arp(base::Bytes payload) {
  const auto request = wire::parse_arp(payload);
  if (!request || request->operation != wire::ArpOperation::kRequest) return;
  if (request->target == request->sender || request->target == address().ipv4()) return;
  PacketPtr frame(receive_pool_.allocate());
  if (!frame) return;
  wire::serialize_ethernet({.destination = kOurMac,
                            .source = kGatewayMac,
                            .type = wire::EtherType::kArp,
                            .vlan = std::nullopt},
                           frame->append(wire::EthernetHeader::kSize));
  wire::serialize_arp({.operation = wire::ArpOperation::kReply,
                       .sender_mac = kGatewayMac,
                       .sender = request->target,
                       .target_mac = kOurMac,
                       .target = request->sender},
                      frame->append(wire::ArpPacket::kSize));
  receive_frame(std::move(frame));
}

std::optional<Host::SentPacket> Host::take_sent() {
  if (sent_.empty()) return std::nullopt;
  SentPacket packet = std::move(sent_.front());
  sent_.pop_front();
  return packet;
}

}  // namespace sluice::packetdrill
