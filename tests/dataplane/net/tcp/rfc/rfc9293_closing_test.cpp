// RFC 9293 3.6: how connections end, TIME-WAIT, and what may follow it (RFC 6191).
#include <gtest/gtest.h>

#include <vector>

#include "tests/dataplane/net/tcp/rfc/states.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// MUST-12: where the peer ends the connection "the local application MUST be informed whether it
// closed normally or was aborted".
TEST(Rfc9293Closing, SessionLearnsWhetherThePeerClosedOrAborted) {
  for (const bool aborts : {false, true}) {
    Script host;
    const auto c = host.established();
    if (aborts) {
      host.arrives(rst(host.theirs(0)));
    } else {
      host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
      EXPECT_TRUE(host.engine.input_finished(c));
      (void)host.engine.next_event();
      host.finish(c);
      host.arrives(bare(host.theirs(1)).ack(host.ours(1)));
    }
    EXPECT_EQ(host.close_reason(), aborts ? CloseReason::kReset : CloseReason::kNone);
  }
}

// MUST-13: "When a connection is closed actively, it MUST linger in the TIME-WAIT state for a time
// 2xMSL", whichever way it came there.
TEST(Rfc9293Closing, ActiveCloseLingers) {
  struct Case {
    Reached from;
    std::uint32_t fin_at;  // of the peer's number
  };
  for (const Case& way :
       {Case{Reached::kFinWait1, 0}, Case{Reached::kFinWait2, 0}, Case{Reached::kClosing, 1}}) {
    SCOPED_TRACE(name_of(way.from));
    Script::Options options;
    options.tcp.time_wait = Duration::seconds(240);
    Script host(options);
    (void)bring_to(host, way.from);
    Segment last = bare(host.theirs(way.fin_at)).ack(host.ours(1));
    host.arrives(way.fin_at == 0 ? last.fin() : last);
    EXPECT_TRUE(host.engine.next_event());
    EXPECT_EQ(host.engine.time_wait(), 1U);
    host.pass(Duration::seconds(239));
    EXPECT_EQ(host.engine.time_wait(), 1U);
    host.pass(Duration::seconds(2));
    EXPECT_EQ(host.engine.time_wait(), 0U);
  }
}

// The side that closes second does not linger.
TEST(Rfc9293Closing, PassiveCloseDoesNotLinger) {
  Script host;
  const Standing at = bring_to(host, Reached::kLastAck);
  host.arrives(bare(at.rcv_nxt).ack(at.snd_nxt));
  EXPECT_TRUE(host.engine.next_event());
  EXPECT_EQ(host.engine.time_wait(), 0U);
  EXPECT_EQ(host.engine.connections(), 0U);
}

