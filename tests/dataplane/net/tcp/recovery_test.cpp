// The work that judging acknowledgments takes, and that it comes to the same as looking at every
// segment each time would.
#include "dataplane/net/tcp/recovery.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "base/memory_packet_pool.hpp"

namespace sluice::net::tcp {
namespace {

using base::Duration;
using base::Instant;
using wire::SackBlock;
using wire::SeqNumber;

constexpr std::uint32_t kSize = 10;  // of every segment
constexpr SeqNumber kFirst{0xffff'ff00};

// What an acknowledgment may cost beyond the search: the segments that it marks, as many runs, and
// for each loop the look that ends it.
constexpr std::uint32_t kOverhead = 16;

// A sender with so many segments in flight, each a microsecond behind the one before.
class Flight {
 public:
  explicit Flight(std::size_t most) : packets_(most, kSize), nodes_(2 * most) {
    queue_.start(kFirst);
  }
  ~Flight() { queue_.clear(nodes_); }

  void send(std::uint32_t segments) {
    for (std::uint32_t i = 0; i < segments; ++i) {
      base::PacketPtr packet(packets_.allocate());
      ASSERT_TRUE(packet);
      packet->append(kSize);
      ASSERT_TRUE(queue_.push(nodes_, std::move(packet), kSize));
      tick();
      SendSegment& segment = *queue_.unsent();
      queue_.advance_unsent();
      recovery_.on_transmit(segment, now_);
      ++sent_;
    }
  }
  // The first lost segment goes out again; its number.
  std::optional<std::uint32_t> resend() {
    SendSegment* segment = recovery_.next_lost();
    if (segment == nullptr) return std::nullopt;
    tick();
    recovery_.on_transmit(*segment, now_);
    return number(segment->seq);
  }
  // Blocks are ranges of segments.
  using Blocks = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  AckOutcome acknowledge(std::uint32_t acked, const Blocks& blocks) {
    tick();
    std::vector<SackBlock> sack;
    for (const auto& [left, right] : blocks) sack.push_back({.left = at(left), .right = at(right)});
    AckArrival arrival = silence(acked);
    arrival.sack = sack;
    return recovery_.on_ack(queue_, nodes_, arrival);
  }
  void time_out() { recovery_.on_timeout(queue_, silence(number(queue_.front()->seq))); }
  AckOutcome look_again() {
    return recovery_.on_reordering_timer(queue_, silence(number(queue_.front()->seq)));
  }
  void pass(Duration time) { now_ = now_ + time; }

  [[nodiscard]] static SeqNumber at(std::uint32_t segment) { return kFirst + segment * kSize; }
  [[nodiscard]] static std::uint32_t number(SeqNumber seq) {
    return static_cast<std::uint32_t>(seq - kFirst) / kSize;
  }
  [[nodiscard]] std::uint32_t sent() const { return sent_; }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] SendQueue& queue() { return queue_; }
  [[nodiscard]] SegmentPool& nodes() { return nodes_; }
  [[nodiscard]] Recovery& recovery() { return recovery_; }
  [[nodiscard]] std::uint32_t reported() const {
    std::uint32_t count = 0;
    for (const SendSegment* s = queue_.front(); s != nullptr; s = s->next) {
      count += s->fate == Fate::kSacked ? 1 : 0;
    }
    return count;
  }

 private:
  void tick() { pass(Duration::microseconds(1)); }
  // No round trip was measured: the reordering window is nothing.
  [[nodiscard]] AckArrival silence(std::uint32_t acked) const {
    AckArrival arrival;
    arrival.now = now_;
    arrival.ack = at(acked);
    arrival.snd_nxt = at(sent_);
    arrival.sack_negotiated = true;
    arrival.mss = kSize;
    return arrival;
  }

  base::MemoryPacketPool packets_;
  SegmentPool nodes_;
  SendQueue queue_;
  Recovery recovery_;
  Instant now_ = Instant::from_nanoseconds(5'000'000'000);
  std::uint32_t sent_ = 0;
};

constexpr std::uint32_t kMany = 8'192;

// --- work ---

TEST(RecoveryWork, BlocksAtTheEndOfALongQueueCostNextToNothing) {
  Flight flight(kMany);
  flight.send(kMany);
  for (std::uint32_t i = kMany / 2; i < kMany; ++i) {
    const AckOutcome outcome = flight.acknowledge(0, {{kMany / 2, i + 1}});
    if (i < kMany / 2 + 20) continue;  // the way there
    ASSERT_LE(outcome.steps, kOverhead) << i;
    ASSERT_EQ(outcome.late_blocks, 0U);
  }
}

TEST(RecoveryWork, BlocksThatSayNothingNewCostNextToNothing) {
  Flight flight(kMany);
  flight.send(kMany);
  (void)flight.acknowledge(0, {{1, kMany}});
  for (int i = 0; i < 100; ++i) {
    const AckOutcome outcome =
        flight.acknowledge(0, {{5, kMany}, {1, kMany / 2}, {kMany - 1, kMany}, {1, kMany}});
    EXPECT_LE(outcome.steps, kOverhead);
    EXPECT_EQ(outcome.bad_blocks, 0U);
  }
}

// Every other segment is reported, so that there are as many runs as there can be, and then blocks
// come from all over.
TEST(RecoveryWork, ManyRunsAndBlocksFarFromEachOtherAreLookedAtOnlySoFar) {
  Flight flight(kMany);
  flight.send(kMany);
  for (std::uint32_t i = 1; i + 1 < kMany; i += 2) (void)flight.acknowledge(0, {{i, i + 1}});
  EXPECT_EQ(flight.reported(), kMany / 2 - 1);
  std::mt19937 random(1);
  std::uint32_t late = 0;
  for (int i = 0; i < 1'000; ++i) {
    Flight::Blocks blocks;
    for (int j = 0; j < 4; ++j) {
      const std::uint32_t left = 1 + static_cast<std::uint32_t>(random() % (kMany - 2));
      blocks.emplace_back(left, left + 1);
    }
    const AckOutcome outcome = flight.acknowledge(0, blocks);
    const std::uint32_t marked = outcome.delivered / kSize;
    EXPECT_LE(outcome.steps,
              Scoreboard::kMostSteps + 2 * marked + outcome.lost_segments + kOverhead);
    late += outcome.late_blocks;
  }
  EXPECT_GT(late, 1'000U);
}

// One hole, of which the peer reports the last segment again and again, then the one in the middle.
TEST(RecoveryWork, HoleThatShrinksFromItsEndIsNotWalkedEachTime) {
  Flight flight(kMany);
  flight.send(kMany);
  std::uint64_t steps = 0;
  for (std::uint32_t i = kMany - 1; i > 1; --i) {
    steps += flight.acknowledge(0, {{i, i + 1}}).steps;
  }
  EXPECT_EQ(flight.reported(), kMany - 2);
  EXPECT_LE(steps, std::uint64_t{kMany} * (14 + kOverhead));
}

// What was given up is not lost: the block that is repeated is found in the end.
TEST(RecoveryWork, BlockThatWasTooFarAwayIsTakenWhenItIsRepeated) {
  Flight flight(kMany);
  flight.send(kMany);
  std::uint32_t acks = 1;
  while (flight.acknowledge(0, {{kMany / 2, kMany / 2 + 1}}).late_blocks > 0) {
    EXPECT_FALSE(flight.recovery().nothing_marked());
    ASSERT_LT(++acks, kMany);
  }
  EXPECT_GT(acks, 2U);
  EXPECT_LE(acks, kMany / 2 / Scoreboard::kMostSteps + 1);
  EXPECT_EQ(flight.reported(), 1U);
}

// Where the search stopped goes with the segment there.
TEST(RecoveryWork, SearchThatWasGivenUpSurvivesTheAckOfWhereItStopped) {
  Flight flight(kMany);
  flight.send(kMany);
  EXPECT_EQ(flight.acknowledge(0, {{kMany / 3, kMany / 3 + 1}}).late_blocks, 1U);
  EXPECT_EQ(flight.acknowledge(kMany / 4, {{kMany / 3, kMany / 3 + 1}}).late_blocks, 1U);
  std::uint32_t acks = 0;
  while (flight.acknowledge(kMany / 4, {{kMany / 3, kMany / 3 + 1}}).late_blocks > 0) {
    ASSERT_LT(++acks, kMany);
  }
  EXPECT_EQ(flight.reported(), 1U);
  (void)flight.acknowledge(kMany, {});
  EXPECT_TRUE(flight.queue().empty());
  EXPECT_TRUE(flight.recovery().nothing_marked());
}

// The first segments are lost again and again, while those behind them wait for the window.
TEST(RecoveryWork, FirstOfManyLostSegmentsIsFoundInLogarithmicTime) {
  constexpr std::uint32_t kRounds = 2'000;
  Flight flight(kMany + kRounds);
  flight.send(kMany);
  (void)flight.acknowledge(0, {{kMany - 1, kMany}});
  std::uint64_t steps = 0;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    EXPECT_EQ(flight.resend(), 0U);
    EXPECT_EQ(flight.resend(), 1U);
    flight.send(1);
    const AckOutcome outcome = flight.acknowledge(0, {{kMany - 1, flight.sent()}});
    EXPECT_EQ(outcome.lost_segments, 2U);
    steps += outcome.steps;
  }
  EXPECT_LE(steps, kRounds * (4 * 14 + kOverhead));
}

// Looking for losses passes each segment once in its life, not once for each acknowledgment.
TEST(RecoveryWork, SegmentsThatWereJudgedAreNotJudgedAgain) {
  constexpr std::uint32_t kRounds = 2'000;
  Flight flight(kMany + kRounds);
  flight.send(kMany);
  (void)flight.acknowledge(0, {{1, kMany}});
  EXPECT_EQ(flight.resend(), 0U);
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    flight.send(1);
    EXPECT_LE(flight.acknowledge(0, {}).steps, kOverhead);
    EXPECT_LE(flight.look_again().steps, kOverhead);
  }
}

// A peer that drops what it has reported (RFC 2018 8) starts over, and no more than that.
TEST(RecoveryWork, ReportsThatWereTakenBackCostNoMoreThanNewOnes) {
  Flight flight(kMany);
  flight.send(kMany);
  constexpr std::uint32_t kRounds = 10;
  std::uint64_t steps = 0;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    for (std::uint32_t i = kMany - 1; i > round; --i) {
      steps += flight.acknowledge(round, {{i, i + 1}}).steps;
    }
    steps += flight.acknowledge(round + 1, {}).steps;  // and not what lies behind
    EXPECT_EQ(flight.queue().front()->fate, Fate::kSacked);
    flight.time_out();
    EXPECT_TRUE(flight.recovery().reneged());
    EXPECT_EQ(flight.reported(), 0U);
    std::uint32_t next = round + 1;
    while (const auto resent = flight.resend()) EXPECT_EQ(*resent, next++);
    EXPECT_EQ(next, kMany);
  }
  EXPECT_LE(steps, std::uint64_t{kRounds} * kMany * (4 * 14 + kOverhead));
}

TEST(RecoveryBlocks, ThatNoReceiverSendsAreCounted) {
  Flight flight(16);
  flight.send(10);
  EXPECT_EQ(flight.acknowledge(2, {{4, 4}, {6, 5}, {9, 11}, {5, 6}}).bad_blocks, 3U);
  EXPECT_EQ(flight.reported(), 1U);
  // The first block may report a duplicate (RFC 2883 4), and only the first.
  EXPECT_EQ(flight.acknowledge(3, {{0, 1}, {5, 6}}).bad_blocks, 0U);
  EXPECT_EQ(flight.acknowledge(4, {{5, 6}, {0, 1}}).bad_blocks, 1U);
  EXPECT_EQ(flight.acknowledge(4, {{3, 6}}).bad_blocks, 1U);
}

// --- the same as without a bound ---

// Recovery as RFC 2018, 6675 and 8985 describe it, which looks at every segment each time.
class Model {
 public:
  struct Entry {
    std::uint32_t number = 0;
    Instant sent_at;
    Fate fate = Fate::kInFlight;
  };

