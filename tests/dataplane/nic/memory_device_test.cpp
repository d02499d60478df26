#include "dataplane/nic/memory_device.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "base/memory_packet_pool.hpp"

namespace sluice::nic {
namespace {

constexpr base::Instant kNow;

struct LinkEnd {
  base::MemoryPacketPool pool{64};
  base::Counters<NicCounter> counters;
  MemoryDevice::End end() { return {.mac = {}, .pool = pool, .counters = counters}; }

  base::Packet* frame(std::size_t size, std::uint8_t first = 0) {
    base::Packet* packet = pool.allocate();
    packet->append(size)[0] = std::byte{first};
    return packet;
  }
};

struct MemoryLinkTest : ::testing::Test {
  LinkEnd a;
  LinkEnd b;
  MemoryLink link{{.mtu = 1500, .depth = 4}, a.end(), b.end()};
  std::array<base::Packet*, 16> received{};
};

TEST_F(MemoryLinkTest, FramesArriveInOrderAsCopies) {
  const std::array sent = {a.frame(60, 1), a.frame(1514, 2)};
  EXPECT_EQ(link.a().transmit(kNow, sent), 2U);
  EXPECT_EQ(a.pool.available(), a.pool.capacity());
  ASSERT_EQ(link.b().receive(kNow, received), 2U);
  EXPECT_EQ(received[0]->size(), 60U);
  EXPECT_EQ(received[0]->data()[0], std::byte{1});
  EXPECT_EQ(received[1]->size(), 1514U);
  EXPECT_EQ(&received[1]->pool(), &b.pool);
  EXPECT_EQ(received[1]->headroom(), base::Packet::kHeadroom);
  for (base::Packet* packet : std::span(received).first(2)) packet->release();
}

TEST_F(MemoryLinkTest, BothDirectionsAreApart) {
  const std::array sent = {b.frame(60)};
  EXPECT_EQ(link.b().transmit(kNow, sent), 1U);
  EXPECT_EQ(link.b().receive(kNow, received), 0U);
  ASSERT_EQ(link.a().receive(kNow, received), 1U);
  received[0]->release();
}

TEST_F(MemoryLinkTest, FullRingLeavesTheRestToTheCaller) {
  std::array<base::Packet*, 6> sent{};
  for (base::Packet*& packet : sent) packet = a.frame(60);
  EXPECT_EQ(link.a().transmit(kNow, sent), 4U);
  EXPECT_EQ(a.counters[NicCounter::kTransmitPartial], 1U);
  EXPECT_EQ(link.b().receive(kNow, std::span(received).first(1)), 1U);
  EXPECT_EQ(link.a().transmit(kNow, std::span(sent).subspan(4)), 1U);
  sent[5]->release();
  received[0]->release();
  EXPECT_EQ(a.pool.available(), a.pool.capacity());
}

TEST_F(MemoryLinkTest, OversizedAndEmptyFramesAreDropped) {
  base::Packet* empty = a.pool.allocate();
  const std::array sent = {a.frame(1519), empty, a.frame(1518)};
  EXPECT_EQ(link.a().transmit(kNow, sent), 3U);
  EXPECT_EQ(a.counters[NicCounter::kTransmitOversize], 2U);
  EXPECT_EQ(link.b().receive(kNow, received), 1U);
  received[0]->release();
}

TEST_F(MemoryLinkTest, FrameWaitsForAPacketToReceiveInto) {
  base::PacketQueue taken;
  while (base::Packet* packet = b.pool.allocate()) taken.push_back(base::PacketPtr(packet));
  const std::array sent = {a.frame(60)};
  EXPECT_EQ(link.a().transmit(kNow, sent), 1U);
  EXPECT_EQ(link.b().receive(kNow, received), 0U);
  taken.clear();
  ASSERT_EQ(link.b().receive(kNow, received), 1U);
  received[0]->release();
}

TEST_F(MemoryLinkTest, EndsMayBelongToTwoThreads) {
  constexpr unsigned kFrames = 20'000;
  std::thread sender([this] {
    for (unsigned i = 0; i < kFrames;) {
      base::Packet* packet = a.frame(64);
      base::store_be(packet->data(), i);
      while (link.a().transmit(kNow, std::span(&packet, 1)) == 0) std::this_thread::yield();
      ++i;
    }
  });
  unsigned expected = 0;
  unsigned wrong = 0;
  while (expected < kFrames) {
    const std::size_t n = link.b().receive(kNow, received);
    if (n == 0) std::this_thread::yield();
    for (base::Packet* packet : std::span(received).first(n)) {
      if (base::load_be<unsigned>(packet->data()) != expected++) ++wrong;
      packet->release();
    }
  }
  sender.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace sluice::nic
