// Opening: RFC 9293 3.10.7.1 (no connection), 3.10.7.2 (LISTEN), 3.10.7.3 (SYN-SENT) and
// SYN-RECEIVED.
#include <gtest/gtest.h>

#include <set>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::Instant;

// --- no connection ---

TEST(TcpClosed, SynIsAnsweredWithResetThatAcknowledgesIt) {
  Script host;
  host.arrives(syn(SeqNumber(100)));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.rst);
  EXPECT_TRUE(answer.header.flags.ack);
  EXPECT_EQ(answer.header.sequence, SeqNumber(0));
  EXPECT_EQ(answer.header.acknowledgement, SeqNumber(101));
  EXPECT_EQ(host.counted(NetCounter::kTcpNoListener), 1U);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpClosed, AckIsAnsweredWithResetAtItsNumber) {
  Script host;
  host.arrives(data(SeqNumber(100), "abc").ack(SeqNumber(7)));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.rst);
  EXPECT_FALSE(answer.header.flags.ack);
  EXPECT_EQ(answer.header.sequence, SeqNumber(7));
}

TEST(TcpClosed, ResetIsNotAnswered) {
  Script host;
  host.arrives(rst(SeqNumber(100)));
  host.arrives(rst(SeqNumber(100)).ack(SeqNumber(1)));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpResetIgnored), 2U);
}

TEST(TcpClosed, MalformedSegmentIsCountedAndDropped) {
  Script host;
  host.arrives(syn(SeqNumber(1)).fin());
  base::PacketPtr shorter(host.pool.allocate());
  shorter->append(19);
  host.engine.receive(host.now, host.remote, host.local, std::move(shorter));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpMalformed), 2U);
  EXPECT_EQ(host.packets_out(), 0U);
}

// --- LISTEN ---

TEST(TcpListen, AckIsAnsweredWithReset) {
  Script host;
  host.listen();
  host.arrives(bare(SeqNumber(5)).ack(SeqNumber(77)));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.rst);
  EXPECT_EQ(answer.header.sequence, SeqNumber(77));
  EXPECT_EQ(host.counted(NetCounter::kTcpNotSynchronized), 1U);
}

TEST(TcpListen, ResetIsIgnored) {
  Script host;
  host.listen();
  host.arrives(rst(SeqNumber(5)));
  EXPECT_TRUE(host.silent());
}

TEST(TcpListen, SynIsAnsweredWithTheOptionsThatItOffers) {
  Script host;
  host.listen();
  host.arrives(syn(Script::kPeerIss).mss(1400).scale(3).sack_permitted().timestamps(555, 0));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
  EXPECT_EQ(answer.header.acknowledgement, Script::kPeerIss + 1);
  EXPECT_EQ(answer.header.options.mss, 1460);
  EXPECT_TRUE(answer.header.options.window_scale.has_value());
  EXPECT_TRUE(answer.header.options.sack_permitted);
  ASSERT_TRUE(answer.header.options.timestamps);
  EXPECT_EQ(answer.header.options.timestamps->echo, 555U);
  EXPECT_EQ(host.engine.half_open(), 1U);
}

TEST(TcpListen, SynWithoutOptionsIsAnsweredWithMssAlone) {
  Script host;
  host.listen();
  host.arrives(syn(Script::kPeerIss));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.options.mss.has_value());
  EXPECT_FALSE(answer.header.options.window_scale);
  EXPECT_FALSE(answer.header.options.sack_permitted);
  EXPECT_FALSE(answer.header.options.timestamps);
}

TEST(TcpListen, HalfOpenConnectionsAreBounded) {
  Script host;
  host.listen();
  for (std::uint16_t port = 1; port <= 10; ++port) {
    host.arrives(syn(Script::kPeerIss).ports(port, Script::kLocalPort));
  }
  EXPECT_EQ(host.engine.half_open(), 3U);
  EXPECT_EQ(host.all_sent().size(), 10U);
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesSent), 7U);
}

TEST(TcpListen, AddressesAreCheckedAndUnique) {
  Script host;
  host.listen();
  const auto again = host.engine.listen({.address = host.local, .port = Script::kLocalPort});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), ListenError::kAddressInUse);
  const auto foreign = host.engine.listen({.address = host.remote, .port = 80});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error(), ListenError::kAddressNotOurs);
}

TEST(TcpListen, UnspecifiedAddressAcceptsOnAny) {
  Script host;
  ASSERT_TRUE(host.engine.listen({.address = base::Ipv4Address{}, .port = Script::kLocalPort}));
  host.arrives(syn(Script::kPeerIss));
  EXPECT_TRUE(host.sent().header.flags.syn);
}

// --- SYN-RECEIVED ---

TEST(TcpSynReceived, AckOpensAndTextWithItIsDelivered) {
  Script host;
  host.syn_received(syn(Script::kPeerIss));
  EXPECT_FALSE(host.engine.next_event());
  host.arrives(data(host.theirs(0), "GET").ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.opened);
  EXPECT_TRUE(event->what.readable);
  EXPECT_TRUE(event->accepted);
  EXPECT_EQ(host.read(event->connection), "GET");
  EXPECT_EQ(host.engine.half_open(), 0U);
}

