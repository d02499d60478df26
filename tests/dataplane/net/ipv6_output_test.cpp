#include "dataplane/net/ipv6_output.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "base/memory_packet_pool.hpp"
#include "tests/support/frames.hpp"

namespace sluice::net {
namespace {

using base::IpAddress;

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}
IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}
const IpAddress kOurs = ip("2001:db8::2");
const IpAddress kPeer = ip("2001:db8::7");
const IpAddress kGateway = ip("fe80::1");
const IpAddress kFar = ip("2001:db8:ffff::1");
const IpAddress kOursB = ip("2001:db8:1::2");
const IpAddress kGatewayB = ip("2001:db8:1::1");

class Ipv6OutputTest : public ::testing::Test {
 protected:
  InterfaceSettings settings_a() {
    return {.mac = mac(2),
            .addresses = {*base::AddressPrefix::parse("2001:db8::2/64")},
            .gateway = {},
            .ipv6_gateway = kGateway.ipv6()};
  }
  InterfaceSettings settings_b() {
    return {.mac = mac(3),
            .addresses = {*base::AddressPrefix::parse("2001:db8:1::2/64")},
            .gateway = {},
            .mtu = 1400};
  }
  // An interface that uses its addresses and whose neighbour at `neighbour` is known.
  Interface& add(const InterfaceSettings& settings, const IpAddress& neighbour) {
    interfaces_.push_back(std::make_unique<Interface>(settings, hash_key_, pool_, counters_));
    Interface& interface = *interfaces_.back();
    interface.discovery().advance(now_);
    interface.discovery().advance(now_ + NeighbourDiscovery::kProbeTime);
    interface.neighbours().learn(now_, neighbour, mac(9), Neighbours::Belief::kConfirmed);
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
  void send(const IpAddress& source, const IpAddress& destination, std::size_t payload = 5) {
    output_.send_tcp(now_, source, destination, segment(payload));
  }

  base::Instant now_ = base::Instant::from_nanoseconds(1);
  tcp::SipKey hash_key_{std::array<std::byte, 16>{std::byte{1}}};
  base::MemoryPacketPool pool_{64};
  base::Counters<NetCounter> counters_;
  Interfaces interfaces_;
  Ipv6Output output_{interfaces_, counters_};
};

TEST_F(Ipv6OutputTest, SegmentGetsItsHeadersAndChecksum) {
  InterfaceSettings settings = settings_a();
  settings.device_computes_checksums = true;  // which it is not asked for
  Interface& interface = add(settings, kPeer);
  send(kOurs, kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto ethernet = wire::parse_ethernet(frame->bytes());
  EXPECT_EQ(ethernet->destination, mac(9));
  EXPECT_EQ(ethernet->type, wire::EtherType::kIpv6);
  const auto sent = wire::parse_ipv6(frame->bytes().subspan(14));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->header.source, kOurs.ipv6());
  EXPECT_EQ(sent->header.destination, kPeer.ipv6());
  EXPECT_EQ(sent->header.next_header, wire::IpProtocol::kTcp);
  EXPECT_EQ(sent->header.hop_limit, 64);
  EXPECT_EQ(sent->total_size, 65U);
  auto sum = wire::pseudo_header_sum(kOurs, kPeer, wire::IpProtocol::kTcp, 25);
  sum.add(frame->bytes().subspan(54));
  EXPECT_EQ(sum.checksum(), 0);
  EXPECT_FALSE(frame->checksum.l4_wanted);
}

// RFC 9293 3.9.1.9 (MUST-48) and 3.9.2 (MUST-49).
TEST_F(Ipv6OutputTest, HopLimitAndDscpAreTheUsers) {
  Interface& interface = add(settings_a(), kPeer);
  Ipv6Output output(interfaces_, counters_, {.hop_limit = 17, .dscp = 46});
  output.send_tcp(now_, kOurs, kPeer, segment(5));
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto sent = wire::parse_ipv6(frame->bytes().subspan(14));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->header.hop_limit, 17);
  EXPECT_EQ(sent->header.traffic_class, 46 << 2);
}

TEST_F(Ipv6OutputTest, EcnFieldOfThePacketIsBesideTheUsersDscp) {
  Interface& interface = add(settings_a(), kPeer);
  base::PacketPtr packet = segment();
  packet->traffic_class = 2;
  Ipv6Output output(interfaces_, counters_, {.hop_limit = 17, .dscp = 46});
  output.send_tcp(now_, kOurs, kPeer, std::move(packet));
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto sent = wire::parse_ipv6(frame->bytes().subspan(14));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->header.traffic_class, 46 << 2 | 2);
}

TEST_F(Ipv6OutputTest, FarDestinationGoesToTheGateway) {
  Interface& interface = add(settings_a(), kGateway);
  send(kOurs, kFar);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_ethernet(frame->bytes())->destination, mac(9));
}

