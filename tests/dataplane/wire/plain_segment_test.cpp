// What is read as plain, and that the parsers of every layer read it just the same.
#include "dataplane/wire/plain_segment.hpp"

#include <gtest/gtest.h>

#include <random>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "tests/dataplane/wire/changed_frames.hpp"
#include "tests/support/frames.hpp"

namespace sluice::wire {
namespace {

constexpr base::MacAddress kMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};
constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kTheirs = base::Ipv4Address::of(198, 18, 0, 1);
const auto kOurs6 = *base::Ipv6Address::parse("2001:db8::2");
const auto kTheirs6 = *base::Ipv6Address::parse("2001:db8::1");

TcpHeader plain_header(bool timestamps) {
  TcpHeader header{.source_port = 50000,
                   .destination_port = 443,
                   .sequence = SeqNumber(0xfffffff0),
                   .acknowledgement = SeqNumber(77),
                   .flags = {.psh = true, .ack = true},
                   .window = 513};
  if (timestamps) header.options.timestamps = TcpTimestamps{.value = 5, .echo = 6};
  return header;
}

const test::ByteVector kText(21, std::byte{'x'});

test::ByteVector ipv4_frame(const TcpHeader& header, const Ipv4Header& ip = {}) {
  Ipv4Header with_addresses = ip;
  with_addresses.source = kTheirs;
  with_addresses.destination = kOurs;
  with_addresses.protocol = IpProtocol::kTcp;
  return test::ethernet_frame(
      {.destination = kMac, .source{}, .type = EtherType::kIpv4, .vlan{}},
      test::ipv4_packet(with_addresses, test::tcp_segment(kTheirs, kOurs, header, kText)));
}

test::ByteVector ipv6_frame(const TcpHeader& header) {
  return test::ethernet_frame(
      {.destination = kMac, .source{}, .type = EtherType::kIpv6, .vlan{}},
      test::ipv6_packet(
          {.source = kTheirs6, .destination = kOurs6, .next_header = IpProtocol::kTcp},
          test::tcp_segment(kTheirs6, kOurs6, header, kText)));
}

bool is_plain(const test::ByteVector& frame) {
  PlainSegment segment;
  return read_plain_segment(frame, kMac, segment);
}

TEST(PlainSegment, BothFamiliesAreRead) {
  for (const bool timestamps : {false, true}) {
    for (const auto& frame :
         {ipv4_frame(plain_header(timestamps)), ipv6_frame(plain_header(timestamps))}) {
      PlainSegment segment;
      ASSERT_TRUE(read_plain_segment(frame, kMac, segment));
      EXPECT_EQ(segment.flow.local.port, 443);
      EXPECT_EQ(segment.flow.remote.port, 50000);
      EXPECT_EQ(segment.sequence, SeqNumber(0xfffffff0));
      EXPECT_EQ(segment.acknowledgement, SeqNumber(77));
      EXPECT_EQ(segment.window, 513);
      EXPECT_EQ(segment.has_timestamps, timestamps);
      EXPECT_TRUE(segment.push);
      EXPECT_EQ(segment.text_size, kText.size());
      EXPECT_TRUE(
          base::equal(base::Bytes(frame).subspan(segment.text_offset, kText.size()), kText));
      EXPECT_TRUE(verify_plain_checksums(frame, segment));
    }
  }
}

TEST(PlainSegment, OtherFlagsOptionsAndFragmentsAreNot) {
  for (const TcpFlags flags :
       {TcpFlags{}, TcpFlags{.fin = true, .ack = true}, TcpFlags{.syn = true},
        TcpFlags{.rst = true, .ack = true}, TcpFlags{.ack = true, .urg = true},
        TcpFlags{.ack = true, .ece = true}, TcpFlags{.ack = true, .cwr = true}}) {
    TcpHeader header = plain_header(true);
    header.flags = flags;
    EXPECT_FALSE(is_plain(ipv4_frame(header)));
  }
  TcpHeader sack = plain_header(true);
  (void)sack.options.sack.push_back({.left = SeqNumber(1), .right = SeqNumber(2)});
  EXPECT_FALSE(is_plain(ipv4_frame(sack)));
  EXPECT_FALSE(is_plain(ipv4_frame(plain_header(true), {.more_fragments = true})));
  EXPECT_FALSE(is_plain(ipv4_frame(plain_header(true), {.fragment_offset = 8})));
}

TEST(PlainSegment, ForAnotherStationOrTooShortIsNot) {
  const auto frame = ipv4_frame(plain_header(true));
  PlainSegment segment;
  EXPECT_FALSE(read_plain_segment(frame, base::MacAddress::broadcast(), segment));
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_FALSE(read_plain_segment(base::Bytes(frame).first(size), kMac, segment)) << size;
  }
}

