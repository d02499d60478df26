// Explicit congestion notification (RFC 3168; the sections cited are its).
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using wire::EcnCodepoint;

constexpr std::uint32_t kMss = 1'000;

Segment asking_syn() {
  return syn(Script::kPeerIss).mss(kMss).sack_permitted().ece().cwr();
}

Script::Options with(EcnUse use) {
  Script::Options options;
  options.tcp.ecn = use;
  return options;
}

// A second timeout would have the path's size doubted.
void pass_one_timeout(Script& host) {
  while (host.counted(NetCounter::kTcpTimeouts) == 0) host.pass(Duration::milliseconds(10));
}

// The peer has opened the connection and ECN is agreed on.
class TcpEcn : public testing::Test {
 protected:
  TcpEcn() : connection_(host_.established(asking_syn())) {}

  void peer_acknowledges(std::uint32_t segments) {
    host_.arrives(bare(host_.theirs(0)).ack(host_.ours(segments * kMss)));
  }
  void peer_echoes(std::uint32_t segments) {
    host_.arrives(bare(host_.theirs(0)).ack(host_.ours(segments * kMss)).ece());
  }

  // A timeout has brought the window down, and four segments wait for more of it.
  void peer_echoes_at_a_window_of_one_segment() {
    host_.write(connection_, kMss);
    pass_one_timeout(host_);
    host_.write(connection_, 4 * kMss);
    host_.forget_sent();
    peer_echoes(1);
  }

  Script host_;
  ConnectionHandle connection_;
};

// --- 6.1.1: the handshake ---

TEST(TcpEcnHandshake, SynThatAsksIsGrantedItInANotCapablePacket) {
  Script host;
  host.listen();
  host.arrives(asking_syn());
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.ece);
  EXPECT_FALSE(answer.header.flags.cwr);
  EXPECT_EQ(answer.ecn, EcnCodepoint::kNotEct);
}

TEST(TcpEcnHandshake, SynThatDoesNotAskIsNotGrantedIt) {
  for (const bool ece : {false, true}) {
    Script host;
    host.listen();
    Segment first = syn(Script::kPeerIss);
    first.header.flags.ece = ece;  // one of both is no request
    host.arrives(std::move(first));
    EXPECT_FALSE(host.sent().header.flags.ece);
  }
}

TEST(TcpEcnHandshake, SynIsNotGrantedItWhereItIsOff) {
  Script host(with(EcnUse::kOff));
  host.listen();
  host.arrives(asking_syn());
  EXPECT_FALSE(host.sent().header.flags.ece);
}

// A second SYN without the request takes it back.
TEST(TcpEcnHandshake, RepeatedSynWithoutTheRequestTakesItBack) {
  Script host;
  host.syn_received(asking_syn());
  host.pass(Duration::milliseconds(100));
  host.arrives(syn(Script::kPeerIss).mss(kMss));
  EXPECT_FALSE(host.sent().header.flags.ece);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  EXPECT_EQ(host.counted(NetCounter::kTcpEcnConnections), 0U);
}

