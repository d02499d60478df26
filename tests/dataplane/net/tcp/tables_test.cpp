// The small parts: the demultiplexer's table, initial sequence numbers and round-trip times.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "dataplane/net/tcp/flow_hash.hpp"
#include "dataplane/net/tcp/flow_table.hpp"
#include "dataplane/net/tcp/rtt.hpp"

namespace sluice::net::tcp {
namespace {

using base::Duration;
using base::Instant;

TEST(FlowTable, FindsWhatWasInsertedAndNothingElse) {
  FlowTable table(1'000);
  std::mt19937 random(1);
  std::vector<std::uint32_t> hashes(1'000);
  std::vector<bool> present(1'000);
  // A narrow range of hashes, so that clusters form and removal has to close gaps.
  for (std::uint32_t& hash : hashes) hash = static_cast<std::uint32_t>(random() % 4'000);
  const auto find = [&](std::uint32_t i) {
    return table.find(hashes[i], [i](std::uint32_t index) { return index == i; });
  };
  for (int round = 0; round < 20'000; ++round) {
    const auto i = static_cast<std::uint32_t>(random() % 1'000);
    if (present[i]) {
      table.erase(hashes[i], i);
      present[i] = false;
    } else {
      present[i] = table.insert(hashes[i], i);
      ASSERT_TRUE(present[i]);
    }
  }
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    ASSERT_EQ(find(i), present[i] ? i : FlowTable::kNone);
  }
}

TEST(FlowTable, RefusesWhatWouldLieTooFarAway) {
  FlowTable table(1'000);
  std::uint32_t inserted = 0;
  while (inserted < 1'000 && table.insert(7, inserted)) ++inserted;
  EXPECT_EQ(inserted, 129U);
}

class FlowHashTest : public testing::Test {
 protected:
  static constexpr std::array<std::byte, 16> kKey{std::byte{9}};
  FlowHash hash{kKey};
  base::FourTuple flow{.local = *base::SocketAddress::parse("198.18.0.1:10000"),
                       .remote = *base::SocketAddress::parse("198.18.0.2:443")};
};

// RFC 6528 3: rises by one every four microseconds, and depends on the flow.
TEST_F(FlowHashTest, SequenceNumbersFollowTheClock) {
  const Instant now = Instant::from_nanoseconds(1'000'000'000);
  const auto first = hash.initial_sequence(flow, now);
  EXPECT_EQ(hash.initial_sequence(flow, now + Duration::microseconds(400)) - first, 100);
  base::FourTuple other = flow;
  other.local.port = 10'001;
  EXPECT_NE(hash.initial_sequence(other, now), first);
}

TEST_F(FlowHashTest, TimestampsDependOnTheHostsAlone) {
  base::FourTuple other = flow;
  other.local.port = 10'001;
  EXPECT_EQ(hash.timestamp_offset(other), hash.timestamp_offset(flow));
  other.remote.address = *base::IpAddress::parse("2001:db8::1");
  EXPECT_NE(hash.timestamp_offset(other), hash.timestamp_offset(flow));
}

// Ports and addresses in rows, as one client behind a translator has them, or a network of clients:
// in a table that is half full no flow lies much further from its place than a random one would.
TEST(FlowHashSpread, NeighbouringFlowsDoNotCrowd) {
  constexpr std::size_t kFlows = 1 << 15;
  const auto flow_of = [](std::size_t i, int kind) {
    const auto low = static_cast<std::uint16_t>(i);
    const auto host = static_cast<std::uint32_t>(i);
    base::FourTuple made{.local = *base::SocketAddress::parse("198.18.0.1:443"),
                         .remote = *base::SocketAddress::parse("198.19.0.0:40000")};
    if (kind == 0) made.remote.port = low;
    if (kind == 1) made.remote.address = base::Ipv4Address{0xc6130000 + host};
    if (kind == 2) made.remote.address = base::Ipv4Address{0xc6130000 + (host << 4)};
    if (kind == 3) {
      base::Ipv6Address address = base::IpAddress::parse("2001:db8::")->ipv6();
      base::store_be(address.octets.data() + 12, host);
      made.remote.address = address;
      made.local.address = *base::IpAddress::parse("2001:db8::1");
    }
    return made;
  };
  for (std::uint8_t key = 0; key < 16; ++key) {
    const FlowHash hash(std::array<std::byte, 16>{std::byte{key}});
    for (int kind = 0; kind < 4; ++kind) {
      FlowTable table(kFlows);
      std::size_t looked_at = 0;
      for (std::uint32_t i = 0; i < kFlows; ++i) {
        ASSERT_TRUE(table.insert(hash.bucket(flow_of(i, kind)), i)) << +key << ' ' << kind;
      }
      for (std::uint32_t i = 0; i < kFlows; ++i) {
        (void)table.find(hash.bucket(flow_of(i, kind)), [&](std::uint32_t index) {
          ++looked_at;
          return index == i;
        });
      }
      EXPECT_LT(looked_at, kFlows + kFlows / 100) << "different flows with the same hash";
    }
  }
}

// Each part of a flow counts.
TEST_F(FlowHashTest, OtherFlowsHaveOtherBuckets) {
  std::vector<base::FourTuple> others(4, flow);
  others[0].local.port = 10'001;
  others[1].remote.port = 444;
  others[2].local.address = *base::IpAddress::parse("198.18.0.3");
  others[3].remote.address = *base::IpAddress::parse("198.18.0.3");
  base::FourTuple ipv6{.local = *base::SocketAddress::parse("[2001:db8::1]:10000"),
                       .remote = *base::SocketAddress::parse("[2001:db8::2]:443")};
  for (std::size_t i = 0; i < 32; ++i) {
    auto octets = (i < 16 ? ipv6.local : ipv6.remote).address.ipv6();
    octets.octets[i % 16] ^= std::byte{1};
    others.push_back(ipv6);
    (i < 16 ? others.back().local : others.back().remote).address = octets;
  }
  std::set<std::uint32_t> buckets{hash.bucket(flow), hash.bucket(ipv6)};
  for (const base::FourTuple& other : others) buckets.insert(hash.bucket(other));
  EXPECT_EQ(buckets.size(), others.size() + 2);
}

// RFC 6298 2.
TEST(Rtt, TimeoutFollowsSmoothedTimeAndVariance) {
  const Duration minimum = Duration::milliseconds(200);
  RttEstimator rtt;
  EXPECT_EQ(rtt.rto(minimum), Duration::seconds(1));
  rtt.add(Duration::milliseconds(100));
  EXPECT_EQ(rtt.smoothed(), Duration::milliseconds(100));
  EXPECT_EQ(rtt.rto(minimum), Duration::milliseconds(300));
  for (int i = 0; i < 100; ++i) rtt.add(Duration::milliseconds(10));
  EXPECT_LT(rtt.smoothed(), Duration::milliseconds(11));
  EXPECT_LT(rtt.rto(minimum), Duration::milliseconds(212));
  EXPECT_EQ(rtt.minimum(), Duration::milliseconds(10));
}

TEST(Rtt, BackOffDoublesUpToABound) {
  RttEstimator rtt;
  rtt.add(Duration::milliseconds(1));
  const Duration minimum = Duration::milliseconds(200);
  const Duration first = rtt.rto(minimum);
  rtt.back_off();
  EXPECT_EQ(rtt.rto(minimum), first * 2);
  for (int i = 0; i < 40; ++i) rtt.back_off();
  EXPECT_EQ(rtt.rto(minimum), RttEstimator::kMaxRto);
  rtt.reset_back_off();
  EXPECT_EQ(rtt.rto(minimum), first);
}

TEST(Rtt, SampleOfAPeersMakingIsBounded) {
  RttEstimator rtt;
  rtt.add(Duration::seconds(1'000'000));
  EXPECT_LE(rtt.smoothed(), RttEstimator::kMaxRto);
  rtt.add(Duration::seconds(-5));
  EXPECT_GT(rtt.smoothed().nanoseconds(), 0);
}

TEST(Rtt, CoarseSampleLeavesTheMinimumAlone) {
  RttEstimator rtt;
  rtt.add(Duration::microseconds(100));
  rtt.add_coarse(Duration::milliseconds(0));
  EXPECT_EQ(rtt.smoothed(), Duration::microseconds(100));
  rtt.add_coarse(Duration::milliseconds(50));
  EXPECT_EQ(rtt.minimum(), Duration::microseconds(100));
  EXPECT_GT(rtt.smoothed(), Duration::milliseconds(1));
}

}  // namespace
}  // namespace sluice::net::tcp