  void send(std::uint32_t number, Instant now) { entries_.push_back({number, now}); }
  std::optional<std::uint32_t> resend(Instant now) {
    const auto found = std::ranges::find(entries_, Fate::kLost, &Entry::fate);
    if (found == entries_.end()) return std::nullopt;
    found->fate = Fate::kInFlight;
    found->sent_at = now;
    return found->number;
  }
  void acknowledge(std::uint32_t acked, const Flight::Blocks& blocks, Instant now) {
    newest_of_ack_.reset();
    for (const auto& [left, right] : blocks) {
      for (Entry& entry : entries_) {
        if (entry.number < left || entry.number >= right || entry.fate == Fate::kSacked) continue;
        deliver(entry, now);
        entry.fate = Fate::kSacked;
      }
    }
    while (!entries_.empty() && entries_.front().number < acked) {
      if (entries_.front().fate != Fate::kSacked) deliver(entries_.front(), now);
      entries_.pop_front();
    }
    if (!newest_) return;
    for (Entry& entry : entries_) {
      if (entry.fate != Fate::kInFlight || entry.sent_at >= *newest_) continue;
      if (entry.sent_at + rtt_ <= now) entry.fate = Fate::kLost;
    }
  }
  void time_out(Instant now) {
    if (entries_.empty()) return;
    const bool reneged = entries_.front().fate == Fate::kSacked;
    for (Entry& entry : entries_) {
      const bool old = &entry == &entries_.front() || entry.sent_at + rtt_ <= now;
      if (reneged || (entry.fate == Fate::kInFlight && old)) entry.fate = Fate::kLost;
    }
  }
  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }

