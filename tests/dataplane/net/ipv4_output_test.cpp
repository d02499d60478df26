// What IPv4 output has to itself.
#include "dataplane/net/ipv4_output.hpp"

#include "tests/dataplane/net/ip_output_fixture.hpp"

namespace sluice::net {
namespace {

class Ipv4OutputTest : public IpOutputFixture<Ipv4Family> {};

TEST_F(Ipv4OutputTest, SegmentGetsAHeader) {
  Interface& interface = add(settings_a(), Ipv4Family::kPeer);
  send(Ipv4Family::kOurs, Ipv4Family::kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto sent = wire::parse_ipv4(frame->bytes().subspan(14), wire::HeaderChecksum::kVerify);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->header.source, ip(Ipv4Family::kOurs).ipv4());
  EXPECT_EQ(sent->header.destination, ip(Ipv4Family::kPeer).ipv4());
  EXPECT_EQ(sent->header.protocol, wire::IpProtocol::kTcp);
  EXPECT_EQ(sent->header.ttl, 64);
  EXPECT_TRUE(sent->header.dont_fragment);
  EXPECT_EQ(sent->total_size, 45U);
}

TEST_F(Ipv4OutputTest, TrainsHeaderHasTheLengthAndTheChecksumOfAll) {
  InterfaceSettings settings = settings_a();
  settings.train_packets = 10;
  Interface& interface = add(settings, Ipv4Family::kPeer);
  send_to_peer(train(10, 1000));
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto packet = frame->bytes().subspan(14);
  EXPECT_EQ(wire::parse_quoted_ipv4(packet)->total_size, 20U + 20 + 10 * 1000);
  EXPECT_EQ(wire::internet_checksum(packet.first(20)), 0);
}

TEST_F(Ipv4OutputTest, AddressOfIpv6ThatEndsLikeOursIsNotLocal) {
  add(settings_a(), Ipv4Family::kPeer);
  EXPECT_FALSE(output_.is_local(ip("::fffe:198.18.0.2")));
}

TEST_F(Ipv4OutputTest, DeviceThatComputesChecksumsKnowsOfTheVlanTag) {
  InterfaceSettings settings = settings_a();
  settings.device_computes_checksums = true;
  settings.vlan = 5;
  Interface& interface = add(settings, Ipv4Family::kPeer);
  send(Ipv4Family::kOurs, Ipv4Family::kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->checksum.l2_size, 18);
  EXPECT_TRUE(wire::parse_ipv4(frame->bytes().subspan(18), wire::HeaderChecksum::kVerify));
}

TEST_F(Ipv4OutputTest, RouteLeadsToItsRouter) {
  InterfaceSettings settings = settings_a();
  settings.routes = {
      {.to = *base::AddressPrefix::parse("203.0.113.0/28"), .via = ip(Ipv4Family::kPeer)}};
  Interface& interface = add(settings, Ipv4Family::kPeer);
  send(Ipv4Family::kOurs, Ipv4Family::kFar);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_ethernet(frame->bytes())->destination, mac(9));
}

// An address of ours elsewhere: the interface that knows the destination best, not the first.
TEST_F(Ipv4OutputTest, InterfaceWithTheLongerPrefixTakesWhatItsSourceCannot) {
  Interface& first = add(settings_a(), Ipv4Family::kGateway);
  InterfaceSettings settings = settings_b();
  settings.routes = {
      {.to = *base::AddressPrefix::parse("203.0.113.0/28"), .via = ip("198.19.0.7")}};
  Interface& second = add(settings, "198.19.0.7");
  InterfaceSettings alone;
  alone.mac = mac(4);
  alone.addresses = {*base::AddressPrefix::parse("192.0.2.2/32")};
  (void)add(alone, "192.0.2.9");
  send("192.0.2.2", Ipv4Family::kFar);
  EXPECT_TRUE(first.link().outgoing().empty());
  EXPECT_FALSE(second.link().outgoing().empty());
  send(Ipv4Family::kOurs, Ipv4Family::kFar);  // its own interface leads there, too
  EXPECT_FALSE(first.link().outgoing().empty());
}

}  // namespace
}  // namespace sluice::net
