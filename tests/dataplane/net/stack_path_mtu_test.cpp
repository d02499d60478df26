// Reports of packets too big, from the frame to the connection: RFC 1191, RFC 8201.
#include <gtest/gtest.h>

#include "dataplane/net/mtu_plateaus.hpp"
#include "dataplane/net/neighbour_discovery.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;

constexpr std::size_t kText = 1'400;

// One established connection with a full segment in flight; the router's address does not matter.
class StackPathMtuTest : public StackFixture, public testing::WithParamInterface<bool> {
 protected:
  StackPathMtuTest()
      : ipv4_(GetParam()),
        ours_(*base::IpAddress::parse(ipv4_ ? "198.18.0.2" : "2001:db8::2")),
        peer_(*base::IpAddress::parse(ipv4_ ? "198.18.0.1" : "2001:db8::1")) {
    interface_ = stack_.add_interface(
        {.mac = kOurMac,
         .addresses = {{.address = ours_, .length = static_cast<std::uint8_t>(ipv4_ ? 24 : 64)}},
         .gateway = {}});
    pass({});
    pass(NeighbourDiscovery::kProbeTime);
    pass(Duration::seconds(10));
    introduce_peer();
    open();
  }
  void introduce_peer() {
    if (ipv4_) {
      receive(test::ethernet_frame(
          {.destination = kOurMac, .source = kPeerMac, .type = wire::EtherType::kArp, .vlan = {}},
          test::arp_payload({.operation = wire::ArpOperation::kRequest,
                             .sender_mac = kPeerMac,
                             .sender = peer_.ipv4(),
                             .target_mac = {},
                             .target = ours_.ipv4()})));
    } else {
      const wire::Ipv6Header ip{.source = peer_.ipv6(),
                                .destination = ours_.ipv6(),
                                .next_header = wire::IpProtocol::kIcmpv6,
                                .hop_limit = wire::kDiscoveryHopLimit};
      receive(frame(test::ipv6_packet(
          ip, test::discovery_message(ip, wire::NeighbourSolicitation{.target = ours_.ipv6(),
                                                                      .source_mac = kPeerMac}))));
      receive(frame(test::ipv6_packet(
          ip, test::discovery_message(
                  ip, wire::NeighbourAdvertisement{
                          .target = peer_.ipv6(), .target_mac = kPeerMac, .solicited = true}))));
    }
    (void)outgoing();
  }
  void open() {
    ASSERT_TRUE(stack_.listen({.address = ours_, .port = 443}));
    wire::TcpHeader header{.source_port = 50000,
                           .destination_port = 443,
                           .sequence = wire::SeqNumber(100),
                           .flags = {.syn = true},
                           .window = 65535};
    header.options.mss = kText;
    receive_tcp(header);
    const auto answer = outgoing();
    ASSERT_EQ(answer.size(), 1U);
    header.acknowledgement = wire::parse_tcp(segment_in(answer[0]))->header.sequence + 1;
    header.sequence = wire::SeqNumber(101);
    header.flags = {.ack = true};
    header.options = {};
    receive_tcp(header);
    const auto event = next_event();
    ASSERT_TRUE(event && event->what.opened);
    connection_ = event->connection;
    sent_ = send(kText);
  }
  void receive_tcp(const wire::TcpHeader& header) {
    const auto segment = test::tcp_segment(peer_, ours_, header);
    receive(frame(ipv4_ ? test::ipv4_packet({.source = peer_.ipv4(),
                                             .destination = ours_.ipv4(),
                                             .protocol = wire::IpProtocol::kTcp},
                                            segment)
                        : test::ipv6_packet({.source = peer_.ipv6(),
                                             .destination = ours_.ipv6(),
                                             .next_header = wire::IpProtocol::kTcp},
                                            segment)));
  }
  // The frame of it.
  test::ByteVector send(std::size_t size) {
    base::PacketPtr packet(pool_.allocate());
    (void)packet->append(size);
    base::PacketQueue queue;
    queue.push_back(std::move(packet));
    stack_.send(now_, connection_, std::move(queue));
    stack_.flush(now_);
    const auto frames = outgoing();
    EXPECT_EQ(frames.size(), 1U);
    return frames.empty() ? test::ByteVector{} : frames.front();
  }
  // As much of the packet as every router quotes.
  [[nodiscard]] base::Bytes quotation() const {
    return base::Bytes(sent_).subspan(14, (ipv4_ ? 20 : 40) + 8);
  }
  void reports(std::uint16_t mtu, base::Bytes quoted) {
    if (ipv4_) {
      receive(frame(test::ipv4_packet({.source = base::Ipv4Address::of(198, 18, 0, 9),
                                       .destination = ours_.ipv4(),
                                       .protocol = wire::IpProtocol::kIcmp},
                                      test::icmp_message(wire::IcmpUnreachable{
                                          .code = wire::UnreachableCode::kFragmentationNeeded,
                                          .next_hop_mtu = mtu,
                                          .quoted = quoted}))));
    } else {
      const wire::Ipv6Header ip{.source = v6("2001:db8::9"),
                                .destination = ours_.ipv6(),
                                .next_header = wire::IpProtocol::kIcmpv6};
      receive(frame(test::ipv6_packet(
          ip, test::icmpv6_message(ip, wire::Icmpv6PacketTooBig{.mtu = mtu, .quoted = quoted}))));
    }
  }
  [[nodiscard]] test::ByteVector frame(base::Bytes packet) const {
    return test::ethernet_frame({.destination = kOurMac,
                                 .source = kPeerMac,
                                 .type = ipv4_ ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6,
                                 .vlan = {}},
                                packet);
  }
  [[nodiscard]] base::Bytes segment_in(const test::ByteVector& sent) const {
    return base::Bytes(sent).subspan(ipv4_ ? 34 : 54);
  }
  [[nodiscard]] std::size_t headers() const { return ipv4_ ? 40 : 60; }

