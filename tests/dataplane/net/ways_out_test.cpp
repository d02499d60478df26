// Ways that senders keep: what goes along one is the same frame that the look-ups would have made,
// and no way outlives what it rests upon.
#include "dataplane/net/ways_out.hpp"

#include "tests/dataplane/net/ip_output_fixture.hpp"

namespace sluice::net {
namespace {

template <typename Family>
class WaysOutTest : public IpOutputFixture<Family> {
 protected:
  // Where the frame that this makes goes to; nothing where none is made.
  std::optional<base::MacAddress> send_along(WayOut& way, std::string_view destination) {
    this->output_.send_tcp(way, this->now_, ip(Family::kOurs), ip(destination), this->segment());
    const base::PacketPtr frame = this->interfaces_[0]->link().outgoing().pop_front();
    if (!frame) return std::nullopt;
    // Questions for a neighbour go to a group, or to everybody.
    const auto to = wire::parse_ethernet(frame->bytes())->destination;
    return to.is_multicast() ? std::nullopt : std::optional(to);
  }
  static bool is_named(WayOut way) { return way.version != 0; }
};

using Families = ::testing::Types<Ipv4Family, Ipv6Family>;
TYPED_TEST_SUITE(WaysOutTest, Families);

TYPED_TEST(WaysOutTest, FrameIsTheSameAlongANamedWay) {
  InterfaceSettings settings = this->settings_a();
  settings.vlan = 5;
  Interface& interface = this->add(settings, TypeParam::kGateway);
  WayOut way;
  std::array<base::PacketPtr, 2> frames;
  for (base::PacketPtr& frame : frames) {
    base::PacketPtr segment = this->segment();
    segment->traffic_class = 2;
    this->output_.send_tcp(way, this->now_, ip(TypeParam::kOurs), ip(TypeParam::kFar),
                           std::move(segment));
    EXPECT_TRUE(this->is_named(way));
    frame = interface.link().outgoing().pop_front();
    ASSERT_TRUE(frame);
  }
  EXPECT_TRUE(std::ranges::equal(frames[0]->bytes(), frames[1]->bytes()));
  EXPECT_EQ(wire::parse_ethernet(frames[1]->bytes())->vlan->id, 5);
}

TYPED_TEST(WaysOutTest, NeighbourThatMovesTakesItsWaysAlong) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kPeer);
  WayOut way;
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), this->mac(9));
  interface.neighbours().learn(this->now_, ip(TypeParam::kPeer), this->mac(10),
                               Neighbours::Belief::kConfirmed);
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), this->mac(10));
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), this->mac(10));
}

TYPED_TEST(WaysOutTest, NeighbourThatIsNoLongerBelievedIsAskedAndThenGivenUp) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kPeer);
  WayOut way;
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), this->mac(9));
  this->now_ = this->now_ + Neighbours::kReachableTime;
  this->output_.send_tcp(way, this->now_, ip(TypeParam::kOurs), ip(TypeParam::kPeer),
                         this->segment());
  EXPECT_EQ(interface.link().outgoing().packets(), 2U);  // a question, and the segment
  interface.link().outgoing().clear();
  base::PacketQueue undeliverable;
  for (unsigned i = 0; i < Neighbours::kRequests; ++i) {
    this->now_ = this->now_ + Neighbours::kRequestInterval * 2;
    interface.neighbours().advance(this->now_, undeliverable);
  }
  interface.link().outgoing().clear();
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), std::nullopt);
}

TYPED_TEST(WaysOutTest, NeighbourThatHasNotAnsweredHasNoWay) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kGateway);
  WayOut way;
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), std::nullopt);
  EXPECT_FALSE(this->is_named(way));
  interface.link().outgoing().clear();
  interface.neighbours().learn(this->now_, ip(TypeParam::kPeer), this->mac(9),
                               Neighbours::Belief::kConfirmed);
  interface.link().outgoing().clear();  // what waited
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), this->mac(9));
  EXPECT_TRUE(this->is_named(way));
}

TYPED_TEST(WaysOutTest, SegmentThatTheLinkDoesNotTakeIsRefusedAlongANamedWay) {
  this->add(this->settings_a(), TypeParam::kPeer);
  WayOut way;
  EXPECT_EQ(this->send_along(way, TypeParam::kPeer), this->mac(9));
  this->output_.send_tcp(way, this->now_, ip(TypeParam::kOurs), ip(TypeParam::kPeer),
                         this->segment(1500));
  EXPECT_EQ(this->counters_[TypeParam::kTooBig], 1U);
}

// 7 and 0x106 fall on one place of the table.
TYPED_TEST(WaysOutTest, WaysThatDisplaceEachOtherLeadWhereTheyShould) {
  const bool ipv4 = ip(TypeParam::kOurs).is_ipv4();
  const std::string_view other = ipv4 ? "198.18.1.6" : "2001:db8::106";
  InterfaceSettings settings = this->settings_a();
  settings.addresses = {*base::AddressPrefix::parse(ipv4 ? "198.18.0.2/16" : "2001:db8::2/64")};
  Interface& interface = this->add(settings, TypeParam::kPeer);
  interface.neighbours().learn(this->now_, ip(other), this->mac(10),
                               Neighbours::Belief::kConfirmed);
  WayOut to_peer;
  WayOut to_other;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(this->send_along(to_peer, TypeParam::kPeer), this->mac(9));
    EXPECT_EQ(this->send_along(to_other, other), this->mac(10));
  }
  EXPECT_EQ(to_peer.place, to_other.place);
  EXPECT_NE(to_peer.version, to_other.version);
}

// RFC 5227 2.1.1, RFC 4862 5.4.5.
using WaysOutIpv4Test = WaysOutTest<Ipv4Family>;
TEST_F(WaysOutIpv4Test, NothingIsSentFromAnAddressThatWasGivenUp) {
  InterfaceSettings settings = settings_a();
  settings.probes_ipv4 = true;
  Interface& interface = add(settings, Ipv4Family::kPeer);
  WayOut way;
  EXPECT_EQ(send_along(way, Ipv4Family::kPeer), mac(9));
  interface.arp().receive(now_, {.operation = wire::ArpOperation::kRequest,
                                 .sender_mac = mac(77),
                                 .sender = ip(Ipv4Family::kOurs).ipv4(),
                                 .target_mac = {},
                                 .target = ip(Ipv4Family::kPeer).ipv4()});
  interface.link().outgoing().clear();
  EXPECT_EQ(send_along(way, Ipv4Family::kPeer), std::nullopt);
  EXPECT_EQ(counters_[NetCounter::kIpv4SourceUnassigned], 1U);
}

}  // namespace
}  // namespace sluice::net
