// RFC 5961: a reset, a SYN or an acknowledgment whose numbers are only guessed harms nothing and is
// answered with a challenge acknowledgment.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/rfc/states.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// Longer than the time in which one challenge is permitted, shorter than any retransmission.
constexpr Duration kNextChallenge = Duration::milliseconds(60);
constexpr std::uint32_t kInWindow = 1'000;
constexpr std::uint32_t kBehindWindow = 1U << 20;

// --- 3.2: the RST bit ---

// 3.2 (2): "the TCP MUST reset the connection".
TEST(Rfc5961Reset, AtExactlyRcvNxtResetsInEveryState) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    host.arrives(rst(at.rcv_nxt));
    const auto event = host.engine.next_event();
    ASSERT_TRUE(event);
    EXPECT_TRUE(event->what.closed);
    EXPECT_EQ(host.engine.connections(), 0U);
    EXPECT_EQ(host.engine.time_wait(), 0U);
    EXPECT_TRUE(host.silent());
  }
}

// 3.2 (3): "TCP MUST send an acknowledgment (challenge ACK)".
TEST(Rfc5961Reset, ElsewhereInTheWindowIsChallengedInEveryState) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    for (const std::uint32_t beyond : {1U, kInWindow, 32'000U}) {
      host.arrives(rst(at.rcv_nxt + beyond));
      expect_bare_ack(host, at);
      host.pass(kNextChallenge);
    }
    EXPECT_FALSE(host.engine.next_event());
    EXPECT_EQ(host.engine.connections(), 1U);
  }
}

// 3.2 (3): "TCP MUST drop the unacceptable segment and stop processing the incoming packet".
TEST(Rfc5961Reset, ThatIsChallengedLeavesNothingBehind) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  host.write(at.connection, "hello");
  host.forget_sent();
  Segment forged = rst(at.rcv_nxt + 3).ack(at.snd_nxt + 5);
  forged.text = "evil";
  host.arrives(forged);
  EXPECT_TRUE(host.sent().header.options.sack.empty());
  EXPECT_EQ(host.engine.unacknowledged(at.connection), 5U);
  host.arrives(data(at.rcv_nxt, "abc").ack(at.snd_nxt + 5));
  EXPECT_EQ(host.read(at.connection), "abc");
}

// 3.2 (1): "silently drop the segment".
TEST(Rfc5961Reset, OutsideTheWindowIsDroppedSilentlyInEveryState) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    host.arrives(rst(at.rcv_nxt - 1));
    host.arrives(rst(at.rcv_nxt + kBehindWindow));
    host.arrives(rst(at.rcv_nxt - 0x7fffffff));
    EXPECT_TRUE(host.silent());
    EXPECT_FALSE(host.engine.next_event());
    EXPECT_EQ(host.counted(NetCounter::kTcpResetIgnored), 3U);
  }
}

// 3.2: a peer that has lost the connection answers the challenge from its acknowledgment number,
// and that is the exact one.
TEST(Rfc5961Reset, AnswerOfAPeerThatWasChallengedResets) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  host.arrives(rst(at.rcv_nxt + kInWindow));
  const Segment challenge = host.sent();
  host.arrives(rst(challenge.header.acknowledgement));
  EXPECT_EQ(host.close_reason(), CloseReason::kReset);
}

// 3.2, in SYN-RECEIVED: the acknowledgment that is sent is our SYN-ACK once more, from which a peer
// that has lost the connection resets exactly, and one that has not heard it goes on.
TEST(Rfc5961Reset, ElsewhereInTheWindowIsChallengedInSynReceived) {
  Script host;
  host.syn_received(syn(Script::kPeerIss));
  host.arrives(rst(host.theirs(kInWindow)));
  const Segment challenge = host.sent();
  EXPECT_FALSE(challenge.header.flags.rst);
  EXPECT_EQ(challenge.header.acknowledgement, host.theirs(0));
  EXPECT_EQ(host.engine.half_open(), 1U);
  host.arrives(rst(challenge.header.acknowledgement));
  EXPECT_EQ(host.engine.connections(), 0U);
}

// --- 4.2: the SYN bit ---

// 4.2: "irrespective of the sequence number, TCP MUST send an ACK".
TEST(Rfc5961Syn, IsChallengedWhateverItsNumberInEveryState) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    for (const SeqNumber seq : {at.rcv_nxt, at.rcv_nxt + kInWindow, at.rcv_nxt + kBehindWindow,
                                at.rcv_nxt - 1, at.rcv_nxt - 0x7fffffff}) {
      host.arrives(syn(seq));
      expect_bare_ack(host, at);
      host.pass(kNextChallenge / 2);
      host.forget_sent();
      host.pass(kNextChallenge / 2);
      host.forget_sent();
    }
    EXPECT_FALSE(host.engine.next_event());
    EXPECT_EQ(host.engine.connections(), 1U);
    EXPECT_EQ(host.counted(NetCounter::kTcpSynOnOpenConnection), 5U);
  }
}