TEST_F(Ipv6OutputTest, WithoutRouteNothingIsSent) {
  Interface& interface = add(settings_b(), ip("2001:db8:1::7"));
  send(kOursB, kFar);
  EXPECT_TRUE(interface.link().outgoing().empty());
  EXPECT_EQ(counters_[NetCounter::kIpv6NoRoute], 1U);
  EXPECT_EQ(output_.path_mtu(kFar), std::nullopt);
}

TEST_F(Ipv6OutputTest, SourceAddressChoosesTheInterface) {
  InterfaceSettings with_gateway = settings_b();
  with_gateway.ipv6_gateway = kGatewayB.ipv6();
  Interface& a = add(settings_a(), kGateway);
  Interface& b = add(with_gateway, kGatewayB);
  send(kOursB, kFar);
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(b.link().outgoing().packets(), 1U);
}

// RFC 4007 9.
TEST_F(Ipv6OutputTest, LinkLocalAddressesStayOnTheirLink) {
  Interface& a = add(settings_a(), kGateway);
  Interface& b = add(settings_b(), ip("fe80::7"));
  send(ip("fe80::ff:fe00:3"), ip("fe80::7"));
  EXPECT_EQ(b.link().outgoing().packets(), 1U);
  send(ip("fe80::ff:fe00:2"), kFar);
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(counters_[NetCounter::kIpv6NoRoute], 1U);
}

// RFC 4862 5.4.
TEST_F(Ipv6OutputTest, NothingIsSentFromAnAddressThatIsNotAssigned) {
  interfaces_.push_back(std::make_unique<Interface>(settings_a(), hash_key_, pool_, counters_));
  send(kOurs, kPeer);
  EXPECT_EQ(counters_[NetCounter::kIpv6SourceUnassigned], 1U);
  EXPECT_TRUE(interfaces_[0]->link().outgoing().empty());
  EXPECT_TRUE(output_.is_local(kOurs));
}

TEST_F(Ipv6OutputTest, PathMtuIsTheSmallestOfTheInterfacesThatLeadThere) {
  add(settings_a(), kPeer);
  EXPECT_EQ(output_.path_mtu(kFar), 1500U);
  InterfaceSettings with_gateway = settings_b();
  with_gateway.ipv6_gateway = kGatewayB.ipv6();
  add(with_gateway, kPeer);
  EXPECT_EQ(output_.path_mtu(kFar), 1400U);
  EXPECT_EQ(output_.path_mtu(ip("198.18.0.1")), std::nullopt);
}

TEST_F(Ipv6OutputTest, IllegalDestinationsAreRefused) {
  Interface& a = add(settings_a(), kPeer);
  add(settings_b(), kPeer);
  const std::array illegal = {kOurs,    kOursB,    ip("fe80::ff:fe00:2"),
                              ip("::"), ip("::1"), ip("ff02::1")};
  for (const auto& destination : illegal) send(kOurs, destination);
  EXPECT_EQ(counters_[NetCounter::kIpv6IllegalDestination], illegal.size());
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

// RFC 9293 3.9.1.1 (MUST-46): a connection cannot be opened to any of them.
TEST_F(Ipv6OutputTest, NoRouteLeadsToIllegalDestinations) {
  InterfaceSettings with_gateway = settings_a();
  with_gateway.ipv6_gateway = kGateway.ipv6();
  add(with_gateway, kPeer);
  for (const auto& destination :
       {kOurs, ip("fe80::ff:fe00:2"), ip("::"), ip("::1"), ip("ff02::1")}) {
    EXPECT_EQ(output_.path_mtu(destination), std::nullopt);
  }
  EXPECT_TRUE(output_.path_mtu(kFar));
}

TEST_F(Ipv6OutputTest, SegmentLargerThanTheMtuIsRefused) {
  Interface& interface = add(settings_a(), kPeer);
  send(kOurs, kPeer, 1440);
  EXPECT_EQ(interface.link().outgoing().packets(), 1U);
  send(kOurs, kPeer, 1441);
  EXPECT_EQ(interface.link().outgoing().packets(), 1U);
  EXPECT_EQ(counters_[NetCounter::kIpv6TooBig], 1U);
}

TEST_F(Ipv6OutputTest, SegmentWithoutHeadroomIsRefused) {
  add(settings_a(), kPeer);
  base::PacketPtr packet = segment();
  packet->prepend(packet->headroom() - 53);
  output_.send_tcp(now_, kOurs, kPeer, std::move(packet));
  EXPECT_EQ(counters_[NetCounter::kIpv6NoHeadroom], 1U);
}

TEST_F(Ipv6OutputTest, Ipv4HasNoRouteHere) {
  add(settings_a(), kPeer);
  output_.send_tcp(now_, ip("198.18.0.2"), ip("198.18.0.1"), segment());
  EXPECT_EQ(counters_[NetCounter::kIpv6NoRoute], 1U);
}

}  // namespace
}  // namespace sluice::net
