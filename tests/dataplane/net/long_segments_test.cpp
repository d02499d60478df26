// Segments longer than the MTU, as devices make them from several that arrive in a row (large
// receive offload): taken whole, counted by bytes.
#include <gtest/gtest.h>

#include <string>

#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using wire::SeqNumber;

constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
constexpr auto kPeer = base::Ipv4Address::of(198, 18, 0, 1);
constexpr std::size_t kDataRoom = 61'440;
constexpr std::uint32_t kIss = 100;

class LongSegments : public StackFixture {
 protected:
  LongSegments() : StackFixture(kDataRoom) {}

  void SetUp() override {
    interface_ = stack_.add_interface({.mac = kOurMac,
                                       .addresses = {{.address = kOurs, .length = 24}},
                                       .gateway = {},
                                       .mtu = 1500,
                                       .device_verifies_checksums = true});
    ASSERT_TRUE(stack_.listen({.address = kOurs, .port = 443}));
    receive(test::ethernet_frame({.destination = base::MacAddress::broadcast(),
                                  .source = kPeerMac,
                                  .type = wire::EtherType::kArp,
                                  .vlan = {}},
                                 test::arp_payload({.operation = wire::ArpOperation::kRequest,
                                                    .sender_mac = kPeerMac,
                                                    .sender = kPeer,
                                                    .target_mac = {},
                                                    .target = kOurs})));
    (void)outgoing();
    wire::TcpHeader syn = header(kIss);
    syn.flags = {.syn = true};
    syn.options.mss = 1460;
    syn.options.window_scale = 0;
    receive(frame(syn, ""));
    const wire::TcpHeader answer = answered();
    ours_ = answer.sequence + 1;
    scale_ = answer.options.window_scale.value_or(0);
    receive(frame(header(kIss + 1), ""));
    const auto event = next_event();
    ASSERT_TRUE(event);
    connection_ = event->connection;
  }

  [[nodiscard]] wire::TcpHeader header(std::uint32_t sequence) const {
    return {.source_port = 50'000,
            .destination_port = 443,
            .sequence = SeqNumber(sequence),
            .acknowledgement = ours_,
            .flags = {.ack = true},
            .window = 65'535};
  }
  static test::ByteVector frame(const wire::TcpHeader& header, std::string_view text) {
    return test::ethernet_frame(
        {.destination = kOurMac, .source = kPeerMac, .type = wire::EtherType::kIpv4, .vlan = {}},
        test::ipv4_packet(
            {.source = kPeer, .destination = kOurs, .protocol = wire::IpProtocol::kTcp},
            test::tcp_segment(kPeer, kOurs, header, base::bytes_of(text))));
  }
  // The `at`th byte of the peer's text and those behind it.
  void text_arrives(std::uint32_t at, std::string_view text) {
    receive(frame(header(kIss + 1 + at), text), {.ip_verified = true, .l4_verified = true});
  }
  // The one segment that the stack has sent.
  wire::TcpHeader answered() {
    const auto sent = outgoing();
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty()) return {};
    return wire::parse_tcp(base::Bytes(sent.front()).subspan(14 + 20))->header;
  }
  std::string read() {
    std::string text;
    base::PacketQueue& input = *stack_.input(connection_);
    while (const base::PacketPtr packet = input.pop_front()) {
      text += std::string(reinterpret_cast<const char*>(packet->data()), packet->size());
    }
    stack_.consumed(now_, connection_);
    stack_.flush(now_);
    return text;
  }
  static std::string text(std::size_t size) {
    std::string bytes(size, ' ');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i % 23);
    return bytes;
  }

  SeqNumber ours_;
  unsigned scale_ = 0;
  ConnectionHandle connection_;
};

TEST_F(LongSegments, AreTakenWholeAndAcknowledgedAtOnce) {
  std::uint32_t received = 0;
  for (const std::size_t size : {std::size_t{16'384}, std::size_t{60'000}}) {
    const std::string sent = text(size);
    text_arrives(received, sent);
    received += static_cast<std::uint32_t>(size);
    // RFC 9293 3.8.6.3: it stands for more than two segments, so it does not wait for another one.
    EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1 + received));
    EXPECT_EQ(read(), sent);
    (void)outgoing();
  }
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

TEST_F(LongSegments, ShrinkTheWindowByNoMoreThanTheirBytesAndReadingOpensItAgain) {
  text_arrives(0, text(16'384));
  const std::uint32_t before = std::uint32_t{answered().window} << scale_;
  text_arrives(16'384, text(16'384));
  const std::uint32_t after = std::uint32_t{answered().window} << scale_;
  EXPECT_GE(after + 16'384 + (1U << scale_), before);
  EXPECT_EQ(read().size(), 32'768U);
  EXPECT_GT(std::uint32_t{answered().window} << scale_, after);
}

TEST_F(LongSegments, OutOfOrderWaitForTheGapAndAreDeliveredBehindIt) {
  const std::string sent = text(40'000);
  text_arrives(20'000, std::string_view(sent).substr(20'000));
  EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1));
  text_arrives(0, std::string_view(sent).substr(0, 20'000));
  EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1 + 40'000));
  EXPECT_EQ(read(), sent);
}

TEST_F(LongSegments, OverlapWithWhatIsThereIsCutOff) {
  const std::string sent = text(30'000);
  text_arrives(0, std::string_view(sent).substr(0, 20'000));
  (void)outgoing();
  text_arrives(5'000, std::string_view(sent).substr(5'000));
  EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1 + 30'000));
  EXPECT_EQ(read(), sent);
}

TEST_F(LongSegments, WithAWrongChecksumThatNobodyVerifiedAreDropped) {
  auto bad = frame(header(kIss + 1), text(16'384));
  bad.back() ^= std::byte{1};
  receive(bad);
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 1U);
  EXPECT_EQ(read(), "");
}

}  // namespace
}  // namespace sluice::net
