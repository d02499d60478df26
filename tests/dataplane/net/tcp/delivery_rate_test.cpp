// Samples of the delivery rate (draft-ietf-ccwg-bbr, "Delivery Rate Samples").
#include "dataplane/net/tcp/delivery_rate.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace sluice::net::tcp {
namespace {

using base::Duration;
using base::Instant;

constexpr std::uint32_t kMss = 1'000;

class DeliveryRateTest : public testing::Test {
 protected:
  void send(Instant at) {
    SendSegment segment;
    segment.size = kMss;
    segment.sent_at = at;
    rate_.on_transmit(segment, at, pipe_);
    pipe_ += kMss;
    segments_.push_back(segment);
  }
  // The first `n` segments are acknowledged.
  RateSample acknowledge(Instant at, std::uint32_t n, std::uint32_t lost_segments = 0) {
    AckSample ack;
    ack.now = at;
    ack.mss = kMss;
    ack.delivered = n * kMss;
    ack.lost_segments = lost_segments;
    ack.lost = lost_segments * kMss;
    ack.min_rtt = Duration::milliseconds(10);
    const SentSegment newest(segments_[n - 1]);
    ack.newest = &newest;
    segments_.erase(segments_.begin(), segments_.begin() + n);
    pipe_ -= n * kMss;
    return rate_.on_ack(ack);
  }
  static Instant at(std::int64_t ms) {
    return Instant::from_nanoseconds(5'000'000'000) + Duration::milliseconds(ms);
  }

  DeliveryRate rate_;
  std::deque<SendSegment> segments_;
  std::uint32_t pipe_ = 0;
};

TEST_F(DeliveryRateTest, IsWhatArrivedOverTheTimeItTook) {
  for (int i = 0; i < 10; ++i) send(at(i));
  // One a millisecond, ten milliseconds later.
  RateSample sample;
  for (int i = 0; i < 10; ++i) {
    sample = acknowledge(at(10 + i), 1);
    send(at(10 + i));
  }
  EXPECT_EQ(sample.delivered, 10 * kMss);
  EXPECT_NEAR(sample.rate, 1e6 * 10 / 19, 1e4);  // since the first segment went out
  for (int i = 0; i < 10; ++i) sample = acknowledge(at(20 + i), 1);
  EXPECT_NEAR(sample.rate, 1e6, 1e4);
  EXPECT_EQ(sample.prior_delivered, 10 * kMss);
}

// "Compression and Aggregation": acknowledgments that come all at once do not make the path faster
// than what was sent into it.
TEST_F(DeliveryRateTest, CompressedAcknowledgmentsAreBoundByTheTimeOfSending) {
  for (int i = 0; i < 40; ++i) {
    send(at(i));
    if (i >= 10 && i < 20) (void)acknowledge(at(i), 1);
  }
  const RateSample sample = acknowledge(at(50), 30);
  EXPECT_LE(sample.rate, 1.4e6);
  EXPECT_GE(sample.rate, 0.6e6);
}

// "GenerateRateSample": less time than a round trip takes is that of an original which had arrived
// before its retransmission.
TEST_F(DeliveryRateTest, SampleShorterThanARoundTripCountsForNothing) {
  send(at(0));
  const RateSample sample = acknowledge(at(4), 1);
  EXPECT_TRUE(sample.any);
  EXPECT_EQ(sample.rate, 0);
}

// "OnPacketSent": after silence the interval begins with the sending.
TEST_F(DeliveryRateTest, IdleTimeIsNotCounted) {
  send(at(0));
  (void)acknowledge(at(10), 1);
  send(at(60'000));
  EXPECT_NEAR(acknowledge(at(60'010), 1).rate, 1e5, 1e3);
}

TEST_F(DeliveryRateTest, WhatTheApplicationLimitedIsMarkedUntilAllOfItHasArrived) {
  send(at(0));
  rate_.mark_app_limited(pipe_);
  send(at(1));
  EXPECT_FALSE(acknowledge(at(10), 1).app_limited);  // was sent before
  EXPECT_TRUE(rate_.app_limited());
  EXPECT_TRUE(acknowledge(at(11), 1).app_limited);
  EXPECT_FALSE(rate_.app_limited());
  send(at(12));
  EXPECT_FALSE(acknowledge(at(22), 1).app_limited);
}

TEST_F(DeliveryRateTest, LossesSinceTheSegmentWentOutAreCounted) {
  for (int i = 0; i < 4; ++i) send(at(i));
  EXPECT_EQ(acknowledge(at(10), 1, 2).lost, 2 * kMss);
  send(at(11));
  EXPECT_EQ(acknowledge(at(12), 1).lost, 2 * kMss);
  segments_.erase(segments_.begin(), segments_.begin() + 2);
  EXPECT_EQ(acknowledge(at(21), 1).lost, 0U);
}

// Segments that were in flight before anything was measured.
TEST_F(DeliveryRateTest, SegmentWithoutNoteGivesNoSample) {
  segments_.emplace_back();
  pipe_ = kMss;
  const RateSample sample = acknowledge(at(10), 1);
  EXPECT_FALSE(sample.any);
  EXPECT_EQ(rate_.delivered(), kMss);
}

}  // namespace
}  // namespace sluice::net::tcp