 private:
  void deliver(const Entry& entry, Instant now) {
    if (!newest_of_ack_ || entry.sent_at > *newest_of_ack_) {
      newest_of_ack_ = entry.sent_at;
      rtt_ = now - entry.sent_at;
    }
    if (!newest_ || entry.sent_at > *newest_) newest_ = entry.sent_at;
  }

  std::deque<Entry> entries_;
  std::optional<Instant> newest_;
  std::optional<Instant> newest_of_ack_;
  Duration rtt_;
};

void expect_same(const Model& model, const Flight& flight, const SendSegment* segment) {
  for (const Model::Entry& entry : model.entries()) {
    ASSERT_NE(segment, nullptr);
    ASSERT_EQ(Flight::number(segment->seq), entry.number);
    ASSERT_EQ(segment->fate, entry.fate) << entry.number << " of " << flight.sent();
    segment = segment->next;
  }
  EXPECT_EQ(segment, nullptr);
}

TEST(RecoveryModel, EverySegmentHasTheFateThatLookingAtAllOfThemGives) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&random](std::uint32_t n) {
      return static_cast<std::uint32_t>(random() % n);
    };
    Flight flight(2'000);
    Model model;
    std::uint32_t acked = 0;
    for (int step = 0; step < 200 && !testing::Test::HasFatalFailure(); ++step) {
      const std::uint32_t in_flight = flight.sent() - acked;
      for (std::uint32_t i = below(8); i > 0 && in_flight < 50; --i) {
        flight.send(1);
        model.send(flight.sent() - 1, flight.now());
      }
      for (std::uint32_t i = below(6); i > 0; --i) {
        const auto resent = flight.resend();
        ASSERT_EQ(resent, model.resend(flight.now()));
      }
      if (flight.sent() == acked) continue;
      if (below(4) == 0) flight.pass(Duration::microseconds(below(30)));
      if (below(30) == 0) {
        flight.time_out();
        model.time_out(flight.now());
      } else {
        if (below(3) == 0) acked += below(std::min(flight.sent() - acked, 8U) + 1);
        Flight::Blocks blocks;
        for (std::uint32_t i = below(5); i > 0 && acked + 1 < flight.sent(); --i) {
          const std::uint32_t left = acked + 1 + below(flight.sent() - acked - 1);
          blocks.emplace_back(left, left + 1 + below(std::min(flight.sent() - left, 6U)));
        }
        EXPECT_EQ(flight.acknowledge(acked, blocks).late_blocks, 0U);
        model.acknowledge(acked, blocks, flight.now());
      }
      ASSERT_NO_FATAL_FAILURE(expect_same(model, flight, flight.queue().front()));
    }
  }
}