// 3.6, figure 13: FINs that cross, and what is lost of them is sent again.
TEST(Rfc9293Closing, SimultaneousCloseSurvivesALostFin) {
  Script host;
  const Standing at = bring_to(host, Reached::kClosing);
  host.pass(Duration::milliseconds(250));
  const Segment again = host.sent();
  EXPECT_TRUE(again.header.flags.fin);
  EXPECT_EQ(again.header.sequence, at.snd_nxt - 1);
  EXPECT_EQ(again.header.acknowledgement, at.rcv_nxt);
  host.arrives(bare(at.rcv_nxt - 1).ack(at.snd_nxt).fin());  // theirs, again
  host.arrives(bare(at.rcv_nxt).ack(at.snd_nxt));
  EXPECT_TRUE(host.engine.next_event());
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

// 3.6, case 2: "all preceding SENDs" are delivered first, and so is what is lost of them.
TEST(Rfc9293Closing, EverythingQueuedGoesInFrontOfTheFin) {
  Script host;
  const auto c = host.established();
  host.write(c, 15'000);
  host.finish(c);
  for (const Segment& segment : host.all_sent()) EXPECT_FALSE(segment.header.flags.fin);
  host.arrives(bare(host.theirs(0)).ack(host.ours(10'000)));
  const auto rest = host.all_sent();
  ASSERT_FALSE(rest.empty());
  EXPECT_TRUE(rest.back().header.flags.fin);
  EXPECT_EQ(rest.back().header.sequence + static_cast<std::uint32_t>(rest.back().text.size()),
            host.ours(15'000));
}

// 3.10.4: a CLOSE in SYN-RECEIVED waits for the handshake, and for what was to be sent.
TEST(Rfc9293Closing, CloseDuringTheHandshakeFollowsIt) {
  Script host;
  const auto c = host.connecting();
  host.write(c, "early");
  host.engine.finish(host.now, c);
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  const Segment last = host.sent();
  EXPECT_EQ(last.text, "early");
  EXPECT_TRUE(last.header.flags.fin);
  host.arrives(bare(host.theirs(0)).ack(host.ours(6)).fin());
  EXPECT_EQ(host.engine.time_wait() + host.engine.connections(), 1U);
}

// 3.10.5: an ABORT sends <SEQ=SND.NXT><CTL=RST> in the states in which the peer knows of the
// connection.
TEST(Rfc9293Closing, AbortResetsInEveryState) {
  for (const Reached state : kSynchronized) {
    SCOPED_TRACE(name_of(state));
    Script host;
    const Standing at = bring_to(host, state);
    host.engine.abort(host.now, at.connection);
    const Segment reset = host.sent();
    EXPECT_TRUE(reset.header.flags.rst);
    EXPECT_EQ(reset.header.sequence, at.snd_nxt);
    EXPECT_EQ(host.engine.connections(), 0U);
    EXPECT_EQ(host.engine.time_wait(), 0U);
  }
}

// --- RFC 6191: TIME-WAIT and a new SYN ---

// Closes first; the peer's last timestamp is 5'001 where it has any.
void to_time_wait(Script& host, bool timestamps) {
  Segment first = syn(Script::kPeerIss).mss(1000);
  const auto c = host.established(timestamps ? first.timestamps(5'000, 0) : first);
  host.close(c);
  Segment last = bare(host.theirs(0)).ack(host.ours(1)).fin();
  host.arrives(timestamps ? last.timestamps(5'001, 0) : last);
  host.forget_sent();
  EXPECT_EQ(host.engine.time_wait(), 1U);
}

// 2: the connection request is honoured or not, by what both incarnations have.
TEST(Rfc6191, SynInTimeWaitIsJudgedByWhatBothIncarnationsHave) {
  struct Case {
    const char* what;
    bool had_timestamps;
    std::uint32_t timestamp;  // 0: none
    std::int32_t seq;         // from the number that is expected
    bool honoured;
  };
  for (const Case& attempt : {
           Case{"no timestamps, higher number", false, 0, 1, true},
           Case{"no timestamps, the same number", false, 0, 0, false},
           Case{"no timestamps, lower number", false, 0, -1, false},
           Case{"timestamps now, higher number", false, 1, 1, true},
           Case{"timestamps now, lower number", false, 9'000, -1, true},
           Case{"timestamps then, higher number", true, 0, 1, true},
           Case{"timestamps then, lower number", true, 0, -1, false},
           Case{"later timestamp, lower number", true, 5'002, -1'000, true},
           Case{"the same timestamp, higher number", true, 5'001, 1, true},
           Case{"the same timestamp, lower number", true, 5'001, -1, false},
           Case{"earlier timestamp, higher number", true, 5'000, 1'000, false},
       }) {
    SCOPED_TRACE(attempt.what);
    Script host;
    to_time_wait(host, attempt.had_timestamps);
    Segment again = syn(host.theirs(1) + static_cast<std::uint32_t>(attempt.seq)).mss(1000);
    if (attempt.timestamp != 0) again.timestamps(attempt.timestamp, 0);
    host.arrives(again);
    const Segment answer = host.sent();
    EXPECT_EQ(answer.header.flags.syn, attempt.honoured);
    EXPECT_EQ(host.engine.half_open(), attempt.honoured ? 1U : 0U);
    EXPECT_EQ(host.engine.time_wait(), attempt.honoured ? 0U : 1U);
    // What is not honoured is acknowledged, so that a peer which is in earnest resets it.
    if (!attempt.honoured) {
      EXPECT_EQ(answer.header.acknowledgement, host.theirs(1));
    }
  }
}

// MAY-2 of RFC 9293 3.6.1: the new connection's number is larger than any of the old one's.
TEST(Rfc6191, NewConnectionBeginsAboveTheOldOne) {
  Script host;
  to_time_wait(host, true);
  const SeqNumber last = host.ours(1);
  host.arrives(syn(host.theirs(5)).timestamps(6'000, 0));
  EXPECT_GT(host.sent().header.sequence, last);
}

// 2, at the side that opens: a flow in TIME-WAIT is used again after a second, by timestamps.
TEST(Rfc6191, OwnOpenReusesAFlowWhenItsTimestampsHaveMovedOn) {
  Script::Options options;
  options.owns_flow = [](const base::FourTuple& flow) { return flow.local.port == 20'000; };
  Script host(options);
  // One call looks at some thousand ports, so that eight have seen them all.
  const auto open = [&] {
    base::Result<ConnectionHandle, ConnectError> opened = base::Unexpected{ConnectError::kNoPort};
    for (int i = 0; i < 8 && !opened; ++i) {
      opened = host.engine.connect(host.now,
                                   {.source = host.local,
                                    .remote = {.address = host.remote, .port = Script::kPeerPort},
                                    .timeout = Duration::seconds(10)});
    }
    return opened;
  };
  const auto c = open();
  ASSERT_TRUE(c);
  host.iss = host.sent().header.sequence;
  host.local_port = 20'000;
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)).timestamps(5'000, 0));
  host.close(*c);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)).fin().timestamps(5'001, 0));
  EXPECT_EQ(host.engine.time_wait(), 1U);
  host.forget_sent();
  host.pass(Duration::milliseconds(900));
  EXPECT_FALSE(open());
  host.pass(Duration::milliseconds(200));
  EXPECT_TRUE(open());
  EXPECT_EQ(host.sent().header.source_port, 20'000);
}

}  // namespace
}  // namespace sluice::net::tcp::test
