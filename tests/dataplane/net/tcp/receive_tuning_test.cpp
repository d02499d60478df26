#include "dataplane/net/tcp/receive_tuning.hpp"

#include <gtest/gtest.h>

namespace sluice::net::tcp {
namespace {

using wire::SeqNumber;

constexpr std::uint32_t kWindow = 64'000;
constexpr SeqNumber kStart{0xffffff00};  // so that it wraps

// A session that takes `bytes` every `ms`.
struct Taker {
  std::optional<std::uint32_t> takes(std::uint32_t bytes, std::uint32_t ms,
                                     std::optional<std::uint32_t> echo_ms = std::nullopt) {
    at += bytes;
    now_ms += ms;
    return tuning.on_taken({.upto = at,
                            .now_ms = now_ms,
                            .window = kWindow,
                            .echo_ms = echo_ms,
                            .timestamps = timestamps});
  }
  explicit Taker(bool with_timestamps) : timestamps(with_timestamps) { tuning.start(at, now_ms); }

  ReceiveTuning tuning;
  bool timestamps;
  SeqNumber at = kStart;
  std::uint32_t now_ms = 0xffffffff;
};

TEST(ReceiveTuning, RoundTripIsTheAgeOfAnEcho) {
  Taker taker(true);
  EXPECT_FALSE(taker.takes(5'000, 50));
  EXPECT_FALSE(taker.takes(5'000, 49, 100));
  EXPECT_EQ(taker.takes(5'000, 1, 100), 15'000U);
  EXPECT_FALSE(taker.takes(5'000, 99, 100));
}

TEST(ReceiveTuning, LongRoundCountsForAsMuchAsARoundTrip) {
  Taker taker(true);
  EXPECT_EQ(taker.takes(10'000, 1'000, 100), 1'000U);
}

TEST(ReceiveTuning, LeisurelyPeerLengthensTheRoundTripSlowly) {
  Taker taker(true);
  EXPECT_TRUE(taker.takes(10'000, 100, 100));
  EXPECT_TRUE(taker.takes(10'000, 200, 900));  // an eighth of the difference more
  EXPECT_FALSE(taker.takes(10'000, 199, 200));
  EXPECT_TRUE(taker.takes(10'000, 200, 100));  // and less at once
  EXPECT_TRUE(taker.takes(10'000, 100));
}

TEST(ReceiveTuning, WithoutTimestampsItIsTheTimeOfAWindow) {
  Taker taker(false);
  EXPECT_FALSE(taker.takes(kWindow - 1, 100));
  EXPECT_EQ(taker.takes(1, 0), kWindow);
  EXPECT_FALSE(taker.takes(10'000, 99));
  EXPECT_EQ(taker.takes(10'000, 1), 20'000U);
  // The shortest: a peer that is slower does not need more.
  EXPECT_EQ(taker.takes(kWindow, 200), kWindow / 2);
}

TEST(ReceiveTuning, ShorterThanAMillisecondIsAMillisecond) {
  Taker taker(true);
  EXPECT_FALSE(taker.takes(10'000, 0, 0));
  EXPECT_EQ(taker.takes(10'000, 1, 0), 20'000U);
}

TEST(ReceiveTuning, AbsurdEchoIsBounded) {
  Taker taker(true);
  EXPECT_FALSE(taker.takes(10'000, 8'000, 0xffffffff));
  EXPECT_TRUE(taker.takes(10'000, 500, 0xffffffff));
}

}  // namespace
}  // namespace sluice::net::tcp
