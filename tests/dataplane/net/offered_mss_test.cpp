// The MSS that a SYN-ACK offers (RFC 9293 3.7.1 MUST-67, RFC 6691): what the interface takes that
// leads to the peer, also where another interface takes more or less.
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

class OfferedMss : public StackFixture {
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
  std::optional<std::uint16_t> offered(InterfaceId interface, const Port& port) {
    interface_ = interface;
    wire::TcpHeader syn;
    syn.source_port = 50'000;
    syn.destination_port = 443;
    syn.flags = {.syn = true};
    receive(test::ethernet_frame(
        {.destination = kOurMac, .source = kPeerMac, .type = wire::EtherType::kIpv4, .vlan = {}},
        test::ipv4_packet(
            {.source = port.peer, .destination = port.ours, .protocol = wire::IpProtocol::kTcp},
            test::tcp_segment(port.peer, port.ours, syn, {}))));
    const auto sent = outgoing();
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty()) return std::nullopt;
    return wire::parse_tcp(base::Bytes(sent.front()).subspan(14 + 20))->header.options.mss;
  }
};

TEST_F(OfferedMss, WithOneInterfaceIsThatOfItsMtu) {
  const InterfaceId jumbo = add(kJumbo);
  EXPECT_EQ(offered(jumbo, kJumbo), 8960);
}

TEST_F(OfferedMss, WithSeveralIsThatOfTheOneThatLeadsThere) {
  const InterfaceId ethernet = add(kEthernet);
  const InterfaceId jumbo = add(kJumbo);
  EXPECT_EQ(offered(ethernet, kEthernet), 1460);
  EXPECT_EQ(offered(jumbo, kJumbo), 8960);
}

}  // namespace
}  // namespace sluice::net
