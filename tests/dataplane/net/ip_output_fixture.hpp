// IP output of either family on interfaces that a test adds, and what tells the families apart.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/ipv4_output.hpp"
#include "dataplane/net/ipv6_output.hpp"
#include "tests/support/frames.hpp"

namespace sluice::net {

// What users may set of a packet.
struct UsersFields {
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;
  bool operator==(const UsersFields&) const = default;
};

struct Ipv4Family {
  using Output = Ipv4Output;
  static constexpr std::size_t kHeaderSize = 20;
  static constexpr NetCounter kNoRoute = NetCounter::kIpv4NoRoute;
  static constexpr NetCounter kIllegalDestination = NetCounter::kIpv4IllegalDestination;
  static constexpr NetCounter kTooBig = NetCounter::kIpv4TooBig;
  static constexpr NetCounter kNoHeadroom = NetCounter::kIpv4NoHeadroom;

  static constexpr std::string_view kNetwork = "198.18.0.2/24";
  static constexpr std::string_view kOurs = "198.18.0.2";
  static constexpr std::string_view kPeer = "198.18.0.7";
  static constexpr std::string_view kGateway = "198.18.0.1";
  static constexpr std::string_view kFar = "203.0.113.1";
  static constexpr std::string_view kNetworkB = "198.19.0.2/24";
  static constexpr std::string_view kOursB = "198.19.0.2";
  static constexpr std::string_view kGatewayB = "198.19.0.1";
  static constexpr std::array<std::string_view, 7> kIllegal = {
      kOurs, kOursB, "127.0.0.1", "0.0.0.0", "224.0.0.1", "198.18.0.255", "255.255.255.255"};
  static constexpr std::string_view kOtherFamilyOurs = "2001:db8::2";
  static constexpr std::string_view kOtherFamilyPeer = "2001:db8::1";

  static void set_gateway(InterfaceSettings& settings, const base::IpAddress& gateway) {
    settings.gateway = gateway;
  }
  static UsersFields users_fields(base::Bytes packet) {
    const wire::Ipv4Header header =
        wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify).value().header;
    return {.hop_limit = header.ttl, .traffic_class = header.traffic_class};
  }
};

struct Ipv6Family {
  using Output = Ipv6Output;
  static constexpr std::size_t kHeaderSize = 40;
  static constexpr NetCounter kNoRoute = NetCounter::kIpv6NoRoute;
  static constexpr NetCounter kIllegalDestination = NetCounter::kIpv6IllegalDestination;
  static constexpr NetCounter kTooBig = NetCounter::kIpv6TooBig;
  static constexpr NetCounter kNoHeadroom = NetCounter::kIpv6NoHeadroom;

  static constexpr std::string_view kNetwork = "2001:db8::2/64";
  static constexpr std::string_view kOurs = "2001:db8::2";
  static constexpr std::string_view kPeer = "2001:db8::7";
  static constexpr std::string_view kGateway = "fe80::1";
  static constexpr std::string_view kFar = "2001:db8:ffff::1";
  static constexpr std::string_view kNetworkB = "2001:db8:1::2/64";
  static constexpr std::string_view kOursB = "2001:db8:1::2";
  static constexpr std::string_view kGatewayB = "2001:db8:1::1";
  static constexpr std::array<std::string_view, 6> kIllegal = {kOurs, kOursB, "fe80::ff:fe00:2",
                                                               "::",  "::1",  "ff02::1"};
  static constexpr std::string_view kOtherFamilyOurs = "198.18.0.2";
  static constexpr std::string_view kOtherFamilyPeer = "198.18.0.1";

  static void set_gateway(InterfaceSettings& settings, const base::IpAddress& gateway) {
    settings.ipv6_gateway = gateway.ipv6();
  }
  static UsersFields users_fields(base::Bytes packet) {
    const wire::Ipv6Header header = wire::parse_ipv6(packet).value().header;
    return {.hop_limit = header.hop_limit, .traffic_class = header.traffic_class};
  }
};

inline base::IpAddress ip(std::string_view text) {
  return *base::IpAddress::parse(text);
}

template <typename Family>
class IpOutputFixture : public ::testing::Test {
 protected:
  static constexpr base::MacAddress mac(std::uint8_t last) {
    return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
  }
  // The first interface, with a gateway, and a second one without.
  static InterfaceSettings settings_a() {
    InterfaceSettings settings{
        .mac = mac(2), .addresses = {*base::AddressPrefix::parse(Family::kNetwork)}, .gateway = {}};
    Family::set_gateway(settings, ip(Family::kGateway));
    return settings;
  }
  static InterfaceSettings settings_b() {
    return {.mac = mac(3),
            .addresses = {*base::AddressPrefix::parse(Family::kNetworkB)},
            .gateway = {},
            .mtu = 1400};
  }
  static InterfaceSettings settings_b_with_gateway() {
    InterfaceSettings settings = settings_b();
    Family::set_gateway(settings, ip(Family::kGatewayB));
    return settings;
  }
  // An interface that uses its addresses and whose neighbour at `neighbour` is known.
  Interface& add(const InterfaceSettings& settings, std::string_view neighbour) {
    interfaces_.push_back(std::make_unique<Interface>(settings, hash_key_, pool_, counters_));
    Interface& interface = *interfaces_.back();
    interface.discovery().advance(now_);
    interface.discovery().advance(now_ + NeighbourDiscovery::kProbeTime);
    interface.neighbours().learn(now_, ip(neighbour), mac(9), Neighbours::Belief::kConfirmed);
    interface.link().outgoing().clear();
    return interface;
  }
  base::PacketPtr segment(std::size_t payload = 5) {
    const wire::TcpHeader header{.source_port = 443, .destination_port = 50000};
    base::PacketPtr packet(pool_.allocate());
    wire::serialize_tcp(header, packet->append(wire::tcp_header_size(header)));
    for (std::byte& b : packet->append(payload)) b = std::byte{0x5a};
    return packet;
  }
  // A header with so many packets of text behind it.
  base::PacketPtr train(std::size_t packets, std::uint16_t segment_size) {
    base::PacketPtr head = segment(0);
    for (std::size_t i = 0; i < packets; ++i) {
      base::Packet* text = pool_.allocate();
      for (std::byte& b : text->append(segment_size)) b = static_cast<std::byte>(i);
      head->extend_train(*text, segment_size);
    }
    return head;
  }
  void send(std::string_view source, std::string_view destination, std::size_t payload = 5) {
    WayOut way;
    output_.send_tcp(way, now_, ip(source), ip(destination), segment(payload));
  }
  void send_to_peer(base::PacketPtr packet) { send_to_peer(output_, std::move(packet)); }
  void send_to_peer(typename Family::Output& output, base::PacketPtr packet) {
    WayOut way;
    output.send_tcp(way, now_, ip(Family::kOurs), ip(Family::kPeer), std::move(packet));
  }

  base::Instant now_ = base::Instant::from_nanoseconds(1);
  tcp::SipKey hash_key_{std::array<std::byte, 16>{std::byte{1}}};
  base::MemoryPacketPool pool_{64};
  base::Counters<NetCounter> counters_;
  Interfaces interfaces_;
  typename Family::Output output_{interfaces_, counters_};
};

}  // namespace sluice::net
