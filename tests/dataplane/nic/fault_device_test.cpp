#include "dataplane/nic/fault_device.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "tests/support/frames.hpp"

namespace sluice::nic {
namespace {

using base::Duration;
using base::Instant;

// Keeps what it is given to transmit, as long as it has room, and hands it out again.
class LoopDevice final : public Device {
 public:
  explicit LoopDevice(std::size_t room = 1'000'000) : room_(room) {
    info_.verifies_checksums = info_.computes_checksums = true;
  }
  const DeviceInfo& info() const override { return info_; }
  std::size_t receive(Instant, std::span<base::Packet*> out) override {
    std::size_t n = 0;
    while (n < out.size() && !frames.empty()) out[n++] = frames.pop_front().release();
    return n;
  }
  std::size_t transmit(Instant, std::span<base::Packet* const> offered) override {
    std::size_t n = 0;
    for (; n < offered.size() && frames.packets() < room_; ++n) {
      frames.push_back(base::PacketPtr(offered[n]));
    }
    return n;
  }
  void set_room(std::size_t room) { room_ = room; }

  base::PacketQueue frames;

 private:
  DeviceInfo info_;
  std::size_t room_;
};

constexpr unsigned kFrames = 10'000;

class FaultDeviceTest : public ::testing::Test {
 protected:
  FaultDevice& with(const FaultDevice::Options& options) {
    auto inner = std::make_unique<LoopDevice>();
    inner_ = inner.get();
    device_ = std::make_unique<FaultDevice>(std::move(inner), options, pool_, counters_);
    return *device_;
  }
  base::Packet* frame(std::uint32_t number) {
    base::Packet* packet = pool_.allocate();
    base::store_be(packet->append(64).data() + 14, number);
    return packet;
  }
  // Transmits numbered frames and returns the numbers of what came out at the inner device.
  std::vector<std::uint32_t> transmitted(unsigned frames = kFrames) {
    std::vector<std::uint32_t> numbers;
    const auto collect = [&] {
      while (const base::PacketPtr packet = inner_->frames.pop_front()) {
        numbers.push_back(base::load_be<std::uint32_t>(packet->data() + 14));
      }
    };
    for (std::uint32_t i = 0; i < frames; ++i) {
      const std::array offered = {frame(i)};
      EXPECT_EQ(device_->transmit(now_, offered), 1U);
      collect();
    }
    while (device_->next_deadline() != Instant::never()) {
      now_ = std::max(now_, device_->next_deadline());
      std::array<base::Packet*, 1> none{};
      EXPECT_EQ(device_->receive(now_, std::span(none).first(0)), 0U);
      collect();
    }
    return numbers;
  }
  std::uint64_t count(NicCounter counter) const { return counters_[counter]; }

  Instant now_;
  base::MemoryPacketPool pool_{16384, 256};
  base::Counters<NicCounter> counters_;
  LoopDevice* inner_ = nullptr;
  std::unique_ptr<FaultDevice> device_;
};

TEST_F(FaultDeviceTest, WithoutFaultsFramesPassUntouchedInOrder) {
  with({});
  const auto numbers = transmitted(100);
  ASSERT_EQ(numbers.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
}

TEST_F(FaultDeviceTest, OffloadsAreNotPassedOn) {
  EXPECT_FALSE(with({}).info().verifies_checksums);
  EXPECT_FALSE(device_->info().computes_checksums);
}

TEST_F(FaultDeviceTest, LossDropsItsShareOfTheFrames) {
  with({.transmit = {.loss = 0.03}});
  const auto numbers = transmitted();
  EXPECT_NEAR(static_cast<double>(numbers.size()), kFrames * 0.97, kFrames * 0.01);
  EXPECT_EQ(count(NicCounter::kFaultLost), kFrames - numbers.size());
}

TEST_F(FaultDeviceTest, DuplicationSendsItsShareTwice) {
  with({.transmit = {.duplication = 0.01}});
  const auto numbers = transmitted();
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), kFrames);
  EXPECT_EQ(numbers.size(), kFrames + count(NicCounter::kFaultDuplicated));
  EXPECT_NEAR(static_cast<double>(numbers.size()), kFrames * 1.01, kFrames * 0.005);
}

TEST_F(FaultDeviceTest, ReorderingPutsItsShareBehindAFewLaterFrames) {
  with({.transmit = {.reordering = 0.03}});
  const auto numbers = transmitted();
  ASSERT_EQ(numbers.size(), kFrames);
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), kFrames);
  EXPECT_NEAR(static_cast<double>(count(NicCounter::kFaultReordered)), kFrames * 0.03,
              kFrames * 0.01);
  EXPECT_FALSE(std::ranges::is_sorted(numbers));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_LE(std::abs(static_cast<long>(numbers[i]) - static_cast<long>(i)), 16L);
  }
}

