// What is read as a plain packet, and that the parsers of every layer read it just the same.
#include "dataplane/wire/plain_packet.hpp"

#include <gtest/gtest.h>

#include <random>

#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"
#include "tests/dataplane/wire/changed_frames.hpp"
#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

constexpr base::MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};
constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);
const auto kOurs6 = *base::Ipv6Address::parse("2001:db8::2");
const auto kTheirs6 = *base::Ipv6Address::parse("2001:db8::1");
constexpr std::size_t kPadding = 6;

TcpHeader syn() {
  TcpHeader header{.source_port = 50000,
                   .destination_port = 443,
                   .sequence = SeqNumber(0xfffffff0),
                   .acknowledgement = {},
                   .flags = {.syn = true},
                   .window = 513};
  header.options.mss = 1460;
  header.options.timestamps = TcpTimestamps{.value = 5, .echo = 0};
  return header;
}

test::ByteVector padded(test::ByteVector frame) {
  frame.resize(frame.size() + kPadding);
  return frame;
}

test::ByteVector ipv4_frame(const Ipv4Header& ip = {}) {
  Ipv4Header with_addresses = ip;
  with_addresses.source = kTheirs;
  with_addresses.destination = kOurs;
  with_addresses.protocol = IpProtocol::kTcp;
  with_addresses.traffic_class = 0x2a;
  return padded(test::ethernet_frame(
      {.destination = kMac, .source{}, .type = EtherType::kIpv4, .vlan{}},
      test::ipv4_packet(with_addresses, test::tcp_segment(kTheirs, kOurs, syn(), {}))));
}

test::ByteVector ipv6_frame() {
  return padded(
      test::ethernet_frame({.destination = kMac, .source{}, .type = EtherType::kIpv6, .vlan{}},
                           test::ipv6_packet({.source = kTheirs6,
                                              .destination = kOurs6,
                                              .next_header = IpProtocol::kTcp,
                                              .traffic_class = 0x2a},
                                             test::tcp_segment(kTheirs6, kOurs6, syn(), {}))));
}

bool is_plain(base::Bytes frame) {
  PlainPacket packet;
  return read_plain_packet(frame, kMac, packet);
}

TEST(PlainPacket, AnySegmentOfBothFamiliesIsRead) {
  for (const auto& frame : {ipv4_frame(), ipv6_frame()}) {
    PlainPacket packet;
    ASSERT_TRUE(read_plain_packet(frame, kMac, packet));
    EXPECT_EQ(packet.flow.local.port, 443);
    EXPECT_EQ(packet.flow.remote.port, 50000);
    EXPECT_EQ(packet.traffic_class, 0x2a);
    EXPECT_EQ(packet.segment_size, tcp_header_size(syn()));
    EXPECT_EQ(packet.segment_offset + packet.segment_size + kPadding, frame.size());
    EXPECT_TRUE(verify_plain_checksums(frame, packet));
  }
}

TEST(PlainPacket, FragmentsAndOtherProtocolsAreNot) {
  EXPECT_TRUE(is_plain(ipv4_frame({.dont_fragment = true})));
  EXPECT_FALSE(is_plain(ipv4_frame({.more_fragments = true})));
  EXPECT_FALSE(is_plain(ipv4_frame({.fragment_offset = 8})));
  auto udp = ipv4_frame();
  udp[EthernetHeader::kSize + 9] = static_cast<std::byte>(IpProtocol::kUdp);
  EXPECT_FALSE(is_plain(udp));
  auto tagged = ipv4_frame();
  base::store_be(tagged.data() + 12, static_cast<std::uint16_t>(EtherType::kVlan));
  EXPECT_FALSE(is_plain(tagged));
}

TEST(PlainPacket, CutAnywhereIsNot) {
  for (const auto& frame : {ipv4_frame(), ipv6_frame()}) {
    for (std::size_t size = 0; size < frame.size() - kPadding; ++size) {
      EXPECT_FALSE(is_plain(base::Bytes(frame).first(size))) << size;
    }
  }
}

TEST(PlainPacket, WithoutRoomForATcpHeaderIsNot) {
  auto frame = ipv4_frame();
  base::store_be(frame.data() + EthernetHeader::kSize + 2, std::uint16_t{39});
  EXPECT_FALSE(is_plain(frame));
  auto frame6 = ipv6_frame();
  base::store_be(frame6.data() + EthernetHeader::kSize + 4, std::uint16_t{19});
  EXPECT_FALSE(is_plain(frame6));
}

TEST(PlainPacket, EveryChangedByteOfTheSegmentIsNoticedByItsChecksum) {
  for (const auto& frame : {ipv4_frame(), ipv6_frame()}) {
    PlainPacket packet;
    ASSERT_TRUE(read_plain_packet(frame, kMac, packet));
    for (std::size_t i = 0; i < packet.segment_size; ++i) {
      auto changed = frame;
      changed[packet.segment_offset + i] ^= std::byte{0x10};
      ASSERT_TRUE(read_plain_packet(changed, kMac, packet));
      EXPECT_FALSE(verify_plain_checksums(changed, packet)) << i;
    }
  }
}

// The reference: each layer's own parser.
void expect_parsed_alike(base::Bytes frame, const PlainPacket& plain) {
  const auto link = parse_ethernet(frame);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->destination, kMac);
  ASSERT_FALSE(link->vlan);
  const base::Bytes packet = frame.subspan(link->size());
  base::FourTuple flow;
  base::Bytes segment;
  if (link->type == EtherType::kIpv4) {
    const auto ip = parse_ipv4(packet, HeaderChecksum::kTrust);
    ASSERT_TRUE(ip);
    EXPECT_FALSE(ip->header.is_fragment());
    EXPECT_EQ(ip->header.protocol, IpProtocol::kTcp);
    EXPECT_EQ(ip->header.traffic_class, plain.traffic_class);
    flow.remote.address = ip->header.source;
    flow.local.address = ip->header.destination;
    segment = packet.first(ip->total_size).subspan(ip->size);
  } else {
    const auto ip = parse_ipv6(packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->header.next_header, IpProtocol::kTcp);
    EXPECT_EQ(ip->header.traffic_class, plain.traffic_class);
    flow.remote.address = ip->header.source;
    flow.local.address = ip->header.destination;
    segment = packet.first(ip->total_size).subspan(Ipv6Header::kSize);
  }
  EXPECT_EQ(frame.data() + plain.segment_offset, segment.data());
  EXPECT_EQ(plain.segment_size, segment.size());
  ASSERT_GE(segment.size(), TcpHeader::kMinSize);
  flow.remote.port = base::load_be<std::uint16_t>(segment.data());
  flow.local.port = base::load_be<std::uint16_t>(segment.data() + 2);
  EXPECT_EQ(plain.flow, flow);
}

TEST(PlainPacket, RandomlyChangedFramesAreReadAsTheParsersReadThem) {
  std::mt19937 random(1);
  std::size_t plain = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto frame = random() % 2 != 0 ? ipv4_frame() : ipv6_frame();
    change_at_random(frame, random);
    PlainPacket packet;
    if (!read_plain_packet(frame, kMac, packet)) continue;
    ++plain;
    expect_parsed_alike(frame, packet);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(plain, 5'000U);
}

}  // namespace
}  // namespace sluice::wire
