// RFC 7323: window scaling, timestamps, and protection against wrapped sequence numbers (PAWS).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/dataplane/net/tcp/rfc/states.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// A receive buffer that needs a scale: 1 MiB, of which half may be payload.
Script::Options large_buffer() {
  Script::Options options;
  options.packets = 1'024;
  options.tcp.initial_receive_buffer = 1 << 20;
  options.tcp.receive_buffer = 1 << 20;
  options.tcp.send_buffer = 1 << 20;
  return options;
}

// --- 2: window scale ---

// 2.2: "It MAY also be sent in a <SYN,ACK> segment, but only if a Window Scale option was received
// in the initial <SYN> segment"; and "Both sides MUST send Window Scale options in their <SYN>
// segments to enable window scaling in either direction".
TEST(Rfc7323WindowScale, IsUsedByNeitherSideWhereThePeerDoesNotOfferIt) {
  Script host(large_buffer());
  host.listen();
  host.arrives(syn(Script::kPeerIss).mss(1000));
  const Segment answer = host.sent();
  EXPECT_FALSE(answer.header.options.window_scale);
  host.iss = answer.header.sequence;
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).window(3'000));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(host.sent().header.window, 0xffff - 3);
  host.write(event->connection, 10'000);
  EXPECT_EQ(host.all_sent().size(), 3U);
}

TEST(Rfc7323WindowScale, IsUsedByNeitherSideWhereTheSynAckDoesNotConfirmIt) {
  Script host(large_buffer());
  const auto c = host.connecting();
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)).mss(1000));
  EXPECT_EQ(host.sent().header.window, 0xffff);
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(3'000));
  host.write(c, 10'000);
  EXPECT_EQ(host.all_sent().size(), 3U);
}

// 2.2: "The window field in a segment where the SYN bit is set [...] MUST NOT be scaled".
TEST(Rfc7323WindowScale, OfASynsOwnWindowIsNone) {
  Script host(large_buffer());
  host.listen();
  host.arrives(syn(Script::kPeerIss).mss(1000).scale(7).window(2'000));
  const Segment answer = host.sent();
  ASSERT_TRUE(answer.header.options.window_scale);
  EXPECT_GT(*answer.header.options.window_scale, 0);
  EXPECT_EQ(answer.header.window, 0xffff);
  // The peer's: 2'000 bytes, and not 256'000.
  Script opener(large_buffer());
  const auto c = opener.connecting();
  opener.arrives(syn(Script::kPeerIss).ack(opener.ours(0)).mss(1000).scale(7).window(2'000));
  opener.write(c, 10'000);
  std::size_t bytes = 0;
  for (const Segment& segment : opener.all_sent()) bytes += segment.text.size();
  EXPECT_EQ(bytes, 2'000U);
}

// 2.3: SEG.WND of every incoming segment "MUST be left-shifted by Snd.Wind.Shift bits before
// updating SND.WND".
TEST(Rfc7323WindowScale, IsAppliedToEveryWindowThatArrives) {
  Script host(large_buffer());
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(2));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(750));
  host.write(c, 20'000);
  EXPECT_EQ(host.all_sent().size(), 3U);
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(3'000)).window(1'000));
  std::size_t bytes = 0;
  for (const Segment& segment : host.all_sent()) bytes += segment.text.size();
  EXPECT_EQ(bytes, 4'000U);
}

// 2.3: SEG.WND of every outgoing segment "MUST be right-shifted by Rcv.Wind.Shift bits".
TEST(Rfc7323WindowScale, IsAppliedToEveryWindowThatIsSent) {
  Script host(large_buffer());
  host.listen();
  host.arrives(syn(Script::kPeerIss).mss(1000).scale(0));
  const Segment answer = host.sent();
  ASSERT_TRUE(answer.header.options.window_scale);
  const std::uint8_t shift = *answer.header.options.window_scale;
  host.iss = answer.header.sequence;
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  host.write(event->connection, "text");
  for (const Segment& segment : host.all_sent()) {
    const std::uint32_t window = std::uint32_t{segment.header.window} << shift;
    EXPECT_GT(window, 0xffffU);
    EXPECT_LE(window, std::uint32_t{1} << 19);
  }
}

// 2.3: a larger shift count than 14: "the TCP [...] MUST use 14 instead of the specified value".
TEST(Rfc7323WindowScale, OfMoreThanFourteenIsUsedAsFourteen) {
  Script host(large_buffer());
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(200));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(1));
  host.write(c, 40'000);
  std::uint32_t acked = 0;
  std::uint32_t most = 0;
  std::uint32_t largest_flight = 0;
  for (int i = 0; i < 10; ++i) {
    for (const Segment& segment : host.all_sent()) {
      most = std::max(most, static_cast<std::uint32_t>(segment.header.sequence - host.ours(0)) +
                                static_cast<std::uint32_t>(segment.text.size()));
    }
    EXPECT_LE(most - acked, 1U << 14);
    largest_flight = std::max(largest_flight, most - acked);
    acked = most;
    host.arrives(bare(host.theirs(0)).ack(host.ours(acked)).window(1));
  }
  EXPECT_EQ(acked, 40'000U);
  EXPECT_GT(largest_flight, 1U << 13);
}

// 2.3: "the shift count MUST be limited to 14".
TEST(Rfc7323WindowScale, ThatIsOfferedIsFourteenAtMost) {
  Script::Options options;
  options.tcp.receive_buffer = std::size_t{1} << 31;
  Script host(options);
  (void)host.engine.connect(host.now, {.source = host.local,
                                       .remote = {.address = host.remote, .port = 80},
                                       .timeout = Duration::seconds(1)});
  const Segment first = host.sent();
  ASSERT_TRUE(first.header.options.window_scale);
  EXPECT_EQ(*first.header.options.window_scale, 14);
}

// 2.2: "A Window Scale option in a segment without a SYN bit MUST be ignored".
TEST(Rfc7323WindowScale, WithoutSynIsIgnored) {
  Script host(large_buffer());
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(1));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(1'000).scale(7));
  host.write(c, 10'000);
  EXPECT_EQ(host.all_sent().size(), 2U);
}

// --- 2.4: windows that seem to shrink ---

// 2.4 (1): "The receiver MUST honor, as in window, any segment that would have been in window for
// any <ACK> sent by the receiver".
TEST(Rfc7323Retraction, TextInAnyWindowEverOfferedIsTaken) {
  Script host(large_buffer());
  host.listen();
  host.arrives(syn(Script::kPeerIss).mss(1000).scale(0).sack_permitted());
  const Segment answer = host.sent();
  const std::uint8_t shift = answer.header.options.window_scale.value_or(0);
  host.iss = answer.header.sequence;
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  SeqNumber furthest = host.theirs(0);
  const auto note_offers = [&] {
    for (const Segment& ack : host.all_sent()) {
      const auto edge = ack.header.acknowledgement + (std::uint32_t{ack.header.window} << shift);
      furthest = std::max(furthest, edge);
    }
  };
  // Nobody reads, and odd sizes make the window's rounding visible.
  std::uint32_t at = 0;
  for (int i = 0; i < 300; ++i) {
    host.arrives(data(host.theirs(at), std::string(997, 'x')).ack(host.ours(0)));
    at += 997;
    note_offers();
  }
  host.arrives(data(furthest - 1, "y").ack(host.ours(0)));
  const auto answers = host.all_sent();
  ASSERT_FALSE(answers.empty());
  ASSERT_EQ(answers.back().header.options.sack.size(), 1U);
  EXPECT_EQ(answers.back().header.options.sack.view()[0].right, furthest);
}

// 2.4 (3): "The initial transmission MUST be within the window announced by the most recent <ACK>".
TEST(Rfc7323Retraction, NewTextStaysInTheLatestWindow) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(7));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(400));
  host.write(c, 3'000);
  host.forget_sent();
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)).window(16));  // 2'048: 48 bytes less
  host.write(c, 5'000);
  EXPECT_TRUE(host.silent());
  host.arrives(bare(host.theirs(0)).ack(host.ours(3'000)).window(16));
  std::size_t bytes = 0;
  for (const Segment& segment : host.all_sent()) bytes += segment.text.size();
  EXPECT_LE(bytes, 2'048U);
  EXPECT_GE(bytes, 2'000U);
}

// --- 3.2: the timestamps option ---

Segment timestamped() {
  return syn(Script::kPeerIss).mss(1000).sack_permitted().timestamps(5'000, 0);
}

// 3.2: "and MAY send a TSopt in <SYN,ACK> only if it received a TSopt in the initial <SYN>".
TEST(Rfc7323Timestamps, AreAnsweredOnlyWhereTheSynHasThem) {
  for (const bool offered : {false, true}) {
    Script host;
    host.listen();
    host.arrives(offered ? timestamped() : syn(Script::kPeerIss).mss(1000));
    EXPECT_EQ(host.sent().header.options.timestamps.has_value(), offered);
  }
}

// 3.2: "Once TSopt has been successfully negotiated [...] the TSopt MUST be sent in every non-<RST>
// segment for the duration of the connection".
TEST(Rfc7323Timestamps, AreInEverySegment) {
  Script::Options options;
  options.tcp.keepalive_idle = Duration::seconds(100);
  Script host(options);
  const auto c = host.established(timestamped());
  const auto from_peer = [&](Segment segment, std::uint32_t acked) {
    host.arrives(segment.ack(host.ours(acked)).timestamps(5'001, 0));
  };
  std::size_t kinds = 0;
  const auto expect_timestamps = [&](const char* kind) {
    SCOPED_TRACE(kind);
    const auto segments = host.all_sent();
    ASSERT_FALSE(segments.empty());
    for (const Segment& segment : segments) EXPECT_TRUE(segment.header.options.timestamps);
    ++kinds;
  };
  from_peer(data(host.theirs(0), "abc"), 0);
  host.pass(Duration::milliseconds(50));
  expect_timestamps("acknowledgment");
  host.write(c, "hello");
  expect_timestamps("text");
  host.pass(Duration::seconds(2));
  expect_timestamps("retransmission");
  from_peer(bare(host.theirs(3)).window(0), 5);
  host.write(c, "hello");
  host.pass(Duration::seconds(2));
  expect_timestamps("window probe");
  from_peer(bare(host.theirs(3)), 6);
  from_peer(bare(host.theirs(3)), 10);
  host.forget_sent();
  from_peer(data(host.theirs(6), "ghi"), 10);
  expect_timestamps("duplicate acknowledgment with SACK");
  from_peer(syn(host.theirs(3)), 10);
  expect_timestamps("challenge");
  host.pass(Duration::seconds(110));
  expect_timestamps("keep-alive probe");
  from_peer(data(host.theirs(3), "def"), 10);
  EXPECT_EQ(host.read(c), "abcdefghi");
  host.forget_sent();
  host.close(c);
  expect_timestamps("FIN");
  from_peer(bare(host.theirs(9)).fin(), 11);
  expect_timestamps("acknowledgment of a FIN");
  from_peer(bare(host.theirs(9)).fin(), 11);
  expect_timestamps("the same in TIME-WAIT");
  EXPECT_EQ(kinds, 10U);
}

// 3.2: "When the ACK bit is set in an outgoing segment, the sender MUST echo a recently received
// TSval", by the rules of 4.3; "the sender of that segment SHOULD set the TSecr field to zero"
// where it is not.
TEST(Rfc7323Timestamps, EchoThePeersFromTheSynOn) {
  Script host;
  host.listen();
  host.arrives(timestamped());
  EXPECT_EQ(host.sent().header.options.timestamps->echo, 5'000U);
  Script opener;
  ASSERT_TRUE(opener.engine.connect(opener.now, {.source = opener.local,
                                                 .remote = {.address = opener.remote, .port = 80},
                                                 .timeout = Duration::seconds(1)}));
  EXPECT_EQ(opener.sent().header.options.timestamps->echo, 0U);
}

// 3.2: "When the ACK bit is not set, the receiver MUST ignore the value of the TSecr field".
TEST(Rfc7323Timestamps, EchoOfASynIsIgnored) {
  for (const std::uint32_t echo : {0U, 1U, 0xffffffffU}) {
    Script host;
    host.listen();
    host.arrives(syn(Script::kPeerIss).mss(1000).timestamps(5'000, echo));
    host.iss = host.sent().header.sequence;
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)).timestamps(5'001, 0));
    const auto event = host.engine.next_event();
    ASSERT_TRUE(event);
    host.write(event->connection, "hello");
    host.forget_sent();
    host.pass(Duration::milliseconds(199));
    EXPECT_TRUE(host.silent());
    host.pass(Duration::milliseconds(3));
    EXPECT_FALSE(host.silent());
  }
}

// 3.2: "A TCP MUST NOT abort a TCP connection because any segment lacks an expected TSopt".
TEST(Rfc7323Timestamps, MissingInASegmentAbortNothing) {
  Script host;
  const auto c = host.established(timestamped());
  for (const Segment& segment : std::vector<Segment>{
           data(host.theirs(0), "lost").ack(host.ours(0)), bare(host.theirs(0)).ack(host.ours(0)),
           bare(host.theirs(0)).ack(host.ours(0)).fin(), syn(host.theirs(0))}) {
    host.arrives(segment);
    EXPECT_FALSE(host.engine.next_event());
  }
  for (const Segment& answer : host.all_sent()) EXPECT_FALSE(answer.header.flags.rst);
  host.arrives(data(host.theirs(0), "kept").ack(host.ours(0)).timestamps(5'001, 0));
  EXPECT_EQ(host.read(c), "kept");
}

// 3.2: "If a TSopt is received on a connection where TSopt was not negotiated in the initial
// three-way handshake, the TSopt MUST be ignored and the packet processed normally".
TEST(Rfc7323Timestamps, ThatWereNotNegotiatedAreIgnored) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(9'000, 1));
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).timestamps(8'000, 1));
  host.arrives(data(host.theirs(6), "ghi").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "abcdefghi");
  for (const Segment& answer : host.all_sent()) EXPECT_FALSE(answer.header.options.timestamps);
}

// --- 4: round trips, and which timestamp to echo ---

// 4.1: TSval is measured only by what is acknowledged anew: nothing that a peer repeats lengthens
// the timeout.
TEST(Rfc7323RoundTrip, IsMeasuredOnlyWhereTheAckAdvances) {
  Script host;
  const auto c = host.established(timestamped());
  host.write(c, "hello");
  const std::uint32_t value = host.sent().header.options.timestamps->value;
  for (int i = 0; i < 3; ++i) {
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)).timestamps(5'001, value - 50'000));
  }
  host.pass(Duration::milliseconds(201));
  EXPECT_EQ(host.sent().text, "hello");
}

// 4.3 (2): a delayed acknowledgment echoes the first of the segments that it covers.
TEST(Rfc7323Echo, OfADelayedAckIsTheFirstSegments) {
  Script host;
  (void)host.established(timestamped());
  host.arrives_in_burst(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(6'000, 0));
  host.arrives_in_burst(data(host.theirs(3), "def").ack(host.ours(0)).timestamps(6'100, 0));
  host.flush();
  host.pass(Duration::milliseconds(50));
  EXPECT_EQ(host.sent().header.options.timestamps->echo, 6'000U);
}

// 4.3 (B): a segment behind a gap is not echoed, the one that fills the gap is.
TEST(Rfc7323Echo, OfAGapIsTheLastInOrderSegments) {
  Script host;
  (void)host.established(timestamped());
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(6'000, 0));
  host.pass(Duration::milliseconds(50));
  host.forget_sent();
  host.arrives(data(host.theirs(6), "ghi").ack(host.ours(0)).timestamps(6'200, 0));
  EXPECT_EQ(host.sent().header.options.timestamps->echo, 6'000U);
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).timestamps(6'100, 0));
  EXPECT_EQ(host.sent().header.options.timestamps->echo, 6'100U);
}

// --- 5: PAWS ---

// 5.3 R1: "treat the arriving segment as not acceptable: Send an acknowledgment in reply [...] and
// drop the segment".
TEST(Rfc7323Paws, OldSegmentIsDroppedAndAcknowledged) {
  for (const bool text : {false, true}) {
    Script host;
    const auto c = host.established(timestamped());
    host.arrives(data(host.theirs(0), "new").ack(host.ours(0)).timestamps(6'000, 0));
    EXPECT_EQ(host.read(c), "new");
    host.pass(Duration::milliseconds(100));
    host.forget_sent();
    Segment old = data(host.theirs(3), text ? "old" : "").ack(host.ours(0)).fin();
    host.arrives(old.timestamps(5'999, 0));
    EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(3));
    EXPECT_EQ(host.read(c), "");
    EXPECT_FALSE(host.engine.input_finished(c));
  }
}

// 5.3: "the timestamp MUST be checked only when a segment first arrives at the receiver": text that
// waits behind a gap is not judged again when the gap is filled.
TEST(Rfc7323Paws, QueuedTextIsNotCheckedAgain) {
  Script host;
  const auto c = host.established(timestamped());
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).timestamps(6'000, 0));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(7'000, 0));
  EXPECT_EQ(host.read(c), "abcdef");
  EXPECT_EQ(host.counted(NetCounter::kTcpPawsRejected), 0U);
}

// 5.2: a reset "MUST NOT be subjected to the PAWS check by verifying an acceptable value in
// SEG.TSval".
TEST(Rfc7323Paws, ResetIsNotChecked) {
  Script host;
  (void)host.established(timestamped());
  host.arrives(rst(host.theirs(0)).timestamps(1, 0));
  EXPECT_EQ(host.close_reason(), CloseReason::kReset);
}

// 5.2: "and information from the Timestamps option MUST NOT be used to update connection state
// information": of a reset.
TEST(Rfc7323Paws, ResetLeavesTheTimestampAlone) {
  Script host;
  const auto c = host.established(timestamped());
  host.arrives(rst(host.theirs(1)).timestamps(5'000 + 0x7000'0000, 0));
  host.forget_sent();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).timestamps(5'001, 0));
  EXPECT_EQ(host.read(c), "abc");
  host.pass(Duration::milliseconds(50));
  EXPECT_EQ(host.sent().header.options.timestamps->echo, 5'001U);
}

// --- 5.4: the timestamp clock ---

// 5.4: "It MUST tick at least once for each 2^31 bytes sent", and "the recycling time of the
// timestamp clock MUST be greater than MSL": a tick is a millisecond, so that the sign bit wraps
// after 24.8 days, and 2^31 bytes a tick would be 17 Tbit/s.
TEST(Rfc7323Clock, TicksInMilliseconds) {
  Script host;
  const auto c = host.established(timestamped());
  std::vector<std::uint32_t> values;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    host.write(c, "x");
    values.push_back(host.sent().header.options.timestamps->value);
    host.arrives(bare(host.theirs(0)).ack(host.ours(i)).timestamps(5'000, values.back()));
    host.pass(i == 1 ? Duration::milliseconds(1) : Duration::seconds(10));
  }
  EXPECT_EQ(values[1] - values[0], 1U);
  EXPECT_EQ(values[2] - values[1], 10'000U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
