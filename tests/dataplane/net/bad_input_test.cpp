// What nobody sends in good faith, at the level of IP: each is dropped, counted under its name, and
// neither kept nor answered.
#include <gtest/gtest.h>

#include <string>

#include "dataplane/net/neighbour_discovery.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Ipv4Address;

constexpr auto kOurs = Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = Ipv4Address::of(198, 18, 0, 1);
const auto kOurs6 = v6("2001:db8::2");
const auto kPeer6 = v6("2001:db8::1");
constexpr std::uint16_t kPort = 443;

class BadInputTest : public StackFixture {
 protected:
  BadInputTest() {
    interface_ = stack_.add_interface(
        {.mac = kOurMac,
         .addresses = {{.address = kOurs, .length = 24}, {.address = kOurs6, .length = 64}},
         .gateway = {}});
    pass({});
    pass(NeighbourDiscovery::kProbeTime);
    EXPECT_TRUE(stack_.listen({.address = kOurs, .port = kPort}));
    EXPECT_TRUE(stack_.listen({.address = kOurs6, .port = kPort}));
    (void)outgoing();
  }
  static test::ByteVector frame(wire::EtherType type, base::Bytes packet) {
    return test::ethernet_frame(
        {.destination = kOurMac, .source = kPeerMac, .type = type, .vlan = {}}, packet);
  }
  static test::ByteVector syn(const base::IpAddress& from, const base::IpAddress& to,
                              std::uint16_t port = 50000) {
    return test::tcp_segment(from, to,
                             {.source_port = port,
                              .destination_port = kPort,
                              .sequence = wire::SeqNumber(100),
                              .flags = {.syn = true},
                              .window = 65535});
  }
  static wire::Ipv4Header ip4(wire::IpProtocol protocol = wire::IpProtocol::kTcp) {
    return {.source = kPeer, .destination = kOurs, .protocol = protocol};
  }
  // Dropped for this reason and no other, without a trace.
  void expect_dropped(const test::ByteVector& bad, NetCounter why, const std::string& what) {
    const std::uint64_t before = count(why);
    receive(bad);
    EXPECT_EQ(count(why), before + 1) << what;
    EXPECT_TRUE(outgoing().empty()) << what;
    EXPECT_EQ(stack_.usage().connections, 0U) << what;
    EXPECT_EQ(pool_.available(), pool_.capacity()) << what;
  }
  void expect_dropped4(const wire::Ipv4Header& header, base::Bytes payload, NetCounter why,
                       const std::string& what) {
    expect_dropped(frame(wire::EtherType::kIpv4, test::ipv4_packet(header, payload)), why, what);
  }
  void expect_dropped6(std::uint8_t next, base::Bytes payload, NetCounter why,
                       const std::string& what) {
    expect_dropped(
        frame(wire::EtherType::kIpv6,
              test::ipv6_packet(
                  {.source = kPeer6, .destination = kOurs6, .next_header = wire::IpProtocol{next}},
                  payload)),
        why, what);
  }
};

// RFC 1858: a fragment too small for a TCP header, and one that would overwrite it.
TEST_F(BadInputTest, FragmentsOfIpv4HoweverSmallOrOverlapping) {
  const auto segment = syn(kPeer, kOurs);
  wire::Ipv4Header header = ip4();
  header.more_fragments = true;
  expect_dropped4(header, base::Bytes(segment).first(8), NetCounter::kIpv4Fragment, "tiny");
  header.fragment_offset = 8;
  expect_dropped4(header, base::Bytes(segment).subspan(8), NetCounter::kIpv4Fragment, "second");
  expect_dropped4(header, base::Bytes(segment), NetCounter::kIpv4Fragment, "overlapping");
  header.more_fragments = false;
  header.fragment_offset = 65'528;
  expect_dropped4(header, base::Bytes(segment), NetCounter::kIpv4Fragment, "beyond 64 KB");
}