TEST_F(FaultDeviceTest, ReorderedFrameThatNothingOvertakesIsLetOutInTheEnd) {
  with({.transmit = {.reordering = 1}});
  const std::array offered = {frame(0)};
  EXPECT_EQ(device_->transmit(now_, offered), 1U);
  EXPECT_TRUE(inner_->frames.empty());
  EXPECT_EQ(device_->next_deadline(), now_ + FaultLine::kReorderTimeout);
  EXPECT_EQ(device_->transmit(now_ + FaultLine::kReorderTimeout, {}), 0U);
  EXPECT_EQ(inner_->frames.packets(), 1U);
}

TEST_F(FaultDeviceTest, DelayHoldsEveryFrameForItsTime) {
  with({.transmit = {.delay = Duration::milliseconds(10)}});
  const std::array offered = {frame(0), frame(1)};
  EXPECT_EQ(device_->transmit(now_, offered), 2U);
  EXPECT_EQ(device_->next_deadline(), now_ + Duration::milliseconds(10));
  EXPECT_EQ(device_->transmit(now_ + Duration::milliseconds(9), {}), 0U);
  EXPECT_TRUE(inner_->frames.empty());
  EXPECT_EQ(device_->transmit(now_ + Duration::milliseconds(10), {}), 0U);
  EXPECT_EQ(inner_->frames.packets(), 2U);
  EXPECT_EQ(device_->next_deadline(), Instant::never());
}

TEST_F(FaultDeviceTest, JitterSpreadsTheDelayAndLosesNothing) {
  with({.transmit = {.delay_jitter = Duration::milliseconds(1)}});
  const auto numbers = transmitted(1000);
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), 1000U);
  EXPECT_FALSE(std::ranges::is_sorted(numbers));
}

