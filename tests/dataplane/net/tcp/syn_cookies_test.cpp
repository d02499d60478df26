// SYN cookies (RFC 4987 3.6): what a flooded listener answers, and what it makes of what comes
// back.
#include "dataplane/net/tcp/syn_cookies.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// As many half-open connections as are remembered.
void flood(Script& host) {
  host.listen();
  std::uint16_t port = 1;
  while (host.counted(NetCounter::kTcpSynCookiesSent) == 0) {
    ASSERT_LT(port, 100);
    host.arrives(syn(Script::kPeerIss).ports(port++, Script::kLocalPort));
  }
  host.forget_sent();
}

// The SYN's answer, whose number is remembered for ours().
Segment cookie_for(Script& host, Segment first) {
  host.arrives(std::move(first));
  Segment answer = host.sent();
  EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
  host.iss = answer.header.sequence;
  return answer;
}

Segment full_syn() {
  return syn(Script::kPeerIss).mss(1400).scale(3).sack_permitted().timestamps(555, 0);
}

// The acknowledgment of `answer` by a peer with timestamps.
Segment last_ack(const Script& host, const Segment& answer) {
  return bare(host.theirs(0))
      .ack(host.ours(0))
      .timestamps(560, answer.header.options.timestamps->value);
}

TEST(TcpSynCookies, FloodedListenerAnswersWithoutKeepingAnything) {
  Script host;
  flood(host);
  const std::size_t connections = host.engine.connections();
  const Segment answer = cookie_for(host, full_syn());
  EXPECT_EQ(answer.header.acknowledgement, Script::kPeerIss + 1);
  EXPECT_EQ(answer.header.options.mss, 1460);
  EXPECT_TRUE(answer.header.options.window_scale.has_value());
  EXPECT_TRUE(answer.header.options.sack_permitted);
  ASSERT_TRUE(answer.header.options.timestamps);
  EXPECT_EQ(answer.header.options.timestamps->echo, 555U);
  EXPECT_EQ(host.engine.connections(), connections);
  EXPECT_EQ(host.packets_out(), 0U);
  host.pass(Duration::seconds(2));
  for (const Segment& again : host.all_sent()) {
    EXPECT_NE(again.header.destination_port, Script::kPeerPort);
  }
}

