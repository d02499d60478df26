// Keep-alive: RFC 9293 3.8.4 and RFC 1122 4.2.3.6.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr Duration kIdle = Duration::seconds(100);
constexpr Duration kInterval = Duration::seconds(10);

Script::Options three_probes() {
  Script::Options options;
  options.tcp.keepalive_idle = kIdle;
  options.tcp.keepalive_interval = kInterval;
  options.tcp.keepalive_probes = 3;
  return options;
}

// The peer's answer to a probe.
void answer(Script& host) {
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
}

// RFC 9293 3.8.4 (MUST-27, MUST-28): no sooner than after two hours, unless configured.
TEST(TcpKeepalive, FirstProbeComesAfterTwoHours) {
  Script host;
  (void)host.established();
  host.pass(Duration::seconds(7'199));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::seconds(2));
  EXPECT_FALSE(host.silent());
}

// RFC 9293 3.8.4: SEG.SEQ = SND.NXT-1, without text (SHLD-12).
TEST(TcpKeepalive, ProbeIsAnAckInFrontOfTheWindow) {
  Script host(three_probes());
  (void)host.established();
  host.pass(kIdle + Duration::seconds(1));
  const Segment probe = host.sent();
  EXPECT_TRUE(probe.header.flags.ack);
  EXPECT_EQ(probe.header.sequence, host.ours(0) - 1);
  EXPECT_EQ(probe.header.acknowledgement, host.theirs(0));
  EXPECT_TRUE(probe.text.empty());
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpKeepaliveProbes), 1U);
}

// RFC 9293 3.8.4 (MUST-29): one that goes unanswered does not mean a dead connection.
TEST(TcpKeepalive, SilenceAfterAllProbesTimesOut) {
  Script host(three_probes());
  (void)host.established();
  host.pass(kIdle + kInterval * 3 - Duration::seconds(1));
  EXPECT_EQ(host.all_sent().size(), 3U);
  EXPECT_FALSE(host.engine.next_event());
  host.pass(Duration::seconds(2));
  EXPECT_EQ(host.close_reason(), CloseReason::kTimedOut);
  EXPECT_TRUE(host.sent().header.flags.rst);
  EXPECT_EQ(host.engine.connections(), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpKeepaliveTimeouts), 1U);
}

TEST(TcpKeepalive, AnsweredProbesGoOnForEver) {
  for (const Duration interval : {kInterval, kIdle * 2}) {
    Script::Options options = three_probes();
    options.tcp.keepalive_interval = interval;
    Script host(options);
    (void)host.established();
    for (int i = 0; i < 2'000; ++i) {
      host.pass(Duration::seconds(1));
      if (!host.all_sent().empty()) answer(host);
    }
    EXPECT_FALSE(host.engine.next_event());
    EXPECT_GE(host.counted(NetCounter::kTcpKeepaliveProbes), 9U);
  }
}

// The last probe alone is answered: all the others may have been lost.
TEST(TcpKeepalive, AnswerToTheLastProbeCounts) {
  Script host(three_probes());
  (void)host.established();
  host.pass(kIdle + kInterval * 2 + Duration::seconds(1));
  answer(host);
  host.forget_sent();
  host.pass(kIdle - Duration::seconds(2));
  EXPECT_TRUE(host.silent());
  host.pass(kInterval * 2 + Duration::seconds(3));
  EXPECT_EQ(host.all_sent().size(), 3U);
  EXPECT_FALSE(host.engine.next_event());
}

// RFC 9293 3.8.4 (MUST-26): only when nothing has been received for the interval.
TEST(TcpKeepalive, AnySegmentPutsItOff) {
  Script host(three_probes());
  const auto c = host.established();
  for (std::uint32_t i = 0; i < 10; ++i) {
    host.pass(kIdle - Duration::seconds(1));
    host.arrives(data(host.theirs(i), "x").ack(host.ours(0)));
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpKeepaliveProbes), 0U);
  EXPECT_EQ(host.read(c).size(), 10U);
}

// RFC 9293 3.8.4 (MUST-26): sent only when no data is outstanding.
TEST(TcpKeepalive, UnacknowledgedTextIsItsOwnProbe) {
  Script::Options options = three_probes();
  options.tcp.user_timeout = Duration::seconds(1'000);
  Script host(options);
  const auto c = host.established();
  host.write(c, "hello");
  host.pass(kIdle + kInterval * 5);
  EXPECT_EQ(host.counted(NetCounter::kTcpKeepaliveProbes), 0U);
  EXPECT_FALSE(host.engine.next_event());
}

// A worker that was held up has asked nobody anything.
TEST(TcpKeepalive, LongPauseOfOursCountsAsNoProbe) {
  Script host(three_probes());
  (void)host.established();
  host.now = host.now + kIdle * 10;
  host.engine.advance(host.now);
  EXPECT_FALSE(host.engine.next_event());
  EXPECT_EQ(host.counted(NetCounter::kTcpKeepaliveProbes), 1U);
  host.pass(kInterval * 2 + Duration::seconds(1));
  EXPECT_EQ(host.counted(NetCounter::kTcpKeepaliveProbes), 3U);
  EXPECT_FALSE(host.engine.next_event());
}

TEST(TcpKeepalive, HalfClosedConnectionIsProbed) {
  Script host(three_probes());
  const auto c = host.established();
  host.finish(c);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
  host.forget_sent();
  host.pass(kIdle + Duration::seconds(1));
  EXPECT_EQ(host.sent().header.sequence, host.ours(0));
}

// RFC 9293 3.8.4 (MUST-24): it can be switched off.
TEST(TcpKeepalive, ZeroSwitchesItOff) {
  Script::Options options = three_probes();
  options.tcp.keepalive_idle = {};
  Script host(options);
  (void)host.established();
  host.pass(Duration::seconds(100'000));
  EXPECT_TRUE(host.silent());
}

TEST(TcpKeepalive, OwnOpensAreNotProbed) {
  Script host(three_probes());
  (void)host.connecting();
  host.arrives(syn(Script::kPeerIss).ack(host.ours(0)));
  host.forget_sent();
  host.pass(kIdle * 10);
  EXPECT_TRUE(host.silent());
}

}  // namespace
}  // namespace sluice::net::tcp::test
