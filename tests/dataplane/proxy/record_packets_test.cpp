// Outgoing packets as the record layer's output.
#include "dataplane/proxy/record_packets.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "base/memory_packet_pool.hpp"

namespace sluice::proxy {
namespace {

using base::MemoryPacketPool;

std::size_t total(std::span<const base::MutableBytes> spans) {
  return std::accumulate(spans.begin(), spans.end(), std::size_t{0},
                         [](std::size_t sum, base::MutableBytes s) { return sum + s.size(); });
}

TEST(RecordPackets, RecordFillsSegmentsOneAfterTheOther) {
  MemoryPacketPool pool(32);
  RecordPackets packets(pool);
  packets.begin(1448);
  EXPECT_EQ(total(packets.allocate(3000)), 3000u);
  base::PacketQueue queue = packets.take();
  EXPECT_EQ(queue.packets(), 3u);
  EXPECT_EQ(queue.bytes(), 3000u);
  EXPECT_EQ(queue.front()->size(), 1448u);
  EXPECT_EQ(queue.back()->size(), 104u);
  EXPECT_TRUE(packets.empty());
}

TEST(RecordPackets, NextRecordContinuesInTheOpenPacket) {
  MemoryPacketPool pool(32);
  RecordPackets packets(pool);
  packets.begin(1000);
  EXPECT_EQ(packets.allocate(300).size(), 1u);
  const auto spans = packets.allocate(1000);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].size(), 700u);
  EXPECT_EQ(spans[1].size(), 300u);
  EXPECT_EQ(packets.take().bytes(), 1300u);
}

TEST(RecordPackets, EmptyPoolTakesNothingAtAll) {
  MemoryPacketPool pool(2);
  RecordPackets packets(pool);
  packets.begin(1000);
  EXPECT_EQ(total(packets.allocate(500)), 500u);
  EXPECT_TRUE(packets.allocate(2000).empty());
  EXPECT_EQ(pool.available(), 1u);
  EXPECT_EQ(packets.take().bytes(), 500u);
}

TEST(RecordPackets, SegmentLargerThanAPacketIsHeldByMore) {
  MemoryPacketPool pool(32, 512);
  RecordPackets packets(pool);
  packets.begin(1448);
  EXPECT_EQ(total(packets.allocate(2000)), 2000u);
  EXPECT_EQ(total(packets.allocate(10)), 10u);
  EXPECT_EQ(packets.take().bytes(), 2010u);
}

}  // namespace
}  // namespace sluice::proxy