// 4.2: "TCP MUST drop the unacceptable segment and stop processing further".
TEST(Rfc5961Syn, LeavesNothingBehind) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  host.write(at.connection, "hello");
  host.forget_sent();
  Segment forged = syn(at.rcv_nxt - 1).ack(at.snd_nxt + 5).mss(100).window(0);
  forged.text = "evil";
  host.arrives(forged);
  (void)host.sent();
  EXPECT_EQ(host.read(at.connection), "");
  EXPECT_EQ(host.engine.unacknowledged(at.connection), 5U);
  EXPECT_EQ(host.engine.segment_size(at.connection), 1'000U);
  host.arrives(data(at.rcv_nxt, "abc").ack(at.snd_nxt + 5));
  EXPECT_EQ(host.read(at.connection), "abc");
}

// 4.2: the peer has restarted and asks again: its answer to the challenge makes room for it.
TEST(Rfc5961Syn, OfARestartedPeerOpensAnewAfterTheChallenge) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  const SeqNumber restarted = at.rcv_nxt + 123'456'789;
  host.arrives(syn(restarted));
  const Segment challenge = host.sent();
  host.arrives(rst(challenge.header.acknowledgement));
  EXPECT_TRUE(host.engine.next_event());
  host.arrives(syn(restarted));
  const Segment answer = host.sent();
  EXPECT_EQ(answer.header.flags, (wire::TcpFlags{.syn = true, .ack = true}));
  EXPECT_EQ(answer.header.acknowledgement, restarted + 1);
}

// --- 5.2: the acknowledgment number ---

// 5.2: "the ACK value is considered acceptable only if it is in the range of
// ((SND.UNA - MAX.SND.WND) <= SEG.ACK <= SND.NXT)".
TEST(Rfc5961Ack, AtBothEndsOfItsRangeIsAccepted) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  host.forget_sent();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0) - Script::kWindow));
  host.arrives(data(host.theirs(3), "def").ack(host.ours(5)));
  EXPECT_EQ(host.read(c), "abcdef");
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpChallengeAcks), 0U);
}

// 5.2: the largest window that the peer ever had counts, not the present one.
TEST(Rfc5961Ack, RangeFollowsTheLargestWindow) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(100));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0) - Script::kWindow).window(100));
  EXPECT_EQ(host.read(c), "abc");
}

// 5.2: "All incoming segments whose ACK value doesn't satisfy the above condition MUST be discarded
// and an ACK sent back".
TEST(Rfc5961Ack, OutsideItsRangeIsDiscardedAndAnswered) {
  for (const std::uint32_t beyond : {0U, 1U}) {
    Script host;
    const Standing at = bring_to(host, Reached::kEstablished);
    const SeqNumber ack = beyond > 0 ? at.snd_nxt + beyond : at.snd_nxt - Script::kWindow - 1;
    host.arrives(data(at.rcv_nxt, "evil").ack(ack).fin());
    expect_bare_ack(host, at);
    EXPECT_EQ(host.read(at.connection), "");
    EXPECT_FALSE(host.engine.input_finished(at.connection));
    host.arrives(data(at.rcv_nxt, "good").ack(at.snd_nxt));
    EXPECT_EQ(host.read(at.connection), "good");
  }
}

// --- 7: throttling ---

// 7: one connection's challenges do not use up another's.
TEST(Rfc5961Throttling, IsOfEachConnectionOnItsOwn) {
  Script host;
  (void)host.established();
  host.arrives(syn(Script::kPeerIss).ports(6'000, Script::kLocalPort));
  const SeqNumber other = host.sent().header.sequence;
  host.arrives(bare(host.theirs(0)).ack(other + 1).ports(6'000, Script::kLocalPort));
  for (int i = 0; i < 10; ++i) {
    host.arrives(rst(host.theirs(kInWindow)));
    host.arrives(rst(host.theirs(kInWindow)).ports(6'000, Script::kLocalPort));
  }
  const auto challenges = host.all_sent();
  ASSERT_EQ(challenges.size(), 2U);
  EXPECT_NE(challenges[0].header.destination_port, challenges[1].header.destination_port);
}

}  // namespace
}  // namespace sluice::net::tcp::test
