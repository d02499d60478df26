// What IPv6 output has to itself.
#include "dataplane/net/ipv6_output.hpp"

#include "tests/dataplane/net/ip_output_fixture.hpp"

namespace sluice::net {
namespace {

class Ipv6OutputTest : public IpOutputFixture<Ipv6Family> {};

TEST_F(Ipv6OutputTest, SegmentGetsAHeader) {
  Interface& interface = add(settings_a(), Ipv6Family::kPeer);
  send(Ipv6Family::kOurs, Ipv6Family::kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_ethernet(frame->bytes())->type, wire::EtherType::kIpv6);
  const auto sent = wire::parse_ipv6(frame->bytes().subspan(14));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->header.source, ip(Ipv6Family::kOurs).ipv6());
  EXPECT_EQ(sent->header.destination, ip(Ipv6Family::kPeer).ipv6());
  EXPECT_EQ(sent->header.next_header, wire::IpProtocol::kTcp);
  EXPECT_EQ(sent->header.hop_limit, 64);
  EXPECT_EQ(sent->total_size, 65U);
}

// RFC 4007 9.
TEST_F(Ipv6OutputTest, LinkLocalAddressesStayOnTheirLink) {
  Interface& a = add(settings_a(), Ipv6Family::kGateway);
  Interface& b = add(settings_b(), "fe80::7");
  send("fe80::ff:fe00:3", "fe80::7");
  EXPECT_EQ(b.link().outgoing().packets(), 1U);
  send("fe80::ff:fe00:2", Ipv6Family::kFar);
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(counters_[NetCounter::kIpv6NoRoute], 1U);
}

// RFC 4862 5.4.
TEST_F(Ipv6OutputTest, NothingIsSentFromAnAddressThatIsNotAssigned) {
  interfaces_.push_back(std::make_unique<Interface>(settings_a(), hash_key_, pool_, counters_));
  send(Ipv6Family::kOurs, Ipv6Family::kPeer);
  EXPECT_EQ(counters_[NetCounter::kIpv6SourceUnassigned], 1U);
  EXPECT_TRUE(interfaces_[0]->link().outgoing().empty());
  EXPECT_TRUE(output_.is_local(ip(Ipv6Family::kOurs)));
}

}  // namespace
}  // namespace sluice::net
