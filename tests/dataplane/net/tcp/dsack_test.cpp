// D-SACK (RFC 2883): what we report of duplicates, and what a peer's reports make of what we took
// for losses (RFC 3708, RFC 8985 6.2).
#include <gtest/gtest.h>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using wire::SackBlock;

// --- reports ---

// The blocks of our next segment.
std::vector<SackBlock> blocks_sent(Script& host) {
  const Segment segment = host.sent();
  const auto blocks = segment.header.options.sack.view();
  return {blocks.begin(), blocks.end()};
}

SackBlock theirs(const Script& host, std::uint32_t from, std::uint32_t to) {
  return {.left = host.theirs(from), .right = host.theirs(to)};
}

// RFC 2883 4.1.1, and 4 (1): reported once.
TEST(TcpDsackReport, WholeDuplicateIsTheFirstBlockOfOneAck) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_EQ(blocks_sent(host), std::vector{theirs(host, 0, 3)});
  EXPECT_TRUE(host.silent());
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)).fin());
  EXPECT_TRUE(blocks_sent(host).empty());
}

TEST(TcpDsackReport, EachDuplicateOfABurstHasItsAck) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(0), "abcdef").ack(host.ours(0)));
  host.arrives_in_burst(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.arrives_in_burst(data(host.theirs(3), "def").ack(host.ours(0)));
  host.flush();
  EXPECT_EQ(blocks_sent(host), std::vector{theirs(host, 0, 3)});
  EXPECT_EQ(blocks_sent(host), std::vector{theirs(host, 3, 6)});
  EXPECT_TRUE(host.silent());
}

// RFC 2883 4.2.1: the duplicate part only, with an acknowledgment of the rest.
TEST(TcpDsackReport, OldFrontOfNewTextIsReported) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.arrives(data(host.theirs(0), "abcdef").ack(host.ours(0)));
  const Segment ack = host.sent();
  EXPECT_EQ(ack.header.acknowledgement, host.theirs(6));
  ASSERT_EQ(ack.header.options.sack.size(), 1U);
  EXPECT_EQ(ack.header.options.sack.view()[0], theirs(host, 0, 3));
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.read(c), "abcdef");
}

// RFC 2883 4.1.2 and 4 (4): the block that the duplicate is part of comes next.
TEST(TcpDsackReport, DuplicateBehindAGapIsFollowedByItsBlock) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(3), "defghi").ack(host.ours(0)));
  host.arrives(data(host.theirs(12), "mno").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
  EXPECT_EQ(blocks_sent(host),
            (std::vector{theirs(host, 3, 6), theirs(host, 3, 9), theirs(host, 12, 15)}));
}

// RFC 2883 4.2.2: the first duplicate part, if there are several.
TEST(TcpDsackReport, PartOfASegmentBehindAGapIsReported) {
  Script host;
  (void)host.established();
  host.arrives(data(host.theirs(3), "def").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(2), "cdefghi").ack(host.ours(0)));
  EXPECT_EQ(blocks_sent(host), (std::vector{theirs(host, 3, 6), theirs(host, 2, 9)}));
}

// RFC 2018 3: three blocks beside timestamps.
TEST(TcpDsackReport, LeavesTheLastBlockOutWhereThereIsNoRoom) {
  Script host;
  (void)host.established(syn(Script::kPeerIss).sack_permitted().timestamps(100, 0));
  for (std::uint32_t i = 0; i < 3; ++i) {
    host.arrives(data(host.theirs(10 + 10 * i), "xyz").ack(host.ours(0)).timestamps(101, 0));
  }
  host.forget_sent();
  host.arrives(data(host.theirs(10), "xyz").ack(host.ours(0)).timestamps(101, 0));
  EXPECT_EQ(blocks_sent(host),
            (std::vector{theirs(host, 10, 13), theirs(host, 10, 13), theirs(host, 30, 33)}));
}

TEST(TcpDsackReport, IsNotSentWithoutSack) {
  Script host;
  (void)host.established(syn(Script::kPeerIss).mss(1000));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
  EXPECT_TRUE(blocks_sent(host).empty());
  EXPECT_TRUE(host.silent());
}

}  // namespace
}  // namespace sluice::net::tcp::test
