// RFC 9293 3.10.7.4: a segment arrives, in each of the synchronized states. The reset and the SYN
// are in rfc5961_test.cpp.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/dataplane/net/tcp/rfc/states.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr Duration kNextChallenge = Duration::milliseconds(60);

bool takes_text(Reached state) {
  return state == Reached::kEstablished || state == Reached::kFinWait1 ||
         state == Reached::kFinWait2;
}

// What the peer has acknowledged when the state is reached.
SeqNumber acknowledged(const Script& host, Reached state) {
  return state == Reached::kFinWait2 ? host.ours(1) : host.ours(0);
}

// --- first: the sequence number ---

// Table 6: a segment in front of the window or behind it is not acceptable, and is acknowledged:
// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; it is dropped.
TEST(Rfc9293Acceptability, SegmentOutsideTheWindowIsAcknowledgedAndDroppedInEveryState) {
  for (const Reached state : kSynchronized) {
    for (const bool text : {false, true}) {
      SCOPED_TRACE(name_of(state));
      Script host;
      const Standing at = bring_to(host, state);
      for (const SeqNumber seq : {at.rcv_nxt - 2'000, at.rcv_nxt + (1U << 20)}) {
        host.arrives(data(seq, text ? "evil" : "").ack(acknowledged(host, state)));
        const Segment answer = host.sent();
        EXPECT_EQ(answer.header.sequence, at.snd_nxt);
        EXPECT_EQ(answer.header.acknowledgement, at.rcv_nxt);
        host.forget_sent();
        host.pass(kNextChallenge);
        host.forget_sent();
      }
      EXPECT_EQ(host.read(at.connection), "");
      EXPECT_EQ(host.engine.connections(), 1U);
    }
  }
}

// Table 6: both ends of the window are in it, for a segment of any length.
TEST(Rfc9293Acceptability, BothEndsOfTheWindowAreInside) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  constexpr std::uint32_t kWindow = 32 * 1024;
  host.arrives(data(at.rcv_nxt + (kWindow - 1), "z").ack(at.snd_nxt));
  EXPECT_EQ(host.counted(NetCounter::kTcpOutOfOrder), 1U);
  host.arrives(data(at.rcv_nxt + kWindow, "!").ack(at.snd_nxt));
  EXPECT_EQ(host.counted(NetCounter::kTcpUnacceptable), 1U);
  host.arrives(data(at.rcv_nxt, "a").ack(at.snd_nxt));
  EXPECT_EQ(host.read(at.connection), "a");
}

// Table 6: a segment that begins in front of the window is acceptable where it ends inside: "only
// the new parts are processed".
TEST(Rfc9293Acceptability, NewPartOfAnOldSegmentIsTaken) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  host.arrives(data(at.rcv_nxt, "abc").ack(at.snd_nxt));
  host.arrives(data(at.rcv_nxt + 1, "bcdef").ack(at.snd_nxt));
  EXPECT_EQ(host.read(at.connection), "abcdef");
}

