#include "dataplane/net/ipv4_output.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "base/memory_packet_pool.hpp"
#include "tests/support/frames.hpp"

namespace sluice::net {
namespace {

using base::IpAddress;
using base::Ipv4Address;

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}
constexpr auto kOurs = Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = Ipv4Address::of(198, 18, 0, 7);
constexpr auto kGateway = Ipv4Address::of(198, 18, 0, 1);
constexpr auto kFar = Ipv4Address::of(203, 0, 113, 1);
constexpr auto kOursB = Ipv4Address::of(198, 19, 0, 2);

class Ipv4OutputTest : public ::testing::Test {
 protected:
  InterfaceSettings settings_a() {
    return {.mac = mac(2),
            .addresses = {*base::AddressPrefix::parse("198.18.0.2/24")},
            .gateway = IpAddress(kGateway)};
  }
  InterfaceSettings settings_b() {
    return {
        .mac = mac(3), .addresses = {*base::AddressPrefix::parse("198.19.0.2/24")}, .mtu = 1400};
  }
  // An interface whose neighbour at `neighbour` is known.
  Interface& add(const InterfaceSettings& settings, Ipv4Address neighbour) {
    interfaces_.push_back(std::make_unique<Interface>(settings, hash_key_, pool_, counters_));
    Interface& interface = *interfaces_.back();
    interface.arp().receive(now_, {.operation = wire::ArpOperation::kRequest,
                                   .sender_mac = mac(9),
                                   .sender = neighbour,
                                   .target_mac = {},
                                   .target = interface.subnets().addresses().front().address});
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
  void send(Ipv4Address source, Ipv4Address destination, std::size_t payload = 5) {
    output_.send_tcp(now_, source, destination, segment(payload));
  }

  base::Instant now_;
  tcp::SipKey hash_key_{std::array<std::byte, 16>{std::byte{1}}};
  base::MemoryPacketPool pool_{64};
  base::Counters<NetCounter> counters_;
  Interfaces interfaces_;
  Ipv4Output output_{interfaces_, counters_};
};

TEST_F(Ipv4OutputTest, SegmentGetsItsHeadersAndChecksums) {
  Interface& interface = add(settings_a(), kPeer);
  send(kOurs, kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto ethernet = wire::parse_ethernet(frame->bytes());
  EXPECT_EQ(ethernet->destination, mac(9));
  EXPECT_EQ(ethernet->source, mac(2));
  const auto ip = wire::parse_ipv4(frame->bytes().subspan(14), wire::HeaderChecksum::kVerify);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header.source, kOurs);
  EXPECT_EQ(ip->header.destination, kPeer);
  EXPECT_EQ(ip->header.protocol, wire::IpProtocol::kTcp);
  EXPECT_EQ(ip->header.ttl, 64);
  EXPECT_TRUE(ip->header.dont_fragment);
  EXPECT_EQ(ip->total_size, 45U);
  auto sum = wire::pseudo_header_sum(kOurs, kPeer, wire::IpProtocol::kTcp, 25);
  sum.add(frame->bytes().subspan(34));
  EXPECT_EQ(sum.checksum(), 0);
  EXPECT_FALSE(frame->checksum.l4_wanted);
}

// RFC 9293 3.9.1.9 (MUST-48) and 3.9.2 (MUST-49).
TEST_F(Ipv4OutputTest, TimeToLiveAndDscpAreTheUsers) {
  Interface& interface = add(settings_a(), kPeer);
  Ipv4Output output(interfaces_, counters_, {.hop_limit = 17, .dscp = 46});
  output.send_tcp(now_, kOurs, kPeer, segment(5));
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto ip = wire::parse_ipv4(frame->bytes().subspan(14), wire::HeaderChecksum::kVerify);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header.ttl, 17);
  EXPECT_EQ(ip->header.traffic_class, 46 << 2);
}

TEST_F(Ipv4OutputTest, EcnFieldOfThePacketIsBesideTheUsersDscp) {
  Interface& interface = add(settings_a(), kPeer);
  base::PacketPtr packet = segment();
  packet->traffic_class = 2;
  Ipv4Output output(interfaces_, counters_, {.hop_limit = 17, .dscp = 46});
  output.send_tcp(now_, kOurs, kPeer, std::move(packet));
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto ip = wire::parse_ipv4(frame->bytes().subspan(14), wire::HeaderChecksum::kVerify);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->header.traffic_class, 46 << 2 | 2);
}

