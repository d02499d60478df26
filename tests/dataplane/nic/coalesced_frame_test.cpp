#include "dataplane/nic/coalesced_frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/wire/checksum.hpp"
#include "tests/support/frames.hpp"

namespace sluice::nic {
namespace {

using test::ByteVector;

const base::IpAddress kSource = base::Ipv4Address{0xc6120001};
const base::IpAddress kDestination = base::Ipv4Address{0xc6120002};
const base::IpAddress kSource6 = *base::Ipv6Address::parse("2001:db8::1");
const base::IpAddress kDestination6 = *base::Ipv6Address::parse("2001:db8::2");
constexpr std::uint32_t kSequence = 0xfffffff0;  // wraps on the way

wire::TcpHeader tcp_header() {
  wire::TcpHeader header;
  header.source_port = 1000;
  header.destination_port = 443;
  header.sequence = wire::SeqNumber{kSequence};
  header.flags = {.psh = true, .ack = true};
  header.window = 500;
  header.options.timestamps = wire::TcpTimestamps{.value = 7, .echo = 8};
  return header;
}

ByteVector text(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251);
  return bytes;
}

ByteVector ipv4_frame(const wire::TcpHeader& header, base::Bytes payload) {
  return test::ethernet_frame(
      {.type = wire::EtherType::kIpv4},
      test::ipv4_packet({.source = kSource.ipv4(),
                         .destination = kDestination.ipv4(),
                         .protocol = wire::IpProtocol::kTcp},
                        test::tcp_segment(kSource, kDestination, header, payload)));
}

ByteVector ipv6_frame(const wire::TcpHeader& header, base::Bytes payload) {
  return test::ethernet_frame(
      {.type = wire::EtherType::kIpv6},
      test::ipv6_packet({.source = kSource6.ipv6(),
                         .destination = kDestination6.ipv6(),
                         .next_header = wire::IpProtocol::kTcp},
                        test::tcp_segment(kSource6, kDestination6, header, payload)));
}

class CoalescedFrame : public ::testing::Test {
 protected:
  // The frame over buffers that take so much each.
  std::vector<base::Packet*> spread(base::Bytes frame, std::size_t each) {
    std::vector<base::Packet*> buffers;
    for (std::size_t at = 0; at < frame.size(); at += each) {
      const base::Bytes piece = frame.subspan(at, std::min(each, frame.size() - at));
      owned_.push_back(base::PacketPtr(pool_.allocate()));
      base::copy(owned_.back()->append(piece.size()), piece);
      buffers.push_back(owned_.back().get());
    }
    return buffers;
  }

  struct Part {
    wire::TcpHeader tcp;
    std::size_t size = 0;  // of the text
  };
  // Checks each frame as far as it does not depend on the part, and puts the text together.
  ByteVector reassemble(const std::vector<base::Packet*>& frames, std::vector<Part>& parts) {
    ByteVector whole;
    for (base::Packet* frame : frames) {
      const auto ethernet = wire::parse_ethernet(frame->bytes());
      EXPECT_TRUE(ethernet);
      const base::Bytes packet = frame->bytes().subspan(ethernet->size());
      const bool is_ipv4 = ethernet->type == wire::EtherType::kIpv4;
      const std::size_t total = is_ipv4 ? wire::parse_quoted_ipv4(packet)->total_size
                                        : wire::parse_quoted_ipv6(packet)->total_size;
      EXPECT_EQ(total, packet.size());
      const base::Bytes segment = packet.subspan(is_ipv4 ? 20 : 40);
      const auto tcp = wire::parse_tcp(segment);
      EXPECT_TRUE(tcp);
      EXPECT_TRUE(frame->checksum.l4_verified && frame->checksum.ip_verified);
      const base::Bytes piece = segment.subspan(tcp->size);
      EXPECT_EQ(tcp->header.sequence.value(), kSequence + static_cast<std::uint32_t>(whole.size()));
      parts.push_back({.tcp = tcp->header, .size = piece.size()});
      whole.insert(whole.end(), piece.begin(), piece.end());
    }
    return whole;
  }

  base::MemoryPacketPool pool_{256};
  std::vector<base::PacketPtr> owned_;
};

TEST_F(CoalescedFrame, EachBufferBecomesASegmentWithItsOwnNumberAndLength) {
  const ByteVector sent = text(30'000);
  for (const bool is_ipv4 : {true, false}) {
    const auto frame = is_ipv4 ? ipv4_frame(tcp_header(), sent) : ipv6_frame(tcp_header(), sent);
    const auto buffers = spread(frame, 1900);
    ASSERT_TRUE(take_apart(buffers));
    std::vector<Part> parts;
    EXPECT_EQ(reassemble(buffers, parts), sent);
    ASSERT_EQ(parts.size(), buffers.size());
    for (const Part& part : parts) {
      EXPECT_EQ(part.tcp.options, tcp_header().options);
      EXPECT_EQ(part.tcp.flags.psh, &part == &parts.back());
      EXPECT_GT(part.size, 0U);
    }
  }
}

TEST_F(CoalescedFrame, EndOfTheStreamStandsOnTheLastPartAndTheReducedWindowOnTheFirst) {
  wire::TcpHeader header = tcp_header();
  header.flags.fin = header.flags.cwr = header.flags.ece = true;
  const auto buffers = spread(ipv4_frame(header, text(4000)), 1900);
  ASSERT_TRUE(take_apart(buffers));
  std::vector<Part> parts;
  (void)reassemble(buffers, parts);
  ASSERT_EQ(parts.size(), 3U);
  for (const Part& part : parts) {
    EXPECT_EQ(part.tcp.flags.fin, &part == &parts.back());
    EXPECT_EQ(part.tcp.flags.cwr, &part == &parts.front());
    EXPECT_TRUE(part.tcp.flags.ece);
  }
}

TEST_F(CoalescedFrame, OtherFramesAreLeftAlone) {
  wire::TcpHeader opening = tcp_header();
  opening.flags.syn = true;
  wire::TcpHeader ending = tcp_header();
  ending.flags.rst = true;
  ByteVector padded = ipv4_frame(tcp_header(), text(4000));
  padded.resize(padded.size() + 1);
  ByteVector fragment = ipv4_frame(tcp_header(), text(4000));
  fragment[20] = std::byte{0x20};
  ByteVector datagram = ipv4_frame(tcp_header(), text(4000));
  datagram[23] = std::byte{17};
  for (const ByteVector& frame : {ipv4_frame(opening, text(4000)), ipv4_frame(ending, text(4000)),
                                  padded, fragment, datagram, ByteVector(4000)}) {
    const auto buffers = spread(frame, 1900);
    EXPECT_FALSE(take_apart(buffers));
    ByteVector after;
    for (const base::Packet* buffer : buffers) {
      after.insert(after.end(), buffer->bytes().begin(), buffer->bytes().end());
    }
    EXPECT_EQ(after, frame);
  }
}

TEST_F(CoalescedFrame, BuffersWithoutTextOrWithoutRoomForHeadersAreRefused) {
  const ByteVector frame = ipv4_frame(tcp_header(), text(4000));
  EXPECT_FALSE(take_apart(spread(frame, 66)));  // nothing but headers in the first
  const auto tight = spread(frame, 1900);
  (void)tight[1]->prepend(100);
  tight[1]->trim_back(100);
  EXPECT_FALSE(take_apart(tight));
  auto hollow = spread(frame, 1900);
  owned_.push_back(base::PacketPtr(pool_.allocate()));
  hollow.push_back(owned_.back().get());
  EXPECT_FALSE(take_apart(hollow));
}

}  // namespace
}  // namespace sluice::nic
