#include "bench/stack/path.hpp"

#include <gtest/gtest.h>

#include "bench/stack/bulk.hpp"
#include "bench/stack/local_packet_pool.hpp"
#include "bench/stack/samples.hpp"

namespace sluice::bench {
namespace {

using base::Duration;
using base::Instant;

constexpr std::size_t kFrame = 976;  // 1,000 bytes with what frames cost on the wire
constexpr Duration kDelay = Duration::milliseconds(10);

class PathOf8Mbit : public testing::Test {
 protected:
  void send(Path& path, int frames) {
    for (int i = 0; i < frames; ++i) {
      base::PacketPtr frame = pool.take();
      frame->append(kFrame);
      path.send(start, std::move(frame));
    }
  }
  [[nodiscard]] static Path::Options options() {
    return {.bits_per_second = 8'000'000, .delay = kDelay, .queue = 10'000};
  }

  const Instant start = Instant::from_nanoseconds(1'000'000'000);
  LocalPacketPool pool{64};
};

TEST_F(PathOf8Mbit, FramesLeaveAtTheRateAndArriveAfterTheDelay) {
  Path path(options(), pool);
  send(path, 2);
  EXPECT_EQ(path.next_arrival(), start + kDelay + Duration::milliseconds(1));
  EXPECT_FALSE(path.arrived(start + kDelay));
  EXPECT_TRUE(path.arrived(start + kDelay + Duration::milliseconds(1)));
  EXPECT_EQ(path.next_arrival(), start + kDelay + Duration::milliseconds(2));
}

TEST_F(PathOf8Mbit, FullQueueDrops) {
  Path path(options(), pool);
  send(path, 20);
  int arrived = 0;
  while (path.arrived(start + Duration::seconds(1))) ++arrived;
  EXPECT_EQ(arrived, 11);  // ten that wait and the one that is being sent
}

TEST_F(PathOf8Mbit, AllIsLostAtALossOfOne) {
  Path::Options lossy = options();
  lossy.loss = 1;
  Path path(lossy, pool);
  send(path, 5);
  EXPECT_EQ(path.next_arrival(), Instant::never());
}

TEST(Bulk, WithoutLossNearlyFillsTheLinkAndIsTheSameEveryTime) {
  const auto goodput = [] {
    Bulk bulk({.bits_per_second = 50'000'000});
    EXPECT_TRUE(bulk.open());
    (void)bulk.run(Duration::seconds(2));
    return bulk.run(Duration::seconds(2)).goodput;
  };
  const double first = goodput();
  EXPECT_GT(first, 0.9 * 50e6);
  EXPECT_LT(first, 50e6);
  EXPECT_EQ(first, goodput());
}

TEST(Samples, MedianIsNotMovedByAnOutlier) {
  Samples samples;
  for (const double value : {3.0, 1.0, 1'000.0, 2.0, 4.0}) samples.add(value);
  EXPECT_EQ(samples.median(), 3.0);
}

}  // namespace
}  // namespace sluice::bench
