// Closing: RFC 9293 3.6 and the eighth step of 3.10.7.4, TIME-WAIT, resets out, and the life of a
// handle.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// Takes the next event, which has to be the last one.
CloseReason closed(Script& host) {
  const CloseReason reason = host.close_reason();
  EXPECT_FALSE(host.engine.next_event());
  return reason;
}

// Our side closed first and everything is acknowledged: TIME-WAIT.
void to_time_wait(Script& host, ConnectionHandle c) {
  host.close(c);
  EXPECT_TRUE(host.sent().header.flags.fin);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)).fin());
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(1));
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

TEST(TcpClose, FinFollowsWhatIsQueued) {
  Script host;
  const auto c = host.established();
  host.write(c, "bye");
  host.forget_sent();
  host.finish(c);
  const Segment fin = host.sent();
  EXPECT_TRUE(fin.header.flags.fin);
  EXPECT_EQ(fin.header.sequence, host.ours(3));
  // Nothing more goes out behind it.
  host.write(c, "late");
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.unacknowledged(c), 3U);
}

TEST(TcpClose, FinIsRetransmitted) {
  Script host;
  const auto c = host.established();
  host.finish(c);
  host.forget_sent();
  host.pass(Duration::milliseconds(300));
  EXPECT_TRUE(host.sent().header.flags.fin);
}

TEST(TcpClose, ConnectionIsClosingUntilItsFinIsAcknowledged) {
  Script host;
  const auto c = host.established();
  EXPECT_EQ(host.engine.closing(), 0U);
  host.write(c, "bye");
  host.close(c);
  EXPECT_EQ(host.engine.closing(), 1U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(3)));
  EXPECT_EQ(host.engine.closing(), 1U);
  host.arrives(bare(host.theirs(0)).ack(host.ours(4)));
  EXPECT_EQ(host.engine.closing(), 0U);
  EXPECT_EQ(host.engine.connections(), 1U);  // FIN-WAIT-2
}

TEST(TcpClose, LastAckIsClosing) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
  host.close(c);
  EXPECT_EQ(host.engine.closing(), 1U);
  host.arrives(bare(host.theirs(1)).ack(host.ours(1)));
  EXPECT_EQ(host.engine.closing(), 0U);
  EXPECT_EQ(host.engine.connections(), 0U);
}

TEST(TcpAbort, AllMeansThoseWithoutASessionToo) {
  Script host;
  const auto c = host.established();
  host.write(c, "bye");
  host.close(c);
  host.forget_sent();
  host.engine.abort_all(host.now);
  EXPECT_TRUE(host.sent().header.flags.rst);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.closing(), 0U);
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpHalfClose, InputGoesOnAfterOurFin) {
  Script host;
  const auto c = host.established();
  host.finish(c);
  host.arrives(data(host.theirs(0), "answer").ack(host.ours(1)));
  EXPECT_EQ(host.read(c), "answer");
  host.arrives(bare(host.theirs(6)).ack(host.ours(1)).fin());
  EXPECT_EQ(closed(host), CloseReason::kNone);
  EXPECT_EQ(host.engine.time_wait(), 1U);
  EXPECT_EQ(host.engine.connections(), 0U);
}

TEST(TcpHalfClose, OutputGoesOnAfterTheirFin) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.readable);
  EXPECT_TRUE(host.engine.input_finished(c));
  host.forget_sent();
  host.write(c, "still here");
  EXPECT_EQ(host.sent().text, "still here");
  host.finish(c);
  EXPECT_TRUE(host.sent().header.flags.fin);
  host.arrives(bare(host.theirs(1)).ack(host.ours(11)));
  EXPECT_EQ(closed(host), CloseReason::kNone);
  // The side that closed second has no TIME-WAIT.
  EXPECT_EQ(host.engine.time_wait(), 0U);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpClose, SimultaneousFinsEndInTimeWait) {
  Script host;
  const auto c = host.established();
  host.finish(c);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(1));
  host.arrives(bare(host.theirs(1)).ack(host.ours(1)));
  EXPECT_EQ(closed(host), CloseReason::kNone);
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

