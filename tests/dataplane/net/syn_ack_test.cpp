// SYN-ACKs: the MSS that they offer (RFC 9293 3.7.1, RFC 6691), which is what the interface takes
// that leads to the peer, and the packet that they go out in, which is the SYN's own.
#include <gtest/gtest.h>

#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

struct Port {
  base::Ipv4Address ours;
  base::Ipv4Address peer;
  std::uint16_t mtu;
};
constexpr Port kEthernet{.ours = base::Ipv4Address::of(198, 18, 0, 2),
                         .peer = base::Ipv4Address::of(198, 18, 0, 1),
                         .mtu = 1500};
constexpr Port kJumbo{.ours = base::Ipv4Address::of(198, 18, 1, 2),
                      .peer = base::Ipv4Address::of(198, 18, 1, 1),
                      .mtu = 9000};

class SynAck : public StackFixture {
 protected:
  InterfaceId add(const Port& port) {
    interface_ = stack_.add_interface({.mac = kOurMac,
                                       .addresses = {{.address = port.ours, .length = 24}},
                                       .gateway = {},
                                       .mtu = port.mtu});
    EXPECT_TRUE(stack_.listen({.address = port.ours, .port = 443}));
    receive(test::ethernet_frame({.destination = base::MacAddress::broadcast(),
                                  .source = kPeerMac,
                                  .type = wire::EtherType::kArp,
                                  .vlan = {}},
                                 test::arp_payload({.operation = wire::ArpOperation::kRequest,
                                                    .sender_mac = kPeerMac,
                                                    .sender = port.peer,
                                                    .target_mac = {},
                                                    .target = port.ours})));
    (void)outgoing();
    return interface_;
  }
  static test::ByteVector syn(const Port& port) {
    wire::TcpHeader header;
    header.source_port = 50'000;
    header.destination_port = 443;
    header.flags = {.syn = true};
    return test::ethernet_frame(
        {.destination = kOurMac, .source = kPeerMac, .type = wire::EtherType::kIpv4, .vlan = {}},
        test::ipv4_packet(
            {.source = port.peer, .destination = port.ours, .protocol = wire::IpProtocol::kTcp},
            test::tcp_segment(port.peer, port.ours, header, {})));
  }
  std::optional<std::uint16_t> offered(InterfaceId interface, const Port& port) {
    interface_ = interface;
    receive(syn(port));
    const auto sent = outgoing();
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty()) return std::nullopt;
    return wire::parse_tcp(base::Bytes(sent.front()).subspan(14 + 20))->header.options.mss;
  }
};

TEST_F(SynAck, MssWithOneInterfaceIsThatOfItsMtu) {
  const InterfaceId jumbo = add(kJumbo);
  EXPECT_EQ(offered(jumbo, kJumbo), 8960);
}

TEST_F(SynAck, MssWithSeveralIsThatOfTheOneThatLeadsThere) {
  const InterfaceId ethernet = add(kEthernet);
  const InterfaceId jumbo = add(kJumbo);
  EXPECT_EQ(offered(ethernet, kEthernet), 1460);
  EXPECT_EQ(offered(jumbo, kJumbo), 8960);
}

TEST_F(SynAck, GoesOutInTheSynsPacket) {
  add(kEthernet);
  receive(syn(kEthernet));
  ASSERT_EQ(stack_.outgoing(interface_).packets(), 1U);
  EXPECT_EQ(pool_.capacity() - pool_.available(), 1U);
  (void)outgoing();
  EXPECT_EQ(pool_.capacity(), pool_.available());
}

// As a device that captures traffic does.
TEST_F(SynAck, DoesNotTouchAPacketThatSomebodyElseHolds) {
  add(kEthernet);
  const auto frame = syn(kEthernet);
  base::PacketPtr held(pool_.allocate());
  base::copy(held->append(frame.size()), frame);
  const std::byte* const at = held->data();
  held->retain();
  base::Packet* const packet = held.get();
  stack_.receive(now_, interface_, std::span(&packet, 1));
  EXPECT_EQ(outgoing().size(), 1U);
  EXPECT_TRUE(base::equal({at, frame.size()}, frame));
}

}  // namespace
}  // namespace sluice::net
