// Routers report segments that were too big for their paths: RFC 1191, RFC 8201, RFC 5927 7.
#include <gtest/gtest.h>

#include "dataplane/net/tcp/path_mtu_discovery.hpp"
#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr std::uint16_t kHeaders = 40;

class TcpPathMtu : public testing::Test {
 protected:
  void reports(SeqNumber sequence, std::uint32_t mtu) {
    const base::FourTuple flow{.local = {.address = host.local, .port = host.local_port},
                               .remote = {.address = host.remote, .port = Script::kPeerPort}};
    host.engine.too_big(host.now, flow, {.sequence = sequence.value(), .mtu = mtu});
    host.flush();
  }
  std::vector<std::size_t> sizes_sent() {
    std::vector<std::size_t> sizes;
    for (const Segment& segment : host.all_sent()) sizes.push_back(segment.text.size());
    return sizes;
  }
  // Another connection from the same peer.
  ConnectionHandle established_again() {
    host.local_port = Script::kLocalPort;
    host.arrives(syn(Script::kPeerIss).mss(1000).ports(5001, Script::kLocalPort));
    const SeqNumber iss = host.sent().header.sequence;
    host.arrives(bare(host.theirs(0)).ack(iss + 1).ports(5001, Script::kLocalPort));
    const auto event = host.engine.next_event();
    EXPECT_TRUE(event && event->what.opened);
    return event ? event->connection : ConnectionHandle{};
  }

  Script host;
};