TEST(TcpSynReceived, AckOfSomethingElseIsReset) {
  Script host;
  host.syn_received(syn(Script::kPeerIss));
  host.arrives(bare(host.theirs(0)).ack(host.ours(5)));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.rst);
  EXPECT_EQ(answer.header.sequence, host.ours(5));
  EXPECT_FALSE(host.engine.next_event());
}

TEST(TcpSynReceived, SecondSynRepeatsTheSynAck) {
  Script host;
  host.syn_received(syn(Script::kPeerIss));
  host.arrives(syn(Script::kPeerIss));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
  EXPECT_EQ(answer.header.sequence, host.iss);
}

// Karn's algorithm: the peer's acknowledgment may be of either SYN-ACK. RFC 5681 3.1: and one of
// them may have been lost, so that a single segment comes first.
TEST(TcpSynReceived, SynAckRepeatedForASecondSynIsNotMeasured) {
  Script host;
  host.syn_received(syn(Script::kPeerIss).mss(1000).timestamps(1000, 0));
  host.pass(Duration::milliseconds(900));
  host.arrives(syn(Script::kPeerIss).mss(1000).timestamps(1900, 0));
  const Segment again = host.sent();
  EXPECT_TRUE(again.header.flags.syn);
  EXPECT_EQ(host.counted(NetCounter::kTcpRetransmits), 1U);
  host.pass(Duration::milliseconds(1));
  host.arrives(bare(host.theirs(0))
                   .ack(host.ours(0))
                   .timestamps(1901, again.header.options.timestamps->value));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  host.write(event->connection, 5'000);
  EXPECT_EQ(host.all_sent().size(), 1U);
  host.pass(Duration::milliseconds(250));
  EXPECT_EQ(host.all_sent().size(), 1U);
}

TEST(TcpSynReceived, ResetFreesItWithoutAnEvent) {
  Script host;
  host.syn_received(syn(Script::kPeerIss));
  host.arrives(rst(host.theirs(0)));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_FALSE(host.engine.next_event());
}

TEST(TcpSynReceived, SynAckIsRepeatedAndThenGivenUp) {
  Script host;
  host.syn_received(syn(Script::kPeerIss));
  host.pass(Duration::seconds(40));
  // After 1, 3, 7 and 15 seconds.
  EXPECT_EQ(host.all_sent().size(), 4U);
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpHandshakeTimeouts), 1U);
}

TEST(TcpSynReceived, IsResetWhenTheListenerStops) {
  Script host;
  const auto listener = host.engine.listen({.address = host.local, .port = Script::kLocalPort});
  ASSERT_TRUE(listener);
  host.arrives(syn(Script::kPeerIss));
  (void)host.sent();
  host.engine.stop_listening(*listener);
  EXPECT_TRUE(host.sent().header.flags.rst);
  EXPECT_EQ(host.engine.connections(), 0U);
  host.arrives(syn(Script::kPeerIss));
  EXPECT_TRUE(host.sent().header.flags.rst);
}

// --- SYN-SENT ---

TEST(TcpSynSent, OffersItsOptions) {
  Script host;
  ASSERT_TRUE(host.engine.connect(host.now, {.source = host.local,
                                             .remote = {.address = host.remote, .port = 80},
                                             .timeout = Duration::seconds(1)}));
  const Segment first = host.sent();
  EXPECT_EQ(first.header.options.mss, 1460);
  EXPECT_TRUE(first.header.options.sack_permitted);
  EXPECT_TRUE(first.header.options.window_scale.has_value());
  EXPECT_TRUE(first.header.options.timestamps.has_value());
}

TEST(TcpSynSent, SynAckOpensAndIsAcknowledged) {
  Script host;
  const auto connection = host.connecting();
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)).mss(1200));
  const Segment answer = host.sent();
  EXPECT_EQ(answer.header.acknowledgement, host.theirs(0));
  EXPECT_EQ(answer.header.sequence, host.ours(0));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.opened);
  EXPECT_FALSE(event->accepted);
  EXPECT_EQ(event->context, 77U);
  EXPECT_EQ(event->connection, connection);
  EXPECT_EQ(host.engine.segment_size(connection), 1200U);
}

TEST(TcpSynSent, TextQueuedBeforeTheHandshakeRidesOnItsEnd) {
  Script host;
  const auto connection = host.connecting();
  host.write(connection, "early");
  EXPECT_TRUE(host.silent());
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  const Segment first = host.sent();
  EXPECT_EQ(first.text, "early");
  EXPECT_EQ(first.header.acknowledgement, host.theirs(0));
  EXPECT_TRUE(host.silent());
}

TEST(TcpSynSent, AckOfSomethingElseIsReset) {
  Script host;
  (void)host.connecting();
  host.arrives(syn(Script::kPeerIss).ack(host.ours(1)));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.rst);
  EXPECT_EQ(answer.header.sequence, host.ours(1));
  EXPECT_FALSE(host.engine.next_event());
}