TEST(TcpEcnHandshake, ActiveOpenDoesNotAskByDefault) {
  Script host;
  const auto connection =
      host.engine.connect(host.now, {.source = host.local,
                                     .remote = {.address = host.remote, .port = 5'000},
                                     .timeout = Duration::seconds(30)});
  ASSERT_TRUE(connection);
  const Segment first = host.sent();
  EXPECT_FALSE(first.header.flags.ece);
  EXPECT_FALSE(first.header.flags.cwr);
}

// Opens actively, the peer answering so.
ConnectionHandle opened(Script& host, Segment answer) {
  const auto connection =
      host.engine.connect(host.now, {.source = host.local,
                                     .remote = {.address = host.remote, .port = Script::kPeerPort},
                                     .timeout = Duration::seconds(30)});
  EXPECT_TRUE(connection);
  const Segment first = host.sent();
  EXPECT_TRUE(first.header.flags.ece && first.header.flags.cwr);
  EXPECT_EQ(first.ecn, EcnCodepoint::kNotEct);
  host.iss = first.header.sequence;
  host.local_port = first.header.source_port;
  host.arrives(std::move(answer.ack(host.ours(0))));
  host.forget_sent();
  return *connection;
}

TEST(TcpEcnHandshake, ActiveOpenThatAsksUsesWhatItIsGranted) {
  Script host(with(EcnUse::kAsk));
  const auto c = opened(host, syn(Script::kPeerIss).mss(kMss).ece());
  host.write(c, kMss);
  EXPECT_EQ(host.sent().ecn, EcnCodepoint::kEct0);
  EXPECT_EQ(host.counted(NetCounter::kTcpEcnConnections), 1U);
}

// Some peers reflect the flags that they do not know.
TEST(TcpEcnHandshake, SynAckThatReflectsBothFlagsGrantsNothing) {
  Script host(with(EcnUse::kAsk));
  const auto c = opened(host, syn(Script::kPeerIss).mss(kMss).ece().cwr());
  host.write(c, kMss);
  EXPECT_EQ(host.sent().ecn, EcnCodepoint::kNotEct);
}

// 6.1.1.1.
TEST(TcpEcnHandshake, SynThatIsSentAgainDoesNotAsk) {
  Script host(with(EcnUse::kAsk));
  const auto connection =
      host.engine.connect(host.now, {.source = host.local,
                                     .remote = {.address = host.remote, .port = 5'000},
                                     .timeout = Duration::seconds(30)});
  ASSERT_TRUE(connection);
  host.forget_sent();
  host.pass(Duration::milliseconds(1'100));
  const Segment again = host.sent();
  EXPECT_TRUE(again.header.flags.syn);
  EXPECT_FALSE(again.header.flags.ece || again.header.flags.cwr);
}

// The bit in the timestamp survives where nothing of the SYN is kept.
TEST(TcpEcnHandshake, SynCookieKeepsIt) {
  for (const bool asks : {false, true}) {
    Script::Options options;
    options.tcp.max_half_open = 0;
    Script host(options);
    host.listen();
    Segment first = syn(Script::kPeerIss).mss(kMss).sack_permitted().timestamps(7, 0);
    first.header.flags.ece = first.header.flags.cwr = asks;
    host.arrives(std::move(first));
    const Segment answer = host.sent();
    EXPECT_EQ(answer.header.flags.ece, asks);
    EXPECT_FALSE(answer.header.flags.cwr);
    host.iss = answer.header.sequence;
    host.arrives(bare(host.theirs(0))
                     .ack(host.ours(0))
                     .timestamps(8, answer.header.options.timestamps->value));
    EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesAccepted), 1U);
    EXPECT_EQ(host.counted(NetCounter::kTcpEcnConnections), asks ? 1U : 0U);
  }
}

TEST(TcpEcnHandshake, SynCookieWithoutTimestampsGrantsNothing) {
  Script::Options options;
  options.tcp.max_half_open = 0;
  Script host(options);
  host.listen();
  host.arrives(asking_syn());
  const Segment answer = host.sent();
  EXPECT_FALSE(answer.header.flags.ece);
  host.iss = answer.header.sequence;
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  EXPECT_EQ(host.counted(NetCounter::kTcpEcnConnections), 0U);
}

// --- 6.1.2: the sender ---

TEST_F(TcpEcn, NewTextIsSentCapable) {
  host_.write(connection_, 2 * kMss);
  EXPECT_EQ(host_.sent().ecn, EcnCodepoint::kEct0);
  EXPECT_EQ(host_.sent().ecn, EcnCodepoint::kEct0);
}

TEST(TcpEcnSender, NothingIsCapableWithoutAgreement) {
  Script host;
  const auto c = host.established();
  host.write(c, kMss);
  EXPECT_EQ(host.sent().ecn, EcnCodepoint::kNotEct);
}

TEST_F(TcpEcn, EchoTakesTheWindowDownAndTheNextTextSaysSo) {
  host_.write(connection_, 40 * kMss);
  EXPECT_EQ(host_.all_sent().size(), 10U);
  peer_echoes(1);
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionReductions), 1U);
  EXPECT_EQ(host_.counted(NetCounter::kTcpRetransmits), 0U);
  std::vector<Segment> sent = host_.all_sent();
  for (std::uint32_t acked = 2; acked <= 10; ++acked) {
    peer_echoes(acked);
    for (Segment& segment : host_.all_sent()) sent.push_back(std::move(segment));
  }
  // Seven for ten, with CWR on the first.
  EXPECT_GE(sent.size(), 6U);
  EXPECT_LE(sent.size(), 8U);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].header.flags.cwr, i == 0) << i;
    EXPECT_EQ(sent[i].ecn, EcnCodepoint::kEct0);
  }
}

// Once per window of data: the echo goes on until the peer has seen CWR.
TEST_F(TcpEcn, EchoesOfOneWindowCountOnce) {
  host_.write(connection_, 40 * kMss);
  host_.forget_sent();
  for (std::uint32_t acked = 1; acked <= 10; ++acked) peer_echoes(acked);
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionReductions), 1U);
  // The peer has CWR, and then another mark.
  peer_acknowledges(11);
  peer_echoes(12);
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionReductions), 2U);
}