TEST_F(Ipv4OutputTest, DeviceThatComputesChecksumsGetsThePseudoHeaderSum) {
  InterfaceSettings settings = settings_a();
  settings.device_computes_checksums = true;
  Interface& interface = add(settings, kPeer);
  send(kOurs, kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto sum = wire::pseudo_header_sum(kOurs, kPeer, wire::IpProtocol::kTcp, 25);
  EXPECT_EQ(base::load_be<std::uint16_t>(frame->data() + 34 + 16), sum.folded());
  EXPECT_TRUE(frame->checksum.l4_wanted);
  EXPECT_EQ(frame->checksum.l2_size, 14);
  EXPECT_EQ(frame->checksum.l3_size, 20);
  EXPECT_TRUE(wire::parse_ipv4(frame->bytes().subspan(14), wire::HeaderChecksum::kVerify));
}

TEST_F(Ipv4OutputTest, DeviceThatComputesChecksumsKnowsOfTheVlanTag) {
  InterfaceSettings settings = settings_a();
  settings.device_computes_checksums = true;
  settings.vlan = 5;
  Interface& interface = add(settings, kPeer);
  send(kOurs, kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->checksum.l2_size, 18);
  EXPECT_TRUE(wire::parse_ipv4(frame->bytes().subspan(18), wire::HeaderChecksum::kVerify));
}

TEST_F(Ipv4OutputTest, FarDestinationGoesToTheGateway) {
  Interface& interface = add(settings_a(), kGateway);
  send(kOurs, kFar);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_ethernet(frame->bytes())->destination, mac(9));
}

TEST_F(Ipv4OutputTest, WithoutRouteNothingIsSent) {
  Interface& interface = add(settings_b(), Ipv4Address::of(198, 19, 0, 7));
  send(kOursB, kFar);
  EXPECT_TRUE(interface.link().outgoing().empty());
  EXPECT_EQ(counters_[NetCounter::kIpv4NoRoute], 1U);
  EXPECT_EQ(output_.path_mtu(IpAddress(kFar)), std::nullopt);
}

TEST_F(Ipv4OutputTest, SourceAddressChoosesTheInterface) {
  InterfaceSettings with_gateway = settings_b();
  with_gateway.gateway = IpAddress(Ipv4Address::of(198, 19, 0, 1));
  Interface& a = add(settings_a(), kGateway);
  Interface& b = add(with_gateway, Ipv4Address::of(198, 19, 0, 1));
  send(kOursB, kFar);
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(b.link().outgoing().packets(), 1U);
}

TEST_F(Ipv4OutputTest, PathMtuIsTheSmallestOfTheInterfacesThatLeadThere) {
  add(settings_a(), kPeer);
  EXPECT_EQ(output_.path_mtu(IpAddress(kFar)), 1500U);
  InterfaceSettings with_gateway = settings_b();
  with_gateway.gateway = IpAddress(Ipv4Address::of(198, 19, 0, 1));
  add(with_gateway, kPeer);
  EXPECT_EQ(output_.path_mtu(IpAddress(kFar)), 1400U);
  EXPECT_EQ(output_.path_mtu(*IpAddress::parse("2001:db8::1")), std::nullopt);
}

TEST_F(Ipv4OutputTest, AddressesOfEveryInterfaceAreLocal) {
  add(settings_a(), kPeer);
  add(settings_b(), kPeer);
  EXPECT_TRUE(output_.is_local(IpAddress(kOurs)));
  EXPECT_TRUE(output_.is_local(IpAddress(kOursB)));
  EXPECT_FALSE(output_.is_local(IpAddress(kPeer)));
  EXPECT_FALSE(output_.is_local(*IpAddress::parse("::fffe:198.18.0.2")));
}