TEST(PlainSegment, MappedAddressesInIpv6AreNot) {
  auto frame = ipv6_frame(plain_header(true));
  const auto mapped = *base::Ipv6Address::parse("::ffff:198.18.0.1");
  base::copy(base::MutableBytes(frame).subspan(EthernetHeader::kSize + 8), mapped.octets);
  EXPECT_FALSE(is_plain(frame));
}

TEST(PlainSegment, EveryChangedByteIsNoticedByAChecksum) {
  const auto frame = ipv4_frame(plain_header(true));
  for (std::size_t at = EthernetHeader::kSize; at < frame.size(); ++at) {
    auto changed = frame;
    changed[at] ^= std::byte{0x10};
    PlainSegment segment;
    if (!read_plain_segment(changed, kMac, segment)) continue;
    EXPECT_FALSE(verify_plain_checksums(changed, segment)) << at;
  }
}

TEST(PlainTcpHeader, IsWrittenAsAnyHeaderIs) {
  for (const bool timestamps : {false, true}) {
    const TcpHeader header = plain_header(timestamps);
    const PlainTcpHeader plain{.source_port = header.source_port,
                               .destination_port = header.destination_port,
                               .sequence = header.sequence,
                               .acknowledgement = header.acknowledgement,
                               .flags = header.flags.octet(),
                               .window = header.window,
                               .has_timestamps = timestamps,
                               .timestamps = header.options.timestamps.value_or(TcpTimestamps{})};
    ASSERT_EQ(plain.size(), tcp_header_size(header));
    test::ByteVector expected(plain.size());
    serialize_tcp(header, expected);
    test::ByteVector written(plain.size(), std::byte{0xff});
    write_plain_tcp(plain, written);
    EXPECT_EQ(written, expected);
  }
}

// The reference: each layer's own parser.
void expect_parsed_alike(base::Bytes frame, const PlainSegment& plain) {
  const auto link = parse_ethernet(frame);
  ASSERT_TRUE(link);
  const base::Bytes packet = frame.subspan(link->size());
  base::IpAddress source;
  base::IpAddress destination;
  base::Bytes segment;
  if (link->type == EtherType::kIpv4) {
    const auto ip = parse_ipv4(packet, HeaderChecksum::kTrust);
    ASSERT_TRUE(ip);
    EXPECT_FALSE(ip->header.is_fragment());
    EXPECT_EQ(ip->header.protocol, IpProtocol::kTcp);
    EXPECT_EQ(ip->header.traffic_class, plain.traffic_class);
    source = ip->header.source;
    destination = ip->header.destination;
    segment = packet.first(ip->total_size).subspan(ip->size);
  } else {
    const auto ip = parse_ipv6(packet);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->header.next_header, IpProtocol::kTcp);
    EXPECT_EQ(ip->header.traffic_class, plain.traffic_class);
    source = ip->header.source;
    destination = ip->header.destination;
    segment = packet.first(ip->total_size).subspan(Ipv6Header::kSize);
  }
  const auto tcp = parse_tcp(segment);
  ASSERT_TRUE(tcp);
  const TcpHeader& header = tcp->header;
  EXPECT_EQ(plain.flow.local, (base::SocketAddress{destination, header.destination_port}));
  EXPECT_EQ(plain.flow.remote, (base::SocketAddress{source, header.source_port}));
  EXPECT_EQ(plain.sequence, header.sequence);
  EXPECT_EQ(plain.acknowledgement, header.acknowledgement);
  EXPECT_EQ(plain.window, header.window);
  EXPECT_EQ(header.flags, (TcpFlags{.psh = plain.push, .ack = true}));
  EXPECT_EQ(plain.has_timestamps, header.options.timestamps.has_value());
  if (plain.has_timestamps) {
    EXPECT_EQ(plain.timestamps, *header.options.timestamps);
  }
  EXPECT_EQ(plain.text_size, segment.size() - tcp->size);
  EXPECT_EQ(frame.data() + plain.text_offset, segment.data() + tcp->size);
}

TEST(PlainSegment, RandomlyChangedFramesAreReadAsTheParsersReadThem) {
  std::mt19937 random(1);
  std::size_t plain = 0;
  for (int i = 0; i < 20'000; ++i) {
    const TcpHeader header = plain_header(random() % 2 != 0);
    auto frame = random() % 2 != 0 ? ipv4_frame(header) : ipv6_frame(header);
    change_at_random(frame, random);
    PlainSegment segment;
    if (!read_plain_segment(frame, kMac, segment)) continue;
    ++plain;
    expect_parsed_alike(frame, segment);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(plain, 5'000U);
}

}  // namespace
}  // namespace sluice::wire