  bool ipv4_;
  base::IpAddress ours_;
  base::IpAddress peer_;
  ConnectionHandle connection_;
  test::ByteVector sent_;
};

TEST_P(StackPathMtuTest, SegmentIsSentAgainInPiecesThatThePathTakes) {
  EXPECT_EQ(stack_.segment_size(connection_), kText);
  reports(1'300, quotation());
  EXPECT_EQ(stack_.segment_size(connection_), 1'300 - headers());
  const auto again = outgoing();
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].size(), 14 + 1'300U);
  EXPECT_EQ(count(NetCounter::kTcpPathMtuLowered), 1U);
  EXPECT_EQ(count(ipv4_ ? NetCounter::kIcmpFragmentationNeeded : NetCounter::kIcmpv6PacketTooBig),
            1U);
}

TEST_P(StackPathMtuTest, ReportWithAGuessedSequenceIsIgnored) {
  test::ByteVector forged(quotation().begin(), quotation().end());
  forged[forged.size() - 4] ^= std::byte{0x40};
  reports(1'300, forged);
  EXPECT_EQ(stack_.segment_size(connection_), kText);
  EXPECT_EQ(count(NetCounter::kTcpPathMtuIgnored), 1U);
  EXPECT_TRUE(outgoing().empty());
}

TEST_P(StackPathMtuTest, ReportThatQuotesAnotherHostsPacketIsIgnored) {
  test::ByteVector forged(quotation().begin(), quotation().end());
  forged[ipv4_ ? 15 : 23] ^= std::byte{0x40};  // the last byte of the source
  reports(1'300, forged);
  EXPECT_EQ(stack_.segment_size(connection_), kText);
  EXPECT_EQ(count(ipv4_ ? NetCounter::kIcmpErrorIgnored : NetCounter::kIcmpv6ErrorIgnored), 1U);
}

// RFC 1191 5, and RFC 8201 4: with IPv6 less than 1280 is not believed.
TEST_P(StackPathMtuTest, ReportWithoutASizeMeansTheNextPlateauToIpv4Only) {
  reports(0, quotation());
  EXPECT_EQ(stack_.segment_size(connection_), ipv4_ ? 1'006 - headers() : kText);
}

// RFC 1191 3: what must not be cut has to say so; with IPv6 only we could, and do not.
TEST_P(StackPathMtuTest, NothingIsOrMayBeCut) {
  reports(ipv4_ ? 600 : 1'280, quotation());
  auto frames = outgoing();
  frames.push_back(sent_);
  ASSERT_GE(frames.size(), 2U);
  for (const auto& each : frames) {
    const base::Bytes packet = base::Bytes(each).subspan(14);
    if (ipv4_) {
      EXPECT_TRUE(wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify)->header.dont_fragment);
    } else {
      EXPECT_EQ(wire::parse_ipv6(packet)->header.next_header, wire::IpProtocol::kTcp);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, StackPathMtuTest, testing::Bool(),
                         [](const auto& family) { return family.param ? "Ipv4" : "Ipv6"; });

TEST(MtuPlateaus, AreBelowTheSizeAndEndWithTheLeastOfIpv4) {
  EXPECT_EQ(plateau_below(1'500), 1'492);
  EXPECT_EQ(plateau_below(1'492), 1'006);
  EXPECT_EQ(plateau_below(65'535), 32'000);
  EXPECT_EQ(plateau_below(68), 68);
  EXPECT_EQ(plateau_below(0), 68);
}

}  // namespace
}  // namespace sluice::net
