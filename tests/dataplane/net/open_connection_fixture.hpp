// A stack with a connection that its peer has opened, and the peer's frames.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {

class OpenConnectionFixture : public StackFixture {
 protected:
  static constexpr auto kOurs = base::Ipv4Address::of(198, 18, 0, 2);
  static constexpr auto kPeer = base::Ipv4Address::of(198, 18, 0, 1);
  static constexpr std::uint32_t kIss = 100;

  explicit OpenConnectionFixture(std::size_t data_room = 2048) : StackFixture(data_room) {}

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
            .sequence = wire::SeqNumber(sequence),
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

  wire::SeqNumber ours_;
  unsigned scale_ = 0;
  ConnectionHandle connection_;
};

}  // namespace sluice::net