TEST_F(Ipv4OutputTest, IllegalDestinationsAreRefused) {
  Interface& a = add(settings_a(), kPeer);
  add(settings_b(), kPeer);
  const std::array illegal = {kOurs,
                              kOursB,
                              Ipv4Address::of(127, 0, 0, 1),
                              Ipv4Address::of(0, 0, 0, 0),
                              Ipv4Address::of(224, 0, 0, 1),
                              Ipv4Address::of(198, 18, 0, 255),
                              Ipv4Address::of(255, 255, 255, 255)};
  for (const auto destination : illegal) send(kOurs, destination);
  EXPECT_EQ(counters_[NetCounter::kIpv4IllegalDestination], illegal.size());
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

// RFC 9293 3.9.1.1 (MUST-46): a connection cannot be opened to any of them.
TEST_F(Ipv4OutputTest, NoRouteLeadsToIllegalDestinations) {
  add(settings_a(), kPeer);
  for (const auto destination : {kOurs, Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(0, 0, 0, 0),
                                 Ipv4Address::of(224, 0, 0, 1), Ipv4Address::of(198, 18, 0, 255),
                                 Ipv4Address::of(255, 255, 255, 255)}) {
    EXPECT_EQ(output_.path_mtu(destination), std::nullopt);
  }
  EXPECT_TRUE(output_.path_mtu(Ipv4Address::of(203, 0, 113, 1)));
}

TEST_F(Ipv4OutputTest, SegmentLargerThanTheMtuIsRefused) {
  Interface& interface = add(settings_a(), kPeer);
  send(kOurs, kPeer, 1460);
  EXPECT_EQ(interface.link().outgoing().packets(), 1U);
  send(kOurs, kPeer, 1461);
  EXPECT_EQ(interface.link().outgoing().packets(), 1U);
  EXPECT_EQ(counters_[NetCounter::kIpv4TooBig], 1U);
}

TEST_F(Ipv4OutputTest, SegmentWithoutHeadroomIsRefused) {
  add(settings_a(), kPeer);
  base::PacketPtr packet = segment();
  packet->prepend(packet->headroom() - 33);
  output_.send_tcp(now_, kOurs, kPeer, std::move(packet));
  EXPECT_EQ(counters_[NetCounter::kIpv4NoHeadroom], 1U);
}

TEST_F(Ipv4OutputTest, QueueThatTheDeviceDoesNotDrainIsBounded) {
  base::MemoryPacketPool large(base::limits::kMaxOutgoingFrames + 16, 64);
  Interface& interface = add(settings_a(), kPeer);
  const wire::TcpHeader header{};
  for (std::size_t i = 0; i < base::limits::kMaxOutgoingFrames + 3; ++i) {
    base::PacketPtr packet(large.allocate());
    wire::serialize_tcp(header, packet->append(wire::tcp_header_size(header)));
    output_.send_tcp(now_, kOurs, kPeer, std::move(packet));
  }
  EXPECT_EQ(interface.link().outgoing().packets(), base::limits::kMaxOutgoingFrames);
  EXPECT_EQ(counters_[NetCounter::kFrameQueueFull], 3U);
  interface.link().outgoing().clear();
}

TEST_F(Ipv4OutputTest, Ipv6HasNoRouteHere) {
  add(settings_a(), kPeer);
  output_.send_tcp(now_, *IpAddress::parse("2001:db8::2"), *IpAddress::parse("2001:db8::1"),
                   segment());
  EXPECT_EQ(counters_[NetCounter::kIpv4NoRoute], 1U);
}

TEST_F(Ipv4OutputTest, RouteLeadsToItsRouter) {
  InterfaceSettings settings = settings_a();
  settings.routes = {
      {.to = *base::AddressPrefix::parse("203.0.113.0/28"), .via = IpAddress(kPeer)}};
  Interface& interface = add(settings, kPeer);
  send(kOurs, kFar);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_ethernet(frame->bytes())->destination, mac(9));
}

// An address of ours elsewhere: the interface that knows the destination best, not the first.
TEST_F(Ipv4OutputTest, InterfaceWithTheLongerPrefixTakesWhatItsSourceCannot) {
  Interface& first = add(settings_a(), kGateway);
  InterfaceSettings settings = settings_b();
  settings.routes = {{.to = *base::AddressPrefix::parse("203.0.113.0/28"),
                      .via = *IpAddress::parse("198.19.0.7")}};
  Interface& second = add(settings, Ipv4Address::of(198, 19, 0, 7));
  InterfaceSettings alone;
  alone.mac = mac(4);
  alone.addresses = {*base::AddressPrefix::parse("192.0.2.2/32")};
  (void)add(alone, Ipv4Address::of(192, 0, 2, 9));
  send(Ipv4Address::of(192, 0, 2, 2), kFar);
  EXPECT_TRUE(first.link().outgoing().empty());
  EXPECT_FALSE(second.link().outgoing().empty());
  send(kOurs, kFar);  // its own interface leads there, too
  EXPECT_FALSE(first.link().outgoing().empty());
}

}  // namespace
}  // namespace sluice::net