TEST_F(BadInputTest, NoFragmentIsKeptHoweverManyCome) {
  wire::Ipv4Header header = ip4();
  header.more_fragments = true;
  for (std::uint16_t i = 0; i < 5'000; ++i) {
    header.identification = i;
    receive(frame(wire::EtherType::kIpv4, test::ipv4_packet(header, test::ByteVector(64))));
  }
  EXPECT_EQ(count(NetCounter::kIpv4Fragment), 5'000U);
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

TEST_F(BadInputTest, FragmentsOfIpv6) {
  constexpr std::uint8_t kFragment = 44;
  expect_dropped6(kFragment, test::hex("06 00 0001 00000001 0102030405060708"),
                  NetCounter::kIpv6Fragment, "tiny first");
  expect_dropped6(kFragment, test::hex("06 00 0009 00000001 0102030405060708"),
                  NetCounter::kIpv6Fragment, "second");
  expect_dropped6(kFragment, test::hex("06 00 0000 00000001"), NetCounter::kTcpBadChecksum,
                  "whole, RFC 6946, and empty");
  expect_dropped6(kFragment, test::hex("06 00 0010 00000001"), NetCounter::kIpv6Malformed, "empty");
  expect_dropped6(kFragment, test::hex("2c 00 0000 00000001 06 00 0000 00000001 0102030405060708"),
                  NetCounter::kIpv6Malformed, "twice");
}

// CERT CA-1997-28.
TEST_F(BadInputTest, Land) {
  expect_dropped(
      frame(wire::EtherType::kIpv4,
            test::ipv4_packet(
                {.source = kOurs, .destination = kOurs, .protocol = wire::IpProtocol::kTcp},
                syn(kOurs, kOurs, kPort))),
      NetCounter::kIpv4Martian, "IPv4");
  expect_dropped(
      frame(wire::EtherType::kIpv6,
            test::ipv6_packet(
                {.source = kOurs6, .destination = kOurs6, .next_header = wire::IpProtocol::kTcp},
                syn(kOurs6, kOurs6, kPort))),
      NetCounter::kIpv6Martian, "IPv6");
}

TEST_F(BadInputTest, Smurf) {
  const auto echo = test::icmp_message(wire::IcmpEcho{.identifier = 1, .data = {}});
  for (const auto to : {Ipv4Address::of(198, 18, 0, 255), Ipv4Address::of(255, 255, 255, 255),
                        Ipv4Address::of(224, 0, 0, 1)}) {
    wire::Ipv4Header header = ip4(wire::IpProtocol::kIcmp);
    header.destination = to;
    expect_dropped4(header, echo, NetCounter::kIpv4Broadcast, to.to_string());
  }
  const wire::Ipv6Header ip{
      .source = kPeer6, .destination = wire::kAllNodes, .next_header = wire::IpProtocol::kIcmpv6};
  const auto packet = test::ipv6_packet(
      ip, test::icmpv6_message(ip, wire::Icmpv6Echo{.identifier = 1, .data = {}}));
  expect_dropped(test::ethernet_frame({.destination = wire::multicast_mac(wire::kAllNodes),
                                       .source = kPeerMac,
                                       .type = wire::EtherType::kIpv6,
                                       .vlan = {}},
                                      packet),
                 NetCounter::kIcmpv6EchoSuppressed, "all nodes");
}

TEST_F(BadInputTest, SourcesThatNoHostHas) {
  for (const auto source :
       {Ipv4Address{}, Ipv4Address::of(127, 0, 0, 1), Ipv4Address::of(224, 0, 0, 1),
        Ipv4Address::of(255, 255, 255, 255), Ipv4Address::of(198, 18, 0, 255), kOurs,
        Ipv4Address::of(240, 0, 0, 1)}) {
    wire::Ipv4Header header = ip4();
    header.source = source;
    expect_dropped4(header, syn(source, kOurs), NetCounter::kIpv4Martian, source.to_string());
  }
  for (const auto* text : {"::", "::1", "ff02::1", "2001:db8::2", "::ffff:198.18.0.1"}) {
    base::Ipv6Address source = v6(text);
    expect_dropped(
        frame(wire::EtherType::kIpv6,
              test::ipv6_packet(
                  {.source = source, .destination = kOurs6, .next_header = wire::IpProtocol::kTcp},
                  test::ByteVector(20))),
        NetCounter::kIpv6Martian, text);
  }
}

// RFC 7126 4.3, 4.4.
TEST_F(BadInputTest, SourceRoutesOfIpv4) {
  const auto with_options = [](base::Bytes options) {
    auto packet = test::ipv4_packet(ip4(), test::concatenated(options, syn(kPeer, kOurs)));
    packet[0] = static_cast<std::byte>(0x45 + options.size() / 4);
    base::store_be(packet.data() + 10, std::uint16_t{0});
    base::store_be(packet.data() + 10,
                   wire::internet_checksum(base::Bytes(packet).first(20 + options.size())));
    return frame(wire::EtherType::kIpv4, packet);
  };
  expect_dropped(with_options(test::hex("83 07 04 c6120009 00")), NetCounter::kIpv4SourceRoute,
                 "loose");
  expect_dropped(with_options(test::hex("01 89 07 04 c6120009")), NetCounter::kIpv4SourceRoute,
                 "strict");
  expect_dropped(with_options(test::hex("07 00 00 00")), NetCounter::kIpv4Malformed, "no size");
  expect_dropped(with_options(test::hex("07 05 00 00")), NetCounter::kIpv4Malformed, "too long");
  expect_dropped(with_options(test::hex("01 01 01 07")), NetCounter::kIpv4Malformed, "cut short");
  receive(with_options(test::hex("94 04 0000")));  // a router alert does no harm
  EXPECT_EQ(stack_.usage().half_open, 1U);
}

TEST_F(BadInputTest, ChainsOfExtensionHeadersBeyondTheBound) {
  constexpr std::uint8_t kDestinationOptions = 60;
  test::ByteVector many;
  for (int i = 0; i < 9; ++i) many = test::concatenated(many, test::hex("3c 00 01 04 00000000"));
  expect_dropped6(kDestinationOptions, many, NetCounter::kIpv6LongChain, "many");
  auto longest = test::hex("06 20");
  longest.resize(8 * 33);
  expect_dropped6(kDestinationOptions, longest, NetCounter::kIpv6LongChain, "long");
}

TEST_F(BadInputTest, HeadersThatReachBeyondTheirPacket) {
  expect_dropped6(0, test::hex("06 01 00 00 00000000"), NetCounter::kIpv6Malformed, "hop-by-hop");
  expect_dropped6(43, test::hex("06"), NetCounter::kIpv6Malformed, "routing");
  expect_dropped6(44, test::hex("06 00 00"), NetCounter::kIpv6Malformed, "fragment");
}

// RFC 2675: a length of zero stands for one in an option, which is not spoken here.
TEST_F(BadInputTest, Jumbogram) {
  auto packet = test::ipv6_packet(
      {.source = kPeer6, .destination = kOurs6, .next_header = wire::IpProtocol{0}},
      test::hex("06 00 c2 04 00010000"));
  base::store_be(packet.data() + 4, std::uint16_t{0});
  expect_dropped(frame(wire::EtherType::kIpv6, packet), NetCounter::kIpv6Malformed, "length 0");
}

// Whatever is left of a good frame: nothing beyond its end is read (which the sanitizers see), and
// nothing comes of it.
TEST_F(BadInputTest, TruncatedEverything) {
  const wire::Ipv6Header ip{.source = kPeer6,
                            .destination = kOurs6,
                            .next_header = wire::IpProtocol::kIcmpv6,
                            .hop_limit = wire::kDiscoveryHopLimit};
  const test::ByteVector goods[] = {
      frame(wire::EtherType::kArp,
            test::arp_payload(
                {.sender_mac = kPeerMac, .sender = kPeer, .target_mac = {}, .target = kOurs})),
      frame(wire::EtherType::kIpv4, test::ipv4_packet(ip4(), syn(kPeer, kOurs))),
      frame(wire::EtherType::kIpv4,
            test::ipv4_packet(ip4(wire::IpProtocol::kIcmp),
                              test::icmp_message(wire::IcmpEcho{.identifier = 1, .data = {}}))),
      frame(wire::EtherType::kIpv6,
            test::ipv6_packet(
                {.source = kPeer6, .destination = kOurs6, .next_header = wire::IpProtocol::kTcp},
                syn(kPeer6, kOurs6))),
      frame(wire::EtherType::kIpv6,
            test::ipv6_packet(
                ip, test::discovery_message(ip, wire::NeighbourSolicitation{
                                                    .target = kOurs6, .source_mac = kPeerMac})))};
  for (const auto& good : goods) {
    for (std::size_t size = 0; size < good.size(); ++size) {
      receive({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
      ASSERT_TRUE(outgoing().empty()) << size;
      ASSERT_EQ(stack_.usage().connections, 0U) << size;
      ASSERT_EQ(pool_.available(), pool_.capacity()) << size;
    }
  }
  EXPECT_EQ(count(NetCounter::kFrameMalformed), std::size(goods) * 14);
  EXPECT_EQ(count(NetCounter::kArpMalformed), wire::ArpPacket::kSize);
  EXPECT_EQ(count(NetCounter::kIpv4Malformed), goods[1].size() + goods[2].size() - 2 * 14);
  EXPECT_EQ(count(NetCounter::kIpv6Malformed), goods[3].size() + goods[4].size() - 2 * 14);
}

}  // namespace
}  // namespace sluice::net