// The same across the wrap of the sequence space.
TEST(Rfc9293Acceptability, HoldsAcrossTheWrap) {
  Script host;
  host.listen();
  const SeqNumber iss(0xffff'fffe);
  host.arrives(syn(iss).mss(1000).sack_permitted());
  host.iss = host.sent().header.sequence;
  host.arrives(bare(iss + 1).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  host.arrives(data(iss + 4, "def").ack(host.ours(0)));
  host.arrives(data(iss + 1, "abc").ack(host.ours(0)));
  host.arrives(data(iss - 100, "old").ack(host.ours(0)));
  EXPECT_EQ(host.read(event->connection), "abcdef");
  EXPECT_EQ(host.all_sent().back().header.acknowledgement, SeqNumber(5));
}

// A host whose window is shut, and the peer's next number.
Standing shut_window(Script& host) {
  const Standing at = bring_to(host, Reached::kEstablished);
  SeqNumber next = at.rcv_nxt;
  for (std::uint16_t window = 0xffff; window > 0;) {
    host.arrives(data(next, std::string(1'024, 'x')).ack(at.snd_nxt));
    host.pass(Duration::milliseconds(50));
    const auto answers = host.all_sent();
    EXPECT_FALSE(answers.empty());
    if (answers.empty()) break;
    next = answers.back().header.acknowledgement;
    window = answers.back().header.window;
  }
  return {.connection = at.connection, .snd_nxt = at.snd_nxt, .rcv_nxt = next};
}

// Table 6, third line, and 3.4 (MUST-66): with a window of zero text is not acceptable, but
// "special allowance should be made to accept valid ACKs, URGs, and RSTs".
TEST(Rfc9293ZeroReceiveWindow, TakesNoTextAndAnswersIt) {
  Script host;
  const Standing at = shut_window(host);
  const std::size_t unread = host.engine.input(at.connection)->true_size();
  host.arrives(data(at.rcv_nxt, "probe").ack(at.snd_nxt));
  const Segment answer = host.sent();
  EXPECT_EQ(answer.header.acknowledgement, at.rcv_nxt);
  EXPECT_EQ(answer.header.window, 0);
  EXPECT_EQ(host.engine.input(at.connection)->true_size(), unread);
}

// 3.8.6: "maintain a zero receive window while transmitting data and receiving ACKs".
TEST(Rfc9293ZeroReceiveWindow, HearsAcknowledgments) {
  Script host;
  const Standing at = shut_window(host);
  host.write(at.connection, "hello");
  EXPECT_EQ(host.sent().text, "hello");
  host.arrives(bare(at.rcv_nxt).ack(at.snd_nxt + 5));
  EXPECT_EQ(host.engine.unacknowledged(at.connection), 0U);
}

// MUST-66: "A TCP receiver MUST process the RST and URG fields of all incoming segments, even when
// the receive window is zero".
TEST(Rfc9293ZeroReceiveWindow, HearsAReset) {
  Script host;
  const Standing at = shut_window(host);
  (void)host.engine.next_event();
  host.arrives(rst(at.rcv_nxt));
  EXPECT_EQ(host.close_reason(), CloseReason::kReset);
}

// --- first: acknowledgments of several segments ---

// MUST-58: "the processing of received segments MUST be implemented to aggregate ACK segments
// whenever possible"; MUST-59: "it MUST process them all before sending any ACK segments". The gaps
// that RFC 5681 4.2 wants reported at once are the exception.
TEST(Rfc9293Aggregation, QueuedSegmentsAreAllProcessedBeforeTheyAreAcknowledged) {
  Script host;
  const Standing at = bring_to(host, Reached::kEstablished);
  for (std::uint32_t i = 0; i < 8; ++i) {
    host.arrives_in_burst(data(at.rcv_nxt + i * 1'000, std::string(1'000, 'x')).ack(at.snd_nxt));
    EXPECT_TRUE(host.silent());
  }
  host.arrives_in_burst(bare(at.rcv_nxt + 8'000).ack(at.snd_nxt).fin());
  host.flush();
  EXPECT_EQ(host.sent().header.acknowledgement, at.rcv_nxt + 8'001);
  EXPECT_TRUE(host.silent());
}

// --- fifth: the acknowledgment ---

// "if the ACK bit is off, drop the segment and return".
TEST(Rfc9293Ack, SegmentWithoutItIsDroppedInEveryState) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    Segment text = data(at.rcv_nxt, "evil").fin();
    host.arrives(text);
    EXPECT_EQ(host.read(at.connection), "");
    EXPECT_EQ(host.counted(NetCounter::kTcpNoAckFlag), 1U);
    EXPECT_EQ(host.engine.connections(), 1U);
  }
}

// SYN-RECEIVED: "If the segment acknowledgment is not acceptable, form a reset segment
// <SEQ=SEG.ACK><CTL=RST> and send it".
TEST(Rfc9293Ack, UnacceptableOneInSynReceivedIsReset) {
  for (const bool old : {false, true}) {
    Script host;
    host.syn_received(syn(Script::kPeerIss));
    const SeqNumber ack = old ? host.iss : host.ours(1);
    host.arrives(bare(host.theirs(0)).ack(ack));
    const Segment reset = host.sent();
    EXPECT_EQ(reset.header.flags, wire::TcpFlags{.rst = true});
    EXPECT_EQ(reset.header.sequence, ack);
    EXPECT_EQ(host.engine.half_open(), 1U);
  }
}

// "If the ACK is a duplicate (SEG.ACK =< SND.UNA), it can be ignored."
TEST(Rfc9293Ack, DuplicateLeavesEverythingAsItIs) {
  Script host;
  const auto c = host.established();
  host.write(c, "hello");
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(3)));
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
  host.arrives(bare(host.theirs(0)).ack(host.ours(3)));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.unacknowledged(c), 2U);
}

// "The check here prevents using old segments to update the window": by SND.WL1 and SND.WL2.
TEST(Rfc9293Ack, OldSegmentDoesNotUpdateTheWindow) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).window(2'000));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(60'000));  // sent before the text
  host.forget_sent();
  host.write(c, 9'000);
  EXPECT_EQ(host.all_sent().size(), 2U);
  host.arrives(bare(host.theirs(3)).ack(host.ours(2'000)).window(2'000));
  EXPECT_EQ(host.all_sent().size(), 2U);
  host.arrives(bare(host.theirs(3)).ack(host.ours(0)).window(60'000));  // an older acknowledgment
  EXPECT_TRUE(host.silent());
}

// The same where the newer segment waits behind a gap: what fills the gap was sent before it.
TEST(Rfc9293Ack, SegmentThatFillsAGapDoesNotUpdateTheWindow) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).window(2'000));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(60'000));
  host.forget_sent();
  host.write(c, 9'000);
  EXPECT_EQ(host.all_sent().size(), 2U);
}

// FIN-WAIT-1, CLOSING and LAST-ACK: where the acknowledgment of our FIN leads.
TEST(Rfc9293Ack, OfOurFinMovesEachStateOn) {
  struct Case {
    Reached state;
    std::size_t connections;
    std::size_t time_wait;
  };
  for (const Case& next : {Case{Reached::kFinWait1, 1, 0}, Case{Reached::kClosing, 0, 1},
                           Case{Reached::kLastAck, 0, 0}}) {
    SCOPED_TRACE(name_of(next.state));
    Script host;
    const Standing at = bring_to(host, next.state);
    host.arrives(bare(at.rcv_nxt).ack(at.snd_nxt));
    (void)host.engine.next_event();
    EXPECT_EQ(host.engine.connections(), next.connections);
    EXPECT_EQ(host.engine.time_wait(), next.time_wait);
    EXPECT_TRUE(host.silent());
  }
}

// --- seventh: the text ---

// ESTABLISHED, FIN-WAIT-1 and FIN-WAIT-2 deliver it; after the peer's FIN "this should not occur
// since a FIN has been received from the remote side. Ignore the segment text."
TEST(Rfc9293Text, IsTakenInTheStatesInWhichThePeerMaySend) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    host.arrives(data(at.rcv_nxt, "abc").ack(acknowledged(host, state)));
    EXPECT_EQ(host.read(at.connection), takes_text(state) ? "abc" : "");
    EXPECT_EQ(host.counted(NetCounter::kTcpDataAfterFin), takes_text(state) ? 0U : 1U);
    EXPECT_EQ(host.engine.connections(), 1U);
  }
}