// RFC 7323 2.2, 3.2 and RFC 2018 2: all that was negotiated holds.
TEST(TcpSynCookies, AckOpensWithTheOptionsOfTheSyn) {
  Script host;
  flood(host);
  const Segment answer = cookie_for(host, full_syn());
  host.arrives(last_ack(host, answer).window(694));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.opened);
  EXPECT_TRUE(event->accepted);
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesAccepted), 1U);
  EXPECT_EQ(host.counted(NetCounter::kTcpPassiveOpens), 1U);
  // An MSS of 1400, and 12 bytes of timestamps.
  EXPECT_EQ(host.engine.segment_size(event->connection), 1'388U);
  // A window of 694 << 3: four segments.
  host.write(event->connection, 10'000);
  std::size_t sent = 0;
  for (const Segment& segment : host.all_sent()) {
    sent += segment.text.size();
    ASSERT_TRUE(segment.header.options.timestamps);
    EXPECT_EQ(segment.header.options.timestamps->echo, 560U);
    EXPECT_GE(segment.header.options.timestamps->value, answer.header.options.timestamps->value);
  }
  EXPECT_EQ(sent, 5'552U);
  host.arrives(data(host.theirs(5), "later").ack(host.ours(0)).timestamps(561, 0));
  EXPECT_EQ(host.sent().header.options.sack.size(), 1U);
}

TEST(TcpSynCookies, TextWithTheAckIsDelivered) {
  Script host;
  flood(host);
  const Segment answer = cookie_for(host, full_syn());
  Segment last = last_ack(host, answer).fin();
  last.text = "GET";
  host.arrives(last);
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->what.opened);
  EXPECT_TRUE(event->what.readable);
  EXPECT_EQ(host.read(event->connection), "GET");
  EXPECT_TRUE(host.engine.input_finished(event->connection));
}

// A peer without timestamps: nothing can carry window scale and SACK.
TEST(TcpSynCookies, WithoutTimestampsOnlyTheMssIsKept) {
  Script host;
  flood(host);
  const Segment answer =
      cookie_for(host, syn(Script::kPeerIss).mss(1300).scale(3).sack_permitted());
  EXPECT_FALSE(answer.header.options.window_scale);
  EXPECT_FALSE(answer.header.options.sack_permitted);
  EXPECT_FALSE(answer.header.options.timestamps);
  host.arrives(data(host.theirs(0), "GET").ack(host.ours(0)));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(host.read(event->connection), "GET");
  EXPECT_EQ(host.engine.segment_size(event->connection), 1'220U);  // its class
}

// RFC 9293 3.7.1 (MUST-15).
TEST(TcpSynCookies, MssIsRoundedDownToAClass) {
  struct Case {
    std::optional<std::uint16_t> offered;
    std::size_t used;
  };
  for (const Case& mss : std::vector<Case>{
           {{}, 536}, {1, 88}, {535, 88}, {536, 536}, {1'459, 1'440}, {9'000, 1'460}}) {
    Script host;
    flood(host);
    Segment first = syn(Script::kPeerIss);
    first.header.options.mss = mss.offered;
    (void)cookie_for(host, first);
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
    const auto event = host.engine.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(host.engine.segment_size(event->connection), mss.used);
  }
}

TEST(TcpSynCookies, IsGoodForTwoSlotsAtMost) {
  for (const bool late : {false, true}) {
    Script host;
    flood(host);
    const Segment answer = cookie_for(host, full_syn());
    host.pass(late ? SynCookies::kSlot * 2 : SynCookies::kSlot);
    host.forget_sent();
    host.arrives(last_ack(host, answer));
    EXPECT_EQ(host.engine.next_event().has_value(), !late);
    EXPECT_EQ(host.counted(NetCounter::kTcpResetsOut), late ? 1U : 0U);
  }
}

// RFC 9293 3.10.7.2: the reset of an ACK in LISTEN.
TEST(TcpSynCookies, AckThatReturnsNoneIsReset) {
  Script host;
  flood(host);
  const Segment answer = cookie_for(host, full_syn());
  const Segment right = last_ack(host, answer);
  std::vector<Segment> forged(6, right);
  forged[0].header.acknowledgement += 1;
  forged[1].header.acknowledgement += 8;  // the parity of the slot
  forged[2].header.acknowledgement += 1U << 20;
  forged[3].header.sequence += 1;
  forged[4].ports(5'001, Script::kLocalPort);
  forged[5].header.options.timestamps->echo ^= 1;  // another window scale
  for (const Segment& segment : forged) {
    host.arrives(segment);
    const Segment reset = host.sent();
    EXPECT_TRUE(reset.header.flags.rst);
    EXPECT_EQ(reset.header.sequence, segment.header.acknowledgement);
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesRejected), 6U);
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesAccepted), 0U);
  host.arrives(right);
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesAccepted), 1U);
}

// An attacker must not find a way in by guessing while nothing is wrong.
TEST(TcpSynCookies, AreNotLookedForWhileNoneIsOutstanding) {
  Script host;
  flood(host);
  const Segment answer = cookie_for(host, full_syn());
  host.pass(SynCookies::kSlot * 3);
  host.forget_sent();
  host.arrives(last_ack(host, answer));
  EXPECT_TRUE(host.sent().header.flags.rst);
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesRejected), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpNotSynchronized), 1U);
}