TEST_F(FaultDeviceTest, HeldFramesAreBounded) {
  with({.transmit = {.delay = Duration::seconds(1)}});
  for (std::uint32_t i = 0; i < FaultLine::kMaxHeld + 5; ++i) {
    const std::array offered = {frame(i)};
    EXPECT_EQ(device_->transmit(now_, offered), 1U);
  }
  EXPECT_EQ(count(NicCounter::kFaultOverflow), 5U);
  device_.reset();
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

TEST_F(FaultDeviceTest, CorruptionFlipsOneBitOfAnIpv4PacketInACopy) {
  with({.transmit = {.corruption = 1}});
  const auto original =
      test::ethernet_frame({.type = wire::EtherType::kIpv4}, test::ByteVector(50));
  base::Packet* packet = pool_.allocate();
  base::copy(packet->append(original.size()), original);
  packet->retain();  // as a retransmission queue does
  const std::array offered = {packet};
  EXPECT_EQ(device_->transmit(now_, offered), 1U);
  const base::PacketPtr sent = inner_->frames.pop_front();
  ASSERT_TRUE(sent);
  int flipped = 0;
  for (std::size_t i = 0; i < original.size(); ++i) {
    const auto difference = std::to_integer<unsigned>(original[i] ^ sent->data()[i]);
    flipped += __builtin_popcount(difference);
    EXPECT_TRUE(i >= 14 || difference == 0) << "in the Ethernet header";
  }
  EXPECT_EQ(flipped, 1);
  EXPECT_TRUE(base::equal(packet->bytes(), original));
  packet->release();
}

TEST_F(FaultDeviceTest, WhatNoChecksumProtectsIsNotCorrupted) {
  with({.transmit = {.corruption = 1}});
  const auto arp = test::ethernet_frame({.type = wire::EtherType::kArp}, test::arp_payload({}));
  base::Packet* packet = pool_.allocate();
  base::copy(packet->append(arp.size()), arp);
  const std::array offered = {packet};
  EXPECT_EQ(device_->transmit(now_, offered), 1U);
  EXPECT_TRUE(base::equal(inner_->frames.front()->bytes(), arp));
}

TEST_F(FaultDeviceTest, ReceivingHasRatesOfItsOwn) {
  with({.receive = {.loss = 1}});
  const std::array offered = {frame(0), frame(1)};
  EXPECT_EQ(device_->transmit(now_, offered), 2U);
  std::array<base::Packet*, 4> received{};
  EXPECT_EQ(device_->receive(now_, received), 0U);
  EXPECT_EQ(count(NicCounter::kFaultLost), 2U);
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

TEST_F(FaultDeviceTest, DuplicateThatDoesNotFitTheBurstComesWithTheNext) {
  with({.receive = {.duplication = 1}});
  const std::array offered = {frame(7)};
  EXPECT_EQ(device_->transmit(now_, offered), 1U);
  std::array<base::Packet*, 1> received{};
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(device_->receive(now_, received), 1U);
    EXPECT_EQ(base::load_be<std::uint32_t>(received[0]->data() + 14), 7U);
    received[0]->release();
  }
  EXPECT_EQ(device_->receive(now_, received), 0U);
}

TEST_F(FaultDeviceTest, BusyInnerDeviceHoldsTheCallerBack) {
  with({});
  inner_->set_room(0);
  std::vector<base::Packet*> offered;
  for (std::uint32_t i = 0; i < 200; ++i) offered.push_back(frame(i));
  const std::size_t taken = device_->transmit(now_, offered);
  EXPECT_EQ(taken, 64U);
  EXPECT_LE(device_->next_deadline(), now_);
  inner_->set_room(1000);
  EXPECT_EQ(device_->transmit(now_, std::span(offered).subspan(taken)), 200 - taken);
  std::uint32_t expected = 0;
  while (const base::PacketPtr packet = inner_->frames.pop_front()) {
    EXPECT_EQ(base::load_be<std::uint32_t>(packet->data() + 14), expected++);
  }
  EXPECT_EQ(expected, 200U);
}

TEST_F(FaultDeviceTest, SameSeedDoesTheSameAndAnotherDoesNot) {
  const FaultRates bad{.loss = 0.1,
                       .duplication = 0.1,
                       .reordering = 0.1,
                       .corruption = 0.1,
                       .delay{},
                       .delay_jitter{}};
  std::vector<std::vector<std::uint32_t>> runs;
  for (const std::uint64_t seed : {std::uint64_t{5}, std::uint64_t{5}, std::uint64_t{6}}) {
    with({.receive = {}, .transmit = bad, .seed = seed});
    runs.push_back(transmitted(1000));
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

TEST_F(FaultDeviceTest, EveryFrameIsCountedSomewhere) {
  with({.transmit = {.loss = 0.2,
                     .duplication = 0.2,
                     .reordering = 0.5,
                     .corruption = 0.2,
                     .delay = Duration::milliseconds(1),
                     .delay_jitter = Duration::milliseconds(1)}});
  const auto numbers = transmitted();
  EXPECT_EQ(numbers.size() + count(NicCounter::kFaultLost) + count(NicCounter::kFaultOverflow),
            kFrames + count(NicCounter::kFaultDuplicated));
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

}  // namespace
}  // namespace sluice::nic