TEST(TcpClose, UnreadInputMayStillBeReadAndThenTheLastEventComes) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "tail").ack(host.ours(0)).fin());
  (void)host.engine.next_event();
  host.finish(c);
  host.arrives(bare(host.theirs(5)).ack(host.ours(1)));
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.read(c), "tail");
  EXPECT_EQ(closed(host), CloseReason::kNone);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpClose, CloseDeliversWhatIsQueuedAndSaysNothingMore) {
  Script host;
  const auto c = host.established();
  host.write(c, "bye");
  host.forget_sent();
  host.close(c);
  EXPECT_TRUE(host.sent().header.flags.fin);
  EXPECT_EQ(host.engine.input(c), nullptr);
  host.pass(Duration::milliseconds(300));
  const auto again = host.all_sent();
  ASSERT_FALSE(again.empty());
  host.arrives(bare(host.theirs(0)).ack(host.ours(4)).fin());
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

// Without a session nobody else bounds how long a peer may take.
TEST(TcpOrphan, PlayingWithTheWindowIsNoProgress) {
  Script host;
  const auto c = host.established();
  host.write(c, 10'000);
  host.arrives(bare(host.theirs(0)).ack(host.ours(10'000)).window(0));
  host.write(c, 10'000);
  host.engine.close(host.now, c);
  for (int i = 0; i < 20 && host.engine.connections() > 0; ++i) {
    host.pass(Duration::seconds(10));
    const std::uint16_t window = i % 2 == 0 ? 1 : 0;
    host.arrives(bare(host.theirs(0)).ack(host.ours(10'000)).window(window));
  }
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_TRUE(host.all_sent().back().header.flags.rst);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpOrphan, ByteAfterByteIsNotTakenForEver) {
  Script host;
  const auto c = host.established();
  host.write(c, 10'000);
  host.engine.close(host.now, c);
  for (std::uint32_t i = 1; i <= 20 && host.engine.connections() > 0; ++i) {
    host.pass(Duration::seconds(100));
    host.forget_sent();
    host.arrives(bare(host.theirs(0)).ack(host.ours(i)));
  }
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpOrphan, PeerThatTakesItsTimeGetsEverything) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0));
  host.pass(Duration::seconds(300));
  host.write(c, 4'000);
  host.engine.close(host.now, c);
  for (std::uint32_t taken = 0; taken <= 4'000; taken += 1'000) {
    host.pass(Duration::seconds(100));
    EXPECT_EQ(host.engine.connections(), 1U);
    host.arrives(bare(host.theirs(0)).ack(host.ours(taken)).window(1'000));
    if (taken == 4'000) break;
    host.arrives(bare(host.theirs(0)).ack(host.ours(taken + 1'000)).window(0));
  }
  host.arrives(bare(host.theirs(0)).ack(host.ours(4'001)).fin());
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

// RFC 1122 4.2.2.13.
TEST(TcpClose, CloseWithUnreadInputResets) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "unread").ack(host.ours(0)));
  host.forget_sent();
  host.engine.close(host.now, c);
  EXPECT_TRUE(host.sent().header.flags.rst);
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.packets_out(), 0U);
}

// RFC 9293 3.6.1.
TEST(TcpClose, TextAfterCloseResets) {
  Script host;
  const auto c = host.established();
  host.close(c);
  host.forget_sent();
  host.arrives(data(host.theirs(0), "more").ack(host.ours(1)));
  EXPECT_TRUE(host.sent().header.flags.rst);
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpDataAfterClose), 1U);
}

TEST(TcpFinWait2, IsGivenUpAfterItsTime) {
  Script host;
  const auto c = host.established();
  host.close(c);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
  host.pass(Duration::seconds(59));
  EXPECT_EQ(host.engine.connections(), 1U);
  host.pass(Duration::seconds(2));
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpFinWait2Timeouts), 1U);
}

TEST(TcpFinWait2, LastsWhileTheSessionWantsIt) {
  Script host;
  const auto c = host.established();
  host.finish(c);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
  host.pass(Duration::seconds(300));
  host.arrives(data(host.theirs(0), "late").ack(host.ours(1)));
  EXPECT_EQ(host.read(c), "late");
}

// RFC 7323 3.2: once negotiated, in resets too; a peer may ignore one without.
TEST(TcpAbort, ResetCarriesTimestamps) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).timestamps(700, 0));
  host.forget_sent();
  host.engine.abort(host.now, c);
  const Segment reset = host.sent();
  EXPECT_TRUE(reset.header.flags.rst);
  ASSERT_TRUE(reset.header.options.timestamps);
  EXPECT_EQ(reset.header.options.timestamps->echo, 700U);
}

TEST(TcpAbort, SendsResetAndForgets) {
  Script host;
  const auto c = host.established();
  host.write(c, "lost");
  host.forget_sent();
  host.engine.abort(host.now, c);
  const Segment reset = host.sent();
  EXPECT_TRUE(reset.header.flags.rst);
  EXPECT_EQ(reset.header.sequence, host.ours(4));
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.packets_out(), 0U);
  // The handle is stale: nothing happens.
  host.engine.abort(host.now, c);
  host.engine.close(host.now, c);
  host.engine.finish(host.now, c);
  host.engine.consumed(host.now, c);
  host.write(c, "x");
  EXPECT_EQ(host.engine.send_room(c), 0U);
  EXPECT_FALSE(host.engine.addresses(c));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpAbort, OfAnUnansweredOpenIsSilent) {
  Script host;
  const auto c = host.connecting();
  host.engine.abort(host.now, c);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.connections(), 0U);
}

TEST(TcpReset, DropsWhatIsQueuedAndUnread) {
  Script host;
  const auto c = host.established();
  host.write(c, 5'000);
  host.arrives(data(host.theirs(0), "unread").ack(host.ours(0)));
  host.arrives(data(host.theirs(100), "gap").ack(host.ours(0)));
  host.arrives(rst(host.theirs(6)));
  EXPECT_EQ(closed(host), CloseReason::kReset);
  EXPECT_EQ(host.packets_out(), 0U);
}

// RFC 9293 3.10.7.4, second step: in LAST-ACK there is nothing left to lose but the FIN.
TEST(TcpLastAck, ResetIsAnOrderlyEndWhenAllTextIsAcknowledged) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
  (void)host.engine.next_event();
  host.finish(c);
  host.arrives(rst(host.theirs(1)));
  EXPECT_EQ(closed(host), CloseReason::kNone);
}

TEST(TcpLastAck, ResetIsALossWhenTextIsNotAcknowledged) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
  (void)host.engine.next_event();
  host.write(c, "lost?");
  host.finish(c);
  host.arrives(rst(host.theirs(1)));
  EXPECT_EQ(closed(host), CloseReason::kReset);
}

TEST(TcpCloseWait, TextBehindTheirFinIsDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
  host.arrives(data(host.theirs(1), "beyond").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "");
  EXPECT_EQ(host.counted(NetCounter::kTcpDataAfterFin), 1U);
}

// Held, it would be reported and take memory for as long as the session keeps the connection.
TEST(TcpCloseWait, TextHeldBehindAFinThatComesLaterIsDropped) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(20), "behind").ack(host.ours(0)));
  EXPECT_EQ(host.sent().header.options.sack.size(), 1U);
  host.arrives(data(host.theirs(0), "0123456789").fin().ack(host.ours(0)));
  host.forget_sent();
  EXPECT_EQ(host.counted(NetCounter::kTcpDataAfterFin), 1U);
  EXPECT_EQ(host.read(c), "0123456789");
  EXPECT_TRUE(host.engine.input_finished(c));
  EXPECT_EQ(host.engine.receive_memory().used(), 0U);
  host.arrives(data(host.theirs(0), "0").ack(host.ours(0)));
  EXPECT_LE(host.sent().header.options.sack.size(), 1U) << "but for the duplicate";
  EXPECT_EQ(host.packets_out(), 0U);
}

// --- TIME-WAIT ---

TEST(TcpTimeWait, FinAgainIsAcknowledgedAgain) {
  Script host;
  to_time_wait(host, host.established());
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)).fin());
  const Segment again = host.sent();
  EXPECT_EQ(again.header.acknowledgement, host.theirs(1));
  EXPECT_EQ(again.header.sequence, host.ours(1));
}

