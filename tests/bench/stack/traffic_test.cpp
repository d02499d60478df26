#include "bench/stack/traffic.hpp"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

class TrafficOverChecksums : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BySoftwareAndDevice, TrafficOverChecksums, testing::Bool());

TEST_P(TrafficOverChecksums, EverySegmentArrivesOnceInBothDirections) {
  Crowd crowd({.connections = 200, .device_checksums = GetParam()});
  ASSERT_TRUE(crowd.establish());
  Traffic traffic(crowd, {});
  const Traffic::Tallies tallies = traffic.rounds(20);
  EXPECT_EQ(tallies.receive.count, 20 * base::limits::kBurst);
  EXPECT_EQ(tallies.transmit.count, 20 * base::limits::kBurst);
  EXPECT_TRUE(traffic.undisturbed());
}

TEST(Traffic, SettledLeavesNothingPinned) {
  Crowd crowd({.connections = 1'000});
  ASSERT_TRUE(crowd.establish());
  Traffic traffic(crowd, {});
  (void)traffic.rounds(20);
  EXPECT_LT(crowd.bed.pool.available(), crowd.bed.pool.capacity());
  traffic.settle();
  EXPECT_EQ(crowd.bed.pool.available(), crowd.bed.pool.capacity());
}

TEST(Traffic, OfAbortedConnectionsIsDisturbed) {
  Crowd crowd({.connections = 200});
  ASSERT_TRUE(crowd.establish());
  Traffic traffic(crowd, {});
  for (Peers::Number n = 0; n < crowd.size(); ++n)
    crowd.bed.stack.abort(crowd.bed.now, crowd.handle(n));
  crowd.hear_all();
  (void)traffic.round();
  EXPECT_FALSE(traffic.undisturbed());
}

TEST(Crowd, EstablishedIsOpenAndNamedByNumber) {
  Crowd crowd({.connections = 10});
  ASSERT_TRUE(crowd.establish());
  EXPECT_EQ(crowd.bed.stack.usage().connections, 10U);
  EXPECT_TRUE(crowd.bed.stack.addresses(crowd.handle(9)));
}

}  // namespace
}  // namespace sluice::bench