// "Once the TCP endpoint takes responsibility for the data, it advances RCV.NXT over the data
// accepted, and adjusts RCV.WND as appropriate": the right edge stays where it is.
TEST(Rfc9293Text, AdvancesTheNumberAndNotTheEdge) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0) - 1).ack(host.ours(0)));
  const Segment before = host.sent();
  host.arrives(data(host.theirs(0), std::string(1'000, 'x')).ack(host.ours(0)));
  host.pass(Duration::milliseconds(50));
  const Segment after = host.sent();
  EXPECT_EQ(after.header.acknowledgement, before.header.acknowledgement + 1'000);
  EXPECT_EQ(after.header.acknowledgement + after.header.window,
            before.header.acknowledgement + before.header.window);
  EXPECT_EQ(host.read(c).size(), 1'000U);
}

// --- eighth: the FIN ---

// Where it leads in each state, and that it is acknowledged.
TEST(Rfc9293Fin, IsAcknowledgedAndMovesEachStateOn) {
  struct Case {
    Reached state;
    bool with_our_ack;
    std::size_t time_wait;
  };
  for (const Case& next :
       {Case{Reached::kEstablished, false, 0}, Case{Reached::kFinWait1, false, 0},
        Case{Reached::kFinWait1, true, 1}, Case{Reached::kFinWait2, true, 1}}) {
    SCOPED_TRACE(name_of(next.state));
    Script host;
    const Standing at = bring_to(host, next.state);
    host.arrives(bare(at.rcv_nxt).ack(host.ours(next.with_our_ack ? 1 : 0)).fin());
    const Segment answer = host.sent();
    EXPECT_EQ(answer.header.acknowledgement, at.rcv_nxt + 1);
    EXPECT_EQ(answer.header.sequence, at.snd_nxt);
    EXPECT_TRUE(host.engine.next_event());
    EXPECT_EQ(host.engine.time_wait(), next.time_wait);
  }
}

// CLOSE-WAIT, CLOSING and LAST-ACK: "Remain in the [same] state": a FIN that comes again is
// acknowledged again.
TEST(Rfc9293Fin, ThatComesAgainIsAcknowledgedAgain) {
  for (const Reached state : {Reached::kCloseWait, Reached::kClosing, Reached::kLastAck}) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    host.arrives(bare(at.rcv_nxt - 1).ack(host.ours(0)).fin());
    EXPECT_EQ(host.sent().header.acknowledgement, at.rcv_nxt);
    EXPECT_EQ(host.engine.connections(), 1U);
    EXPECT_FALSE(host.engine.next_event());
  }
}

// "Do not process the FIN if the state is CLOSED, LISTEN, or SYN-SENT since the SEG.SEQ cannot be
// validated".
TEST(Rfc9293Fin, IsDroppedBeforeTheHandshake) {
  Script host;
  (void)host.connecting();
  host.arrives(bare(SeqNumber(5)).ack(host.ours(0)).fin());
  EXPECT_TRUE(host.silent());
  EXPECT_FALSE(host.engine.next_event());
  Script listener;
  listener.listen();
  listener.arrives(bare(SeqNumber(5)).fin());
  EXPECT_TRUE(listener.silent());
  EXPECT_EQ(listener.engine.connections(), 0U);
}

// --- sixth: the URG bit; 3.8.5 ---

// MUST-30, MUST-31: urgent data of any length is taken; as RFC 6093 advises, in its place in the
// stream, wherever the pointer points.
TEST(Rfc9293Urgent, DataStaysInItsPlaceInTheStream) {
  for (const std::uint16_t pointer : std::vector<std::uint16_t>{0, 1, 3, 500, 0xffff}) {
    Script host;
    const auto c = host.established();
    Segment urgent = data(host.theirs(0), "abc").ack(host.ours(0));
    urgent.header.flags.urg = true;
    urgent.header.urgent_pointer = pointer;
    host.arrives(urgent);
    host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
    EXPECT_EQ(host.read(c), "abcdef");
  }
}

// MUST-62: "The urgent pointer MUST point to the sequence number of the octet following the urgent
// data": none is sent.
TEST(Rfc9293Urgent, IsNeverSent) {
  Script host;
  const auto c = host.established();
  host.write(c, 5'000);
  host.engine.finish(host.now, c);
  host.pass(Duration::seconds(1));
  for (const Segment& segment : host.all_sent()) {
    EXPECT_FALSE(segment.header.flags.urg);
    EXPECT_EQ(segment.header.urgent_pointer, 0);
  }
}

// A pointer without the bit means nothing.
TEST(Rfc9293Urgent, PointerWithoutTheBitIsIgnored) {
  Script host;
  const auto c = host.established();
  Segment text = data(host.theirs(0), "abc").ack(host.ours(0));
  text.header.urgent_pointer = 2;
  host.arrives(text);
  EXPECT_EQ(host.read(c), "abc");
}

}  // namespace
}  // namespace sluice::net::tcp::test