TEST(TcpSynSent, ResetWithItsAckRefuses) {
  Script host;
  (void)host.connecting();
  host.arrives(rst(SeqNumber(0)).ack(host.ours(0)));
  EXPECT_EQ(host.close_reason(), CloseReason::kRefused);
  EXPECT_EQ(host.engine.connections(), 0U);
}

TEST(TcpSynSent, ResetWithoutItsAckIsIgnored) {
  Script host;
  (void)host.connecting();
  host.arrives(rst(SeqNumber(0)));
  host.arrives(rst(SeqNumber(0)).ack(host.ours(3)));
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.counted(NetCounter::kTcpResetIgnored), 2U);
}

// RFC 9293 3.5, figure 8.
TEST(TcpSynSent, SimultaneousOpenSucceeds) {
  Script host;
  const auto connection = host.connecting();
  host.arrives(syn(Script::kPeerIss));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
  EXPECT_EQ(answer.header.sequence, host.iss);
  EXPECT_EQ(answer.header.acknowledgement, host.theirs(0));
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.opened);
  host.forget_sent();
  host.arrives(data(host.theirs(0), "x").ack(host.ours(0)));
  EXPECT_EQ(host.read(connection), "x");
}

TEST(TcpSynSent, SilenceTimesOut) {
  Script host;
  (void)host.connecting(Duration::seconds(5));
  host.pass(Duration::seconds(6));
  EXPECT_EQ(host.close_reason(), CloseReason::kTimedOut);
  EXPECT_EQ(host.all_sent().size(), 2U);  // after 1 and 3 seconds
  EXPECT_EQ(host.engine.connections(), 0U);
}

TEST(TcpSynSent, UnreachableEndsTheAttemptThatItQuotes) {
  Script host;
  const auto connection = host.connecting();
  const auto flow = host.engine.addresses(connection);
  ASSERT_TRUE(flow);
  host.engine.unreachable(host.now, *flow, host.iss.value() + 1);
  EXPECT_FALSE(host.engine.next_event());
  host.engine.unreachable(host.now, *flow, host.iss.value());
  EXPECT_EQ(host.close_reason(), CloseReason::kUnreachable);
}

// RFC 5927 4: an open connection bears it.
TEST(TcpEstablished, UnreachableIsIgnored) {
  Script host;
  const auto connection = host.established();
  host.engine.unreachable(host.now, *host.engine.addresses(connection), host.iss.value());
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.counted(NetCounter::kTcpUnreachableIgnored), 1U);
}

// --- what connect() refuses, and the ports that it chooses ---

TEST(TcpConnect, ReportsWhatIsMissing) {
  Script host;
  const ConnectOptions options{.source = host.local,
                               .remote = {.address = host.remote, .port = 80},
                               .timeout = Duration::seconds(1)};
  ConnectOptions foreign = options;
  foreign.source = host.remote;
  EXPECT_EQ(host.engine.connect(host.now, foreign).error(), ConnectError::kAddressNotOurs);
  host.routed = false;
  EXPECT_EQ(host.engine.connect(host.now, options).error(), ConnectError::kNoRoute);
  host.routed = true;
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(host.engine.connect(host.now, options));
  EXPECT_EQ(host.engine.connect(host.now, options).error(), ConnectError::kTooMany);
}

TEST(TcpConnect, PortsAreEphemeralDistinctAndOwned) {
  Script::Options options;
  options.owns_flow = [](const base::FourTuple& flow) { return flow.local.port % 4 == 1; };
  Script host(options);
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 32; ++i) {
    (void)host.connecting();
    EXPECT_GE(host.local_port, 10'000);
    EXPECT_EQ(host.local_port % 4, 1);
    ports.insert(host.local_port);
  }
  EXPECT_EQ(ports.size(), 32U);
}

TEST(TcpConnect, FailsWhereNoPortIsOwned) {
  Script::Options options;
  options.owns_flow = [](const base::FourTuple&) { return false; };
  Script host(options);
  const auto connection =
      host.engine.connect(host.now, {.source = host.local,
                                     .remote = {.address = host.remote, .port = 80},
                                     .timeout = Duration::seconds(1)});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error(), ConnectError::kNoPort);
  EXPECT_EQ(host.counted(NetCounter::kTcpNoPort), 1U);
}

TEST(TcpConnect, SynIsSentLaterWhenThereWasNoPacket) {
  Script::Options options;
  options.packets = 1;
  Script host(options);
  base::PacketPtr taken(host.pool.allocate());
  ASSERT_TRUE(host.engine.connect(host.now, {.source = host.local,
                                             .remote = {.address = host.remote, .port = 80},
                                             .timeout = Duration::seconds(1)}));
  EXPECT_TRUE(host.silent());
  taken.reset();
  host.pass(Duration::milliseconds(20));
  EXPECT_TRUE(host.sent().header.flags.syn);
}

}  // namespace
}  // namespace sluice::net::tcp::test