// RFC 1191 6.4: what was too big goes out again at once, cut; RFC 8201 5.4: the window stays.
TEST_F(TcpPathMtu, SegmentsInFlightAreCutAndSentAgainAtOnce) {
  const auto c = host.established();
  host.write(c, 3'000);
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{1'000, 1'000, 1'000}));
  reports(host.ours(0), 800 + kHeaders);
  const auto again = host.all_sent();
  ASSERT_EQ(again.size(), 6U);
  EXPECT_EQ(again[0].header.sequence, host.ours(0));
  EXPECT_EQ(again[0].text.size(), 800U);
  EXPECT_EQ(again[1].header.sequence, host.ours(800));
  EXPECT_EQ(again[1].text.size(), 200U);
  EXPECT_EQ(again[5].header.sequence, host.ours(2'800));
  EXPECT_EQ(host.engine.segment_size(c), 800U);
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuLowered), 1U);

  // The window is still ten segments of the old size.
  host.arrives(bare(host.theirs(0)).ack(host.ours(3'000)));
  host.pass(Duration::milliseconds(5));
  host.write(c, 20'000);
  EXPECT_EQ(sizes_sent(), std::vector<std::size_t>(12, 800));
  EXPECT_EQ(host.counted(NetCounter::kTcpFastRecoveries), 0U);
  EXPECT_EQ(host.counted(NetCounter::kTcpTimeouts), 0U);
}

TEST_F(TcpPathMtu, OnlyWhatIsTooBigIsSentAgain) {
  const auto c = host.established();
  host.write(c, 1'000);
  host.write(c, 300);
  (void)host.all_sent();
  reports(host.ours(0), 800 + kHeaders);
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{800, 200}));
}

// RFC 5927 7.2.
TEST_F(TcpPathMtu, ReportThatQuotesNothingInFlightIsIgnored) {
  const auto c = host.established();
  reports(host.ours(0), 800 + kHeaders);
  host.write(c, 2'000);
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'000)));
  (void)host.all_sent();
  reports(host.ours(999), 800 + kHeaders);
  reports(host.ours(2'000), 800 + kHeaders);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.segment_size(c), 1'000U);
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuIgnored), 3U);
  reports(host.ours(1'999), 800 + kHeaders);
  EXPECT_EQ(host.engine.segment_size(c), 800U);
}

TEST_F(TcpPathMtu, HandshakeIsNeverTooBig) {
  (void)host.connecting();
  reports(host.iss, 600);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuIgnored), 1U);
}

TEST_F(TcpPathMtu, ReportNeverMakesSegmentsLarger) {
  const auto c = host.established();
  host.write(c, 1'000);
  (void)host.all_sent();
  reports(host.ours(0), 9'000);
  EXPECT_EQ(host.engine.segment_size(c), 1'000U);
  reports(host.ours(0), 800 + kHeaders);
  (void)host.all_sent();
  reports(host.ours(0), 900 + kHeaders);
  reports(host.ours(800), 800 + kHeaders);
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.engine.segment_size(c), 800U);
  EXPECT_EQ(host.counted(NetCounter::kTcpPathMtuLowered), 1U);
}

TEST_F(TcpPathMtu, ReportOfAlmostNothingIsTakenForTheLeastThatIsBelieved) {
  const auto c = host.established();
  host.write(c, 1'000);
  (void)host.all_sent();
  reports(host.ours(0), 1);
  EXPECT_EQ(host.engine.segment_size(c), kLeastPathMtuIpv4 - kHeaders);
  EXPECT_EQ(sizes_sent(), (std::vector<std::size_t>{512, 488}));
}

// RFC 6691: options count.
TEST_F(TcpPathMtu, TimestampsLeaveLessForText) {
  const auto c = host.established(syn(Script::kPeerIss).mss(1'000).timestamps(7, 0));
  host.write(c, 900);
  (void)host.all_sent();
  reports(host.ours(0), 800 + kHeaders);
  EXPECT_EQ(host.engine.segment_size(c), 788U);
}

TEST_F(TcpPathMtu, FinStaysBehindTheTextThatIsCut) {
  const auto c = host.established();
  host.write(c, 1'000);
  host.finish(c);
  (void)host.all_sent();
  reports(host.ours(0), 600 + kHeaders);
  host.arrives(bare(host.theirs(0)).ack(host.ours(600)));
  host.pass(Duration::milliseconds(300));
  host.arrives(bare(host.theirs(0)).ack(host.ours(1'001)));
  EXPECT_EQ(host.engine.unacknowledged(c), 0U);
  host.arrives(data(host.theirs(0), "").fin().ack(host.ours(1'001)));
  EXPECT_EQ(host.engine.connections(), 1U);  // TIME-WAIT, until the session has looked
}

// RFC 1191 6.3.
TEST_F(TcpPathMtu, NextConnectionBeginsWithWhatIsKnownUntilThatIsTooOld) {
  const auto c = host.established();
  host.write(c, 1'000);
  (void)host.all_sent();
  reports(host.ours(0), 800 + kHeaders);
  host.engine.abort(host.now, c);
  (void)host.all_sent();
  const auto second = established_again();
  EXPECT_EQ(host.engine.segment_size(second), 800U);
  host.engine.abort(host.now, second);
  host.pass(PathMtuCache::kLifetime);
  (void)host.all_sent();
  EXPECT_EQ(host.engine.segment_size(established_again()), 1'000U);
}

TEST_F(TcpPathMtu, ForgedReportIsNotRemembered) {
  const auto c = host.established();
  reports(host.ours(0), 800 + kHeaders);
  host.engine.abort(host.now, c);
  (void)host.all_sent();
  EXPECT_EQ(host.engine.segment_size(established_again()), 1'000U);
}

// --- the cache ---

class PathMtuCacheTest : public testing::Test {
 protected:
  static base::IpAddress address(std::uint32_t n) {
    return base::Ipv4Address{base::Ipv4Address::of(198, 18, 0, 0).value + n};
  }
  static constexpr std::array<std::byte, 16> kKey{std::byte{3}};
  PathMtuCache cache{kKey};
  base::Instant now = base::Instant::from_nanoseconds(1);
};

TEST_F(PathMtuCacheTest, KnowsTheLeastOfWhatWasSaid) {
  EXPECT_FALSE(cache.find(now, address(1)));
  cache.lower(now, address(1), 1'400);
  cache.lower(now, address(1), 1'450);
  EXPECT_EQ(cache.find(now, address(1))->mtu, 1'400);
  cache.lower(now, address(1), 1'300);
  EXPECT_EQ(cache.find(now, address(1))->mtu, 1'300);
  EXPECT_FALSE(cache.find(now, address(2)));
}

TEST_F(PathMtuCacheTest, ForgetsAfterItsTimeUnlessItIsSaidAgain) {
  cache.lower(now, address(1), 1'400);
  now = now + PathMtuCache::kLifetime / 2;
  cache.lower(now, address(1), 1'400);
  now = now + PathMtuCache::kLifetime / 2;
  EXPECT_EQ(cache.find(now, address(1))->mtu, 1'400);
  now = now + PathMtuCache::kLifetime / 2;
  EXPECT_FALSE(cache.find(now, address(1)));
  cache.lower(now, address(1), 1'450);
  EXPECT_EQ(cache.find(now, address(1))->mtu, 1'450);
}

TEST_F(PathMtuCacheTest, RaisesOnlyWhatItKnows) {
  cache.raise(now, address(1), 1'400);
  EXPECT_FALSE(cache.find(now, address(1)));
  cache.lower(now, address(1), 1'300);
  cache.raise(now, address(1), 1'200);
  EXPECT_EQ(cache.find(now, address(1))->mtu, 1'300);
  cache.raise(now, address(1), 1'400);
  EXPECT_EQ(cache.find(now, address(1))->mtu, 1'400);
}

TEST_F(PathMtuCacheTest, HoweverManyDestinationsTheLatestAreKnown) {
  constexpr std::uint32_t kMany = 10 * base::limits::kMaxPathMtus;
  for (std::uint32_t n = 0; n < kMany; ++n) {
    now = now + Duration::milliseconds(1);
    cache.lower(now, address(n), 1'400);
    ASSERT_EQ(cache.find(now, address(n))->mtu, 1'400);
  }
  std::size_t known = 0;
  for (std::uint32_t n = 0; n < kMany; ++n) known += cache.find(now, address(n)) ? 1U : 0U;
  EXPECT_EQ(known, base::limits::kMaxPathMtus);
}

}  // namespace
}  // namespace sluice::net::tcp::test