TEST(TcpTimeWait, EndsAfterItsTimeAndStartsOverWithAFin) {
  Script host;
  to_time_wait(host, host.established());
  host.pass(Duration::seconds(50));
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)).fin());
  host.pass(Duration::seconds(50));
  EXPECT_EQ(host.engine.time_wait(), 1U);
  host.pass(Duration::seconds(11));
  EXPECT_EQ(host.engine.time_wait(), 0U);
}

// RFC 1337.
TEST(TcpTimeWait, ResetIsIgnored) {
  Script host;
  to_time_wait(host, host.established());
  host.arrives(rst(host.theirs(1)));
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

// RFC 1122 4.2.2.13 and RFC 6191.
TEST(TcpTimeWait, NewSynOpensAnewAboveTheOldNumbers) {
  Script host;
  to_time_wait(host, host.established());
  const SeqNumber last = host.ours(1);
  host.arrives(syn(host.theirs(1'000)));
  const Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
  EXPECT_GT(answer.header.sequence, last);
  EXPECT_EQ(host.engine.time_wait(), 0U);
  EXPECT_EQ(host.engine.half_open(), 1U);
}

TEST(TcpTimeWait, OldSynIsAcknowledgedOnly) {
  Script host;
  to_time_wait(host, host.established());
  host.arrives(syn(host.theirs(0) - 5'000));
  EXPECT_FALSE(host.sent().header.flags.syn);
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

// RFC 6191 2: where both sides have timestamps they decide, and numbers only between equal ones.
TEST(TcpTimeWait, TimestampOfASynDecidesBeforeItsNumber) {
  struct Case {
    std::uint32_t seq;
    std::uint32_t timestamp;
    bool opens;
  };
  for (const Case& attempt : {Case{1'000, 4'000, false}, Case{1'000, 5'001, true},
                              Case{0, 5'001, false}, Case{0, 5'002, true}}) {
    Script host;
    const auto c = host.established(syn(Script::kPeerIss).mss(1000).timestamps(5'000, 0));
    host.close(c);
    host.arrives(bare(host.theirs(0)).ack(host.ours(1)).fin().timestamps(5'001, 0));
    host.forget_sent();
    host.arrives(syn(host.theirs(attempt.seq)).timestamps(attempt.timestamp, 0));
    EXPECT_EQ(host.sent().header.flags.syn, attempt.opens);
    EXPECT_EQ(host.engine.time_wait(), attempt.opens ? 0U : 1U);
  }
}

TEST(TcpTimeWait, StaysWhenThereIsNoRoomForTheNewConnection) {
  Script::Options options;
  options.tcp.max_half_open = 1;
  Script host(options);
  to_time_wait(host, host.established());
  host.arrives(syn(Script::kPeerIss).ports(6'000, Script::kLocalPort));
  host.arrives(syn(host.theirs(1'000)));
  EXPECT_EQ(host.counted(NetCounter::kTcpHalfOpenFull), 1U);
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

TEST(TcpTimeWait, FinWithOtherNumbersDoesNotStartItOver) {
  Script host;
  to_time_wait(host, host.established());
  host.pass(Duration::seconds(50));
  host.arrives(bare(host.theirs(5)).ack(host.ours(1)).fin());
  host.pass(Duration::seconds(11));
  EXPECT_EQ(host.engine.time_wait(), 0U);
}

// RFC 5961 7: whoever knows the flow alone gets few answers.
TEST(TcpTimeWait, AnswersAreLimited) {
  Script host;
  to_time_wait(host, host.established());
  for (int i = 0; i < 100; ++i) host.arrives(data(host.theirs(0) - 5'000, "x").ack(host.ours(1)));
  EXPECT_EQ(host.all_sent().size(), 1U);
  host.pass(Duration::milliseconds(60));
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)).fin());
  EXPECT_EQ(host.all_sent().size(), 1U);
}

TEST(TcpTimeWait, EntriesAreBoundedAndTheOldestGoes) {
  Script host;
  host.listen();
  for (std::uint16_t port = 1; port <= 6; ++port) {
    const auto from_port = [port](Segment segment) {
      return segment.ports(port, Script::kLocalPort);
    };
    host.arrives(from_port(syn(Script::kPeerIss)));
    host.iss = host.sent().header.sequence;
    host.arrives(from_port(bare(host.theirs(0)).ack(host.ours(0))));
    const auto event = host.engine.next_event();
    ASSERT_TRUE(event);
    host.close(event->connection);
    host.arrives(from_port(bare(host.theirs(0)).ack(host.ours(1)).fin()));
    host.forget_sent();
  }
  EXPECT_EQ(host.engine.time_wait(), 4U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeWaitRecycled), 2U);
}

// RFC 9293 3.6.1: both sides in TIME-WAIT must not talk forever.
TEST(TcpTimeWait, BareAckIsNotAnswered) {
  Script host;
  to_time_wait(host, host.established());
  host.arrives(bare(host.theirs(1)).ack(host.ours(1)));
  EXPECT_TRUE(host.silent());
}

}  // namespace
}  // namespace sluice::net::tcp::test