TEST_F(TcpEcn, LossInTheSameWindowIsRepairedWithoutAnotherReduction) {
  host_.write(connection_, 40 * kMss);
  host_.forget_sent();
  peer_echoes(1);
  host_.forget_sent();
  for (std::uint32_t right = 3; right <= 6; ++right) {
    host_.now = host_.now + Duration::microseconds(10);
    host_.arrives(bare(host_.theirs(0))
                      .ack(host_.ours(kMss))
                      .ece()
                      .sack(host_.ours(2 * kMss), host_.ours(right * kMss)));
  }
  EXPECT_EQ(host_.counted(NetCounter::kTcpRetransmits), 1U);
  EXPECT_EQ(host_.counted(NetCounter::kTcpFastRecoveries), 0U);
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionReductions), 1U);
}

TEST_F(TcpEcn, EchoInTheWindowOfALossIsNoSecondReduction) {
  host_.write(connection_, 40 * kMss);
  host_.forget_sent();
  for (std::uint32_t right = 2; right <= 4; ++right) {
    host_.arrives(bare(host_.theirs(0))
                      .ack(host_.ours(0))
                      .ece()
                      .sack(host_.ours(kMss), host_.ours(right * kMss)));
  }
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionReductions) +
                host_.counted(NetCounter::kTcpFastRecoveries),
            1U);
}

// "The sending TCP SHOULD NOT increase the congestion window in response to the receipt of an
// ECN-Echo ACK packet", also where the window has come down for another reason.
TEST(TcpEcnSender, EchoAfterATimeoutLetsTheWindowNotGrow) {
  for (const CongestionControl control : {CongestionControl::kCubic, CongestionControl::kBbr}) {
    Script::Options options = with(EcnUse::kAnswer);
    options.tcp.congestion = control;
    Script host(options);
    const auto c = host.established(asking_syn());
    host.write(c, 10 * kMss);
    pass_one_timeout(host);
    for (std::uint32_t acked = 1; acked <= 4; ++acked) {
      host.forget_sent();
      host.arrives(bare(host.theirs(0)).ack(host.ours(acked * kMss)).ece());
      EXPECT_EQ(host.all_sent().size(), 1U) << acked;
    }
    host.arrives(bare(host.theirs(0)).ack(host.ours(5 * kMss)));
    EXPECT_GE(host.all_sent().size(), 2U);
  }
}

// "The sending TCP will then be able to send a new packet only when the retransmit timer expires."
TEST_F(TcpEcn, EchoAtAWindowOfOneSegmentHoldsNewTextBackForARetransmissionTimeout) {
  peer_echoes_at_a_window_of_one_segment();
  host_.pass(Duration::milliseconds(390));  // the timeout has doubled
  EXPECT_TRUE(host_.silent());
  host_.pass(Duration::milliseconds(20));
  EXPECT_TRUE(host_.sent().header.flags.cwr);
  EXPECT_TRUE(host_.silent());
  // The peer has heard, and meets no more congestion.
  peer_acknowledges(2);
  EXPECT_EQ(host_.all_sent().size(), 2U);
}

// Its text carries the echo until CWR has come.
TEST_F(TcpEcn, PeerThatGoesOnSendingDoesNotHoldNewTextBackForEver) {
  peer_echoes_at_a_window_of_one_segment();
  std::uint32_t at = 0;
  for (int i = 0; i < 5; ++i) {
    host_.pass(Duration::milliseconds(90));
    host_.arrives(data(host_.theirs(at), "text").ack(host_.ours(kMss)).ece());
    at += static_cast<std::uint32_t>(host_.read(connection_).size());
  }
  std::size_t texts = 0;
  for (const Segment& segment : host_.all_sent()) {
    if (segment.text.empty()) continue;
    EXPECT_TRUE(segment.header.flags.cwr);
    ++texts;
  }
  EXPECT_EQ(texts, 1U);
}

// For whatever reason the window comes down.
TEST_F(TcpEcn, ReductionAfterATimeoutIsReportedToo) {
  host_.write(connection_, 2 * kMss);
  host_.forget_sent();
  host_.pass(Duration::milliseconds(900));
  EXPECT_GE(host_.counted(NetCounter::kTcpTimeouts), 1U);
  peer_acknowledges(2);
  host_.forget_sent();
  host_.write(connection_, kMss);
  EXPECT_TRUE(host_.sent().header.flags.cwr);
}

// Nonsense.
TEST(TcpEcnSender, EchoWithoutAgreementIsIgnored) {
  Script host;
  const auto c = host.established();
  host.write(c, 40 * kMss);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(kMss)).ece());
  EXPECT_EQ(host.counted(NetCounter::kTcpCongestionReductions), 0U);
  for (const Segment& segment : host.all_sent()) EXPECT_FALSE(segment.header.flags.cwr);
}