TEST(TcpSynCookies, FloodOfAcksKeepsNothingAndFewAreAnswered) {
  Script host;
  flood(host);
  const std::size_t connections = host.engine.connections();
  for (std::uint32_t i = 0; i < 3'000; ++i) {
    host.arrives(bare(SeqNumber(i)).ack(SeqNumber(i * 7'919)));
  }
  EXPECT_EQ(host.engine.connections(), connections);
  EXPECT_EQ(host.packets_out(), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpSynCookiesRejected), 3'000U);
  EXPECT_EQ(host.all_sent().size(), 1'000U);
  EXPECT_EQ(host.counted(NetCounter::kTcpResetsSuppressed), 2'000U);
  host.pass(Duration::seconds(1));
  host.forget_sent();
  host.arrives(bare(SeqNumber(5)).ack(SeqNumber(6)));
  EXPECT_TRUE(host.sent().header.flags.rst);
}

// Every control block is in use: the SYN still gets its answer, and the peer's text opens the
// connection once there is room.
TEST(TcpSynCookies, OpenWhenThereIsRoomAgain) {
  Script::Options options;
  options.tcp.max_connections = 1;
  Script host(options);
  host.listen();
  host.arrives(syn(Script::kPeerIss).ports(1, Script::kLocalPort));
  const SeqNumber other = host.sent().header.sequence;
  const Segment answer = cookie_for(host, full_syn());
  Segment text = last_ack(host, answer);
  text.text = "GET";
  host.arrives(text);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpConnectionsFull), 1U);
  host.arrives(rst(Script::kPeerIss + 1).ack(other + 1).ports(1, Script::kLocalPort));
  host.arrives(text);
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(host.read(event->connection), "GET");
}

// RFC 6298 2.1: no round trip has been measured, and one second is the timeout.
TEST(TcpSynCookies, FirstTextWaitsForTheInitialTimeout) {
  Script host;
  flood(host);
  const Segment answer = cookie_for(host, full_syn());
  host.pass(Duration::milliseconds(500));
  host.arrives(last_ack(host, answer));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  host.write(event->connection, "hello");
  host.forget_sent();
  host.pass(Duration::milliseconds(450));
  for (const Segment& segment : host.all_sent()) EXPECT_TRUE(segment.text.empty());
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
}

// --- the timestamp that carries the options ---

TEST(SynCookieTimestamp, IsTheLatestWithItsBitsThatIsNotAheadOfTheClock) {
  SynCookies cookies(std::array<std::byte, 16>{std::byte{1}});
  const base::Instant now = base::Instant::from_nanoseconds(0);
  for (const std::uint32_t clock : {0U, 5U, 1'000'003U, 0xfffffff0U}) {
    const auto answer = cookies.issue(now, {}, full_syn().header, clock);
    EXPECT_LT(clock - answer.timestamp, 64U);
    EXPECT_EQ(answer.timestamp & 63U, 16U + 3U);
  }
}

// --- the secret ---

TEST(SynCookieSecret, DiffersBetweenSlotsAndKeys) {
  SynCookies one(std::array<std::byte, 16>{std::byte{1}});
  SynCookies two(std::array<std::byte, 16>{std::byte{2}});
  const base::Instant start = base::Instant::from_nanoseconds(0);
  constexpr std::uint32_t kHash = ~std::uint32_t{15};
  const auto hash = [&](SynCookies& cookies, int slot) {
    const auto now = start + SynCookies::kSlot * slot;
    return cookies.issue(now, {}, full_syn().header, 0).sequence.value() & kHash;
  };
  EXPECT_EQ(hash(one, 0), hash(one, 0));
  EXPECT_NE(hash(one, 0), hash(two, 0));
  EXPECT_NE(hash(one, 0), hash(one, 1));
  EXPECT_NE(hash(one, 0), hash(one, 2));
}

// The parity of its slot is that of the present one, but the secret is another.
TEST(SynCookieSecret, OfTwoSlotsAgoIsForgottenWhileNewCookiesAreIssued) {
  SynCookies cookies(std::array<std::byte, 16>{std::byte{1}});
  const base::Instant start = base::Instant::from_nanoseconds(0);
  const auto old = cookies.issue(start, {}, full_syn().header, 0);
  const Segment ack =
      bare(Script::kPeerIss + 1).ack(old.sequence + 1).timestamps(560, old.timestamp);
  EXPECT_TRUE(cookies.redeem(start + SynCookies::kSlot, {}, ack.header));
  const base::Instant later = start + SynCookies::kSlot * 2;
  (void)cookies.issue(later, {}, full_syn().header, 0);
  EXPECT_TRUE(cookies.outstanding(later));
  EXPECT_FALSE(cookies.redeem(later, {}, ack.header));
}

}  // namespace
}  // namespace sluice::net::tcp::test