// Segments are cut when the path turns out to take only smaller ones.
TEST(RecoveryModel, SegmentsThatAreCutKeepTheirFate) {
  Flight flight(16);
  flight.send(6);
  (void)flight.acknowledge(0, {{1, 2}, {5, 6}});
  const auto cut = [&flight](SendSegment& segment) {
    ASSERT_TRUE(flight.queue().split(flight.nodes(), segment, segment.size / 2U));
    flight.recovery().on_split(segment);
  };
  SendSegment* first = flight.queue().front();
  ASSERT_EQ(first->fate, Fate::kLost);
  cut(*first);
  EXPECT_EQ(flight.recovery().next_lost(), first);
  EXPECT_EQ(flight.resend(), 0U);
  EXPECT_EQ(flight.recovery().next_lost(), first->next);
  EXPECT_EQ(flight.resend(), 0U);
  cut(*first);  // in the network, for the second time
  (void)flight.acknowledge(0, {{1, 3}});
  EXPECT_EQ(flight.resend(), 3U);
  (void)flight.acknowledge(0, {{1, 4}});  // of the one that went out last
  EXPECT_EQ(first->fate, Fate::kLost);
  EXPECT_EQ(first->next->fate, Fate::kLost);
  EXPECT_EQ(first->next->next->fate, Fate::kLost);
  (void)flight.acknowledge(6, {});
  EXPECT_TRUE(flight.queue().empty());
  EXPECT_TRUE(flight.recovery().nothing_marked());
}

}  // namespace
}  // namespace sluice::net::tcp
