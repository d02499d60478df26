// When text in order is acknowledged: RFC 9293 3.8.6.3 (SHLD-18, MUST-40), RFC 5681 4.2.
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

// A connection whose session answers what it is asked, and the peer's next byte.
struct Conversation {
  explicit Conversation(Script& on) : host(on), connection(host.established()) {
    arrives("ping");
    host.write(connection, "pong");
    host.arrives(bare(host.theirs(at)).ack(host.ours(4)));
    host.forget_sent();
  }
  void arrives(std::string_view text) { send(data(host.theirs(at), text)); }
  void arrives(std::size_t size) { send(data(host.theirs(at), std::string(size, 'x'))); }
  // The last of what the peer had to say.
  void arrives_pushed(std::string_view text) { send(data(host.theirs(at), text).push()); }

  Script& host;
  std::uint32_t at = 0;
  ConnectionHandle connection;

 private:
  void send(Segment segment) {
    at += static_cast<std::uint32_t>(segment.text.size());
    host.arrives_in_burst(segment.ack(host.ours(at == 4 ? 0 : 4)));
    (void)host.read(connection);
  }
};

TEST(TcpAcks, FirstSegmentsAreAcknowledgedAtOnceWhateverTheirSize) {
  Script host;
  (void)host.established();
  for (std::uint32_t i = 0; i < 16; ++i) {
    host.arrives(data(host.theirs(i), "x").ack(host.ours(0)).push());
    EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(i + 1));
  }
  host.arrives(data(host.theirs(16), "x").ack(host.ours(0)).push());
  EXPECT_TRUE(host.silent());
}

TEST(TcpAcks, LoneSegmentIsAcknowledgedAfterTheDelay) {
  Script host;
  Conversation peer(host);
  peer.arrives("abc");
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(39));
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(2));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(7));
}

TEST(TcpAcks, SmallSegmentsWaitHoweverMany) {
  Script host;
  Conversation peer(host);
  for (int i = 0; i < 30; ++i) {
    peer.arrives_pushed("abc");
    host.pass(Duration::milliseconds(1));
  }
  EXPECT_TRUE(host.silent());
  // MUST-40: the delay is the first one's.
  host.pass(Duration::milliseconds(11));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(4 + 90));
  EXPECT_TRUE(host.silent());
}

// SHLD-18.
TEST(TcpAcks, SecondFullSegmentIsAcknowledgedAtOnce) {
  Script host;
  Conversation peer(host);
  for (int pair = 0; pair < 3; ++pair) {
    peer.arrives(1'400);
    EXPECT_TRUE(host.silent());
    peer.arrives(1'400);
    EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(peer.at));
  }
  host.pass(Duration::milliseconds(100));
  EXPECT_TRUE(host.silent());
}

// As the device makes one of several.
TEST(TcpAcks, SegmentLargerThanAnyThatThePeerMaySendIsAcknowledgedAtOnce) {
  Script host;
  Conversation peer(host);
  peer.arrives(1'900);
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(peer.at));
}

TEST(TcpAcks, SecondSegmentIsFullWhereThePathHasBecomeNarrower) {
  Script host;
  Conversation peer(host);
  peer.arrives(1'400);
  peer.arrives(1'400);
  host.forget_sent();
  for (int i = 0; i < 60; ++i) peer.arrives(400);
  EXPECT_GT(host.all_sent().size(), 20U);
  peer.arrives(400);
  peer.arrives(400);
  peer.arrives(400);
  EXPECT_FALSE(host.silent());
}

TEST(TcpAcks, SmallPushedSegmentsDoNotMakeFullOnesSmall) {
  Script host;
  Conversation peer(host);
  peer.arrives(1'400);
  peer.arrives(1'400);
  for (int i = 0; i < 100; ++i) peer.arrives_pushed("x");
  host.pass(Duration::milliseconds(100));
  host.forget_sent();
  peer.arrives(1'000);
  EXPECT_TRUE(host.silent());
}

TEST(TcpAcks, BurstIsAcknowledgedOnce) {
  Script host;
  (void)host.established();
  for (std::uint32_t i = 0; i < 10; ++i) {
    host.arrives_in_burst(data(host.theirs(i * 3), "abc").ack(host.ours(0)));
  }
  host.flush();
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(30));
  EXPECT_TRUE(host.silent());
}

TEST(TcpAcks, TextTakesTheAcknowledgmentAlong) {
  Script host;
  Conversation peer(host);
  peer.arrives("ping");
  EXPECT_TRUE(host.silent());
  host.write(peer.connection, "pong");
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(8));
  host.pass(Duration::milliseconds(9));
  EXPECT_TRUE(host.silent());
}

TEST(TcpAcks, SilencePutsNoAnswerAtOnceWhereTheSessionAnswers) {
  Script host;
  Conversation peer(host);
  host.pass(Duration::seconds(5));
  peer.arrives("abc");
  EXPECT_TRUE(host.silent());
}

TEST(TcpAcks, SegmentAfterSilenceIsAcknowledgedAtOnceWhereTheSessionDoesNotAnswer) {
  Script host;
  Conversation peer(host);
  peer.arrives("abc");
  host.pass(Duration::milliseconds(900));
  host.forget_sent();
  peer.arrives("abc");
  EXPECT_TRUE(host.silent());
  host.pass(Duration::milliseconds(1'100));
  host.forget_sent();
  peer.arrives("abc");
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(13));
}

}  // namespace
}  // namespace sluice::net::tcp::test
