// RFC 9293 3.4, 3.5 and 3.9.1.1: sequence numbers, handshakes, and the calls that begin them; the
// numbers of RFC 6528 and the ports of RFC 6056.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "dataplane/net/tcp/flow_hash.hpp"
#include "dataplane/net/tcp/ports.hpp"
#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

ConnectOptions to_port(const Script& host, std::uint16_t port) {
  return {.source = host.local,
          .remote = {.address = host.remote, .port = port},
          .timeout = Duration::seconds(10)};
}

// --- 3.4.1 and RFC 6528: initial sequence numbers ---

// MUST-8: "A TCP implementation MUST use the above type of 'clock' for clock-driven selection of
// initial sequence numbers": one tick in four microseconds.
TEST(Rfc9293InitialSequence, FollowsAClockOfFourMicroseconds) {
  Script host;
  host.listen();
  host.arrives(syn(Script::kPeerIss));
  const SeqNumber first = host.sent().header.sequence;
  host.arrives(rst(host.theirs(0)));
  host.now = host.now + Duration::microseconds(4'000);
  host.arrives(syn(Script::kPeerIss));
  EXPECT_EQ(host.sent().header.sequence - first, 1'000);
}

// MUST-9: "F() MUST NOT be computable from the outside": without the key nothing follows from the
// numbers of another flow or of another host.
TEST(Rfc9293InitialSequence, DependsOnTheFlowAndOnASecret) {
  const base::Instant now = base::Instant::from_nanoseconds(0);
  const FlowHash host(std::array<std::byte, 16>{std::byte{1}});
  const FlowHash other(std::array<std::byte, 16>{std::byte{2}});
  base::FourTuple flow{.local = *base::SocketAddress::parse("198.18.0.1:443"),
                       .remote = *base::SocketAddress::parse("198.18.0.2:5000")};
  std::set<std::int32_t> differences;
  SeqNumber previous = host.initial_sequence(flow, now);
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(host.initial_sequence(flow, now), other.initial_sequence(flow, now));
    ++flow.remote.port;
    const SeqNumber next = host.initial_sequence(flow, now);
    differences.insert(next - previous);
    previous = next;
  }
  EXPECT_EQ(differences.size(), 100U);
}

// --- 3.5: establishing a connection ---

// MUST-10: "TCP implementations MUST support simultaneous open attempts", also where a SYN-ACK is
// lost and the handshake ends with an acknowledgment of it.
TEST(Rfc9293Opening, SimultaneousOpenSurvivesALostSynAck) {
  Script host;
  const auto c = host.connecting();
  host.arrives(syn(Script::kPeerIss).mss(1000));
  EXPECT_EQ(host.sent().header.flags, (wire::TcpFlags{.syn = true, .ack = true}));
  host.pass(Duration::milliseconds(1'100));
  const Segment again = host.sent();
  EXPECT_EQ(again.header.flags, (wire::TcpFlags{.syn = true, .ack = true}));
  EXPECT_EQ(again.header.sequence, host.iss);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.opened);
  host.write(c, "hello");
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
}

// MUST-11: "MUST keep track of whether a connection has reached SYN-RECEIVED state as the result of
// a passive OPEN or an active OPEN": a reset returns the one to LISTEN, without a word, and has the
// other refused.
TEST(Rfc9293Opening, ResetInSynReceivedMeansWhatTheOpenWas) {
  Script passive;
  passive.syn_received(syn(Script::kPeerIss));
  passive.arrives(rst(passive.theirs(0)));
  EXPECT_FALSE(passive.engine.next_event());
  EXPECT_EQ(passive.engine.connections(), 0U);
  passive.arrives(syn(Script::kPeerIss + 77));
  EXPECT_TRUE(passive.sent().header.flags.syn);
  Script active;
  const auto c = active.connecting();
  active.arrives(syn(Script::kPeerIss));
  active.arrives(rst(active.theirs(0)));
  const auto event = active.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->connection, c);
  EXPECT_EQ(event->reason, CloseReason::kRefused);
}

// 3.5, figure 9: an old duplicate SYN is found out by the peer's reset, and the listener listens.
TEST(Rfc9293Opening, OldDuplicateSynIsForgottenByThePeersReset) {
  Script host;
  host.listen();
  host.arrives(syn(Script::kPeerIss - 5'000));
  const Segment answer = host.sent();
  host.arrives(rst(answer.header.acknowledgement));
  EXPECT_EQ(host.engine.connections(), 0U);
  host.arrives(syn(Script::kPeerIss));
  host.iss = host.sent().header.sequence;
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  EXPECT_TRUE(host.engine.next_event());
}

// 3.5.1, figure 10: we have forgotten a connection that the peer has still open, and open anew: its
// acknowledgment is reset, and our SYN, sent again, is heard.
TEST(Rfc9293Opening, HalfOpenConnectionOfThePeerIsReset) {
  Script host;
  (void)host.connecting();
  host.arrives(bare(SeqNumber(300)).ack(SeqNumber(100)));
  const Segment reset = host.sent();
  EXPECT_EQ(reset.header.flags, wire::TcpFlags{.rst = true});
  EXPECT_EQ(reset.header.sequence, SeqNumber(100));
  host.pass(Duration::milliseconds(1'100));
  EXPECT_EQ(host.sent().header.flags, wire::TcpFlags{.syn = true});
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  EXPECT_TRUE(host.engine.next_event()->what.opened);
}

// 3.5.1, figure 11: the peer's text arrives where nothing is known of it.
TEST(Rfc9293Opening, TextForAConnectionThatIsGoneIsReset) {
  Script host;
  host.listen();
  host.arrives(data(SeqNumber(300), "ten octets").ack(SeqNumber(100)));
  const Segment reset = host.sent();
  EXPECT_EQ(reset.header.flags, wire::TcpFlags{.rst = true});
  EXPECT_EQ(reset.header.sequence, SeqNumber(100));
}

// --- 3.9.1.1: the OPEN calls ---

// MUST-41: a passive OPEN "MUST NOT affect any previously created connection record".
TEST(Rfc9293Open, ListeningLeavesOpenConnectionsAlone) {
  Script host;
  const auto c = host.established();
  EXPECT_FALSE(host.engine.listen({.address = host.local, .port = Script::kLocalPort}));
  EXPECT_TRUE(host.engine.listen({.address = host.local, .port = 8'080}));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "abc");
  EXPECT_EQ(host.engine.connections(), 1U);
}

// MUST-42: an OPEN call "will functionally allow an application to LISTEN on a port while a
// connection block with the same local port is in SYN-SENT or SYN-RECEIVED state".
TEST(Rfc9293Open, PortOfAHandshakeMayBeListenedOn) {
  Script host;
  const auto c = host.connecting();
  ASSERT_TRUE(host.engine.listen({.address = host.local, .port = host.local_port}));
  host.arrives(syn(Script::kPeerIss).ports(6'000, host.local_port));
  EXPECT_EQ(host.sent().header.flags, (wire::TcpFlags{.syn = true, .ack = true}));
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->connection, c);
  EXPECT_FALSE(event->accepted);
}

// MUST-43: "The optional 'local IP address' parameter MUST be supported"; MUST-45: all segments of
// the connection carry it, which send_tcp() of the script checks.
TEST(Rfc9293Open, LocalAddressIsTheCallers) {
  Script host;
  const auto c = host.connecting();
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  host.write(c, "hello");
  EXPECT_EQ(host.engine.addresses(c)->local.address, host.local);
  ConnectOptions foreign = to_port(host, 80);
  foreign.source = host.remote;
  EXPECT_EQ(host.engine.connect(host.now, foreign).error(), ConnectError::kAddressNotOurs);
}

// --- RFC 6056: source ports ---

// 3.3.3: the next connection to the same place has the next port, one to another place begins
// elsewhere, and both depend on a secret.
TEST(Rfc6056, PortsBeginWhereTheDestinationSaysAndGoOnFromThere) {
  Script host;
  std::set<int> distances;
  for (std::uint16_t port = 80; port < 90; ++port) {
    ASSERT_TRUE(host.engine.connect(host.now, to_port(host, port)));
    const int first = host.sent().header.source_port;
    ASSERT_TRUE(host.engine.connect(host.now, to_port(host, port)));
    const int second = host.sent().header.source_port;
    EXPECT_EQ(second, first == 0xffff ? kFirstEphemeralPort : first + 1);
    distances.insert(first);
  }
  EXPECT_EQ(distances.size(), 10U);
}

// 3.1: a flow that is in use is never chosen again. One call looks at some thousand ports, so that
// eight have seen them all.
TEST(Rfc6056, PortOfAnOpenFlowIsNotChosen) {
  Script::Options options;
  options.owns_flow = [](const base::FourTuple& flow) { return flow.local.port == 20'000; };
  Script host(options);
  int opened = 0;
  for (int i = 0; i < 16; ++i) {
    if (host.engine.connect(host.now, to_port(host, 80))) ++opened;
  }
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(host.sent().header.source_port, 20'000);
}

}  // namespace
}  // namespace sluice::net::tcp::test
