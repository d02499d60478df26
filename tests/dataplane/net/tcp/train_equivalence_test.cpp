// A train is another way to hand segments to the device, and nothing else: on a path that delays,
// loses and marks, the same segments go out at the same times with trains and without, whichever
// congestion controller decides.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <ostream>
#include <utility>
#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using base::Instant;

constexpr std::uint16_t kMss = 1'000;
constexpr std::uint32_t kText = 800'000;
constexpr Duration kRtt = Duration::milliseconds(20);

// A segment on the wire.
struct OnWire {
  std::int64_t at_us = 0;
  std::uint32_t begin = 0;  // of our text
  std::uint32_t size = 0;
  bool cwr = false;
  wire::EcnCodepoint ecn = wire::EcnCodepoint::kNotEct;

  [[nodiscard]] std::uint32_t end() const { return begin + size; }
  friend bool operator==(const OnWire&, const OnWire&) = default;
  friend std::ostream& operator<<(std::ostream& out, const OnWire& s) {
    return out << s.at_us << " us: " << s.begin << '+' << s.size << (s.cwr ? " CWR" : "");
  }
};

struct Course {
  std::vector<OnWire> segments;
  std::size_t trains = 0;
  std::uint64_t retransmitted = 0;
};

// The peer acknowledges everything a round trip after it was sent, with SACK. Every so many
// segments of those sent are lost or marked; 0: none.
struct Path {
  CongestionControl congestion = CongestionControl::kCubic;
  std::size_t lost_each = 0;
  std::size_t marked_each = 0;
};

class Transfer {
 public:
  Transfer(const Path& path, std::size_t most_in_train) : path_(path), host_(options(path)) {
    if (most_in_train > 0) host_.allow_trains(most_in_train);
    connection_ =
        host_.established(syn(Script::kPeerIss).mss(kMss).sack_permitted().scale(4).ece().cwr());
  }

  Course run() {
    const Instant end = host_.now + Duration::seconds(60);
    while (acked_ < kText && host_.now < end) {
      write_more();
      take_what_was_sent();
      host_.pass(Duration::milliseconds(1));
      take_what_was_sent();
      deliver();
    }
    EXPECT_EQ(acked_, kText);
    course_.retransmitted = host_.counted(NetCounter::kTcpRetransmits);
    return std::move(course_);
  }

 private:
  static Script::Options options(const Path& path) {
    Script::Options options;
    options.packets = 2'048;
    options.tcp.congestion = path.congestion;
    options.tcp.send_buffer = 512 * 1024;
    return options;
  }

  void write_more() {
    while (written_ < kText && host_.engine.unacknowledged(connection_) < 200 * kMss) {
      const std::uint32_t size = std::min<std::uint32_t>(20 * kMss, kText - written_);
      host_.write(connection_, size);
      written_ += size;
    }
  }
  void take_what_was_sent() {
    for (const Segment& sent : host_.all_sent()) {
      if (sent.text.empty()) continue;
      if (sent.train.packets > 0) ++course_.trains;
      const std::size_t step = sent.train.packets > 0 ? sent.train.segment_size : sent.text.size();
      for (std::size_t at = 0; at < sent.text.size(); at += step) {
        const auto begin = static_cast<std::uint32_t>(sent.header.sequence - host_.ours(0));
        note({.at_us = host_.now.nanoseconds() / 1'000,
              .begin = begin + static_cast<std::uint32_t>(at),
              .size = static_cast<std::uint32_t>(std::min(step, sent.text.size() - at)),
              .cwr = sent.header.flags.cwr,
              .ecn = sent.ecn});
      }
    }
  }
  void note(const OnWire& segment) {
    course_.segments.push_back(segment);
    const std::size_t n = course_.segments.size();
    const bool lost = path_.lost_each > 0 && n % path_.lost_each == 0;
    if (!lost) under_way_.push_back({.due = host_.now + kRtt, .what = segment, .number = n});
  }
  void deliver() {
    while (!under_way_.empty() && under_way_.front().due <= host_.now) {
      const UnderWay arrived = under_way_.front();
      under_way_.pop_front();
      take(arrived.what);
      Segment answer = bare(host_.theirs(0)).ack(host_.ours(acked_));
      if (path_.marked_each > 0 && arrived.number % path_.marked_each == 0) answer.ece();
      // RFC 2018 4: the block that has just grown first; one is enough here.
      for (const auto& [begin, end] : held_) {
        if (begin > acked_ && begin <= arrived.what.begin && end >= arrived.what.end()) {
          answer.sack(host_.ours(begin), host_.ours(end));
        }
      }
      host_.arrives(std::move(answer));
    }
  }
  void take(const OnWire& segment) {
    held_.push_back({segment.begin, segment.end()});
    std::ranges::sort(held_);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> joined;
    for (const auto& range : held_) {
      if (joined.empty() || range.first > joined.back().second) {
        joined.push_back(range);
      } else {
        joined.back().second = std::max(joined.back().second, range.second);
      }
    }
    held_ = std::move(joined);
    if (held_.front().first <= acked_) acked_ = std::max(acked_, held_.front().second);
  }

  struct UnderWay {
    Instant due;
    OnWire what;
    std::size_t number = 0;
  };

  Path path_;
  Script host_;
  ConnectionHandle connection_;
  Course course_;
  std::deque<UnderWay> under_way_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> held_;  // by the peer, from 0 on
  std::uint32_t written_ = 0;
  std::uint32_t acked_ = 0;
};

class TcpTrainEquivalence : public testing::TestWithParam<CongestionControl> {
 protected:
  static void expect_the_same(const Path& path) {
    const Course alone = Transfer(path, 0).run();
    const Course together = Transfer(path, 16).run();
    EXPECT_EQ(alone.trains, 0U);
    EXPECT_GT(together.trains, 20U);
    ASSERT_EQ(alone.segments.size(), together.segments.size());
    for (std::size_t i = 0; i < alone.segments.size(); ++i) {
      ASSERT_EQ(alone.segments[i], together.segments[i]) << "segment " << i;
    }
    EXPECT_EQ(alone.retransmitted, together.retransmitted);
    EXPECT_EQ(alone.retransmitted > 0, path.lost_each > 0);
  }
};

TEST_P(TcpTrainEquivalence, OnAPathThatLosesNothing) {
  expect_the_same({.congestion = GetParam()});
}

TEST_P(TcpTrainEquivalence, OnAPathThatLoses) {
  expect_the_same({.congestion = GetParam(), .lost_each = 97});
}

TEST_P(TcpTrainEquivalence, OnAPathThatMarks) {
  expect_the_same({.congestion = GetParam(), .marked_each = 131});
}

INSTANTIATE_TEST_SUITE_P(Controllers, TcpTrainEquivalence,
                         testing::Values(CongestionControl::kCubic, CongestionControl::kBbr),
                         [](const auto& instance) {
                           return instance.param == CongestionControl::kCubic ? "Cubic" : "Bbr";
                         });

}  // namespace
}  // namespace sluice::net::tcp::test