TEST_F(TcpEcn, EchoWhileNothingIsInFlightIsIgnored) {
  host_.arrives(bare(host_.theirs(0)).ack(host_.ours(0)).ece());
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionReductions), 0U);
}

// --- 6.1.3: the receiver ---

TEST_F(TcpEcn, MarkIsEchoedAtOnceAndUntilThePeerHasHeard) {
  host_.arrives(data(host_.theirs(0), "one").ack(host_.ours(0)).marked());
  EXPECT_TRUE(host_.sent().header.flags.ece);  // not delayed
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionMarks), 1U);
  (void)host_.read(connection_);
  host_.forget_sent();
  host_.arrives(data(host_.theirs(3), "two").ack(host_.ours(0)).marked(EcnCodepoint::kEct0));
  host_.pass(Duration::milliseconds(300));
  EXPECT_TRUE(host_.sent().header.flags.ece);
  host_.write(connection_, kMss);
  EXPECT_TRUE(host_.sent().header.flags.ece);  // on text, too
  host_.arrives(data(host_.theirs(6), "three").ack(host_.ours(kMss)).cwr());
  host_.pass(Duration::milliseconds(300));
  for (const Segment& segment : host_.all_sent()) EXPECT_FALSE(segment.header.flags.ece);
}

TEST_F(TcpEcn, MarkOnTheSegmentThatEndsTheEchoBeginsAnother) {
  host_.arrives(data(host_.theirs(0), "one").ack(host_.ours(0)).marked());
  host_.forget_sent();
  host_.arrives(data(host_.theirs(3), "two").ack(host_.ours(0)).cwr().marked());
  EXPECT_TRUE(host_.sent().header.flags.ece);
}

TEST(TcpEcnReceiver, MarkWithoutAgreementIsNotEchoed) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(0), "one").ack(host.ours(0)).marked());
  host.pass(Duration::milliseconds(300));
  EXPECT_FALSE(host.sent().header.flags.ece);
  EXPECT_EQ(host.counted(NetCounter::kTcpCongestionMarks), 0U);
}

// --- 6.1.4: acknowledgments ---

TEST_F(TcpEcn, PureAcknowledgmentsAreNotCapableAndTheirMarksNotEchoed) {
  host_.arrives(data(host_.theirs(0), "text").ack(host_.ours(0)));
  host_.pass(Duration::milliseconds(300));
  EXPECT_EQ(host_.sent().ecn, EcnCodepoint::kNotEct);
  host_.arrives(bare(host_.theirs(4)).ack(host_.ours(0)).marked());
  host_.write(connection_, kMss);
  EXPECT_FALSE(host_.sent().header.flags.ece);
}

// --- 6.1.5: retransmissions ---

TEST_F(TcpEcn, RetransmissionsAreNotCapableAndCarryNoCwr) {
  host_.write(connection_, kMss);
  host_.forget_sent();
  host_.pass(Duration::milliseconds(900));
  const auto again = host_.all_sent();
  ASSERT_GE(again.size(), 1U);
  for (const Segment& segment : again) {
    EXPECT_EQ(segment.ecn, EcnCodepoint::kNotEct);
    EXPECT_FALSE(segment.header.flags.cwr);
  }
}

// Outside of the window anybody can mark.
TEST_F(TcpEcn, MarkOnTextOutsideTheWindowIsNotEchoed) {
  host_.arrives(data(host_.theirs(0), "text").ack(host_.ours(0)));
  host_.pass(Duration::milliseconds(300));
  host_.forget_sent();
  host_.arrives(data(host_.theirs(0), "text").ack(host_.ours(0)).marked());
  EXPECT_FALSE(host_.sent().header.flags.ece);
  EXPECT_EQ(host_.counted(NetCounter::kTcpCongestionMarks), 0U);
}

// --- 6.1.6: window probes ---

TEST_F(TcpEcn, WindowProbesAreNotCapable) {
  host_.arrives(bare(host_.theirs(0)).ack(host_.ours(0)).window(0));
  host_.write(connection_, kMss);
  EXPECT_TRUE(host_.silent());
  host_.pass(Duration::seconds(2));
  EXPECT_GE(host_.counted(NetCounter::kTcpWindowProbes), 1U);
  for (const Segment& segment : host_.all_sent()) EXPECT_EQ(segment.ecn, EcnCodepoint::kNotEct);
}

}  // namespace
}  // namespace sluice::net::tcp::test
