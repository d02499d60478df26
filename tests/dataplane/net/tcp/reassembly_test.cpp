#include "dataplane/net/tcp/reassembly.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "base/memory_packet_pool.hpp"

namespace sluice::net::tcp {
namespace {

using base::PacketPtr;
using wire::SeqNumber;

class ReassemblyTest : public testing::Test {
 protected:
  Reassembly::Outcome insert(std::uint32_t at, std::string_view text) {
    PacketPtr packet(pool.allocate());
    base::copy(packet->append(text.size()), base::bytes_of(text));
    return reassembly.insert(pool, std::move(packet), kStart + at).outcome;
  }
  // What continues at `at`.
  std::string deliver(std::uint32_t at) {
    base::PacketQueue queue;
    SeqNumber next = kStart + at;
    reassembly.deliver(queue, next);
    std::string text;
    while (const PacketPtr packet = queue.pop_front()) text += base::text_of(packet->bytes());
    EXPECT_EQ(next, kStart + static_cast<std::uint32_t>(at + text.size()));
    return text;
  }

  // Close enough to the end for every test to wrap.
  static constexpr SeqNumber kStart{0xfffffffa};
  base::MemoryPacketPool pool{512, 64};
  Reassembly reassembly;
};

TEST_F(ReassemblyTest, RunsAreMergedWhenTheGapBetweenThemIsFilled) {
  insert(3, "def");
  insert(9, "jkl");
  EXPECT_EQ(reassembly.runs(), 2U);
  insert(6, "ghi");
  EXPECT_EQ(reassembly.runs(), 1U);
  EXPECT_EQ(deliver(0), "");
  EXPECT_EQ(deliver(3), "defghijkl");
  EXPECT_TRUE(reassembly.empty());
  EXPECT_EQ(reassembly.true_size(), 0U);
}

TEST_F(ReassemblyTest, FirstCopyOfAByteWins) {
  insert(3, "def");
  insert(1, "XXXXX");
  insert(4, "YYYY");
  EXPECT_EQ(deliver(1), "XXdefYY");
}

TEST_F(ReassemblyTest, SegmentThatCoversARunFillsBothSides) {
  insert(3, "c");
  insert(6, "f");
  EXPECT_EQ(insert(1, "........"), Reassembly::Outcome::kStored);
  EXPECT_EQ(reassembly.runs(), 1U);
  EXPECT_EQ(deliver(1), "..c..f..");
}

TEST_F(ReassemblyTest, RepeatedTextIsNothingNew) {
  insert(3, "def");
  EXPECT_EQ(insert(3, "def"), Reassembly::Outcome::kNothingNew);
  EXPECT_EQ(insert(4, "e"), Reassembly::Outcome::kNothingNew);
}

TEST_F(ReassemblyTest, WhatHasArrivedMeanwhileIsCutOff) {
  insert(3, "def");
  EXPECT_EQ(deliver(5), "f");
}

TEST_F(ReassemblyTest, RunsAreBounded) {
  for (std::uint32_t i = 0; i < Reassembly::kMaxRuns; ++i) {
    EXPECT_EQ(insert(2 * i + 1, "x"), Reassembly::Outcome::kStored);
  }
  EXPECT_EQ(insert(5'000, "x"), Reassembly::Outcome::kFull);
  EXPECT_EQ(insert(2, "y"), Reassembly::Outcome::kStored);  // joins two
}

TEST_F(ReassemblyTest, SackBlocksBeginWithTheLatest) {
  insert(2, "a");
  insert(12, "b");
  insert(22, "c");
  insert(3, "d");
  const auto blocks = reassembly.sack_blocks(3);
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks.view()[0].left, kStart + 2);
  EXPECT_EQ(blocks.view()[0].right, kStart + 4);
  EXPECT_EQ(blocks.view()[1].left, kStart + 22);
  EXPECT_EQ(blocks.view()[2].left, kStart + 12);
}

// Against a map of bytes: whatever arrives in whatever order, the first copy of each byte is kept.
TEST_F(ReassemblyTest, AgreesWithAModelOverRandomSegments) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&random](std::uint32_t n) {
      return std::uniform_int_distribution<std::uint32_t>(0, n - 1)(random);
    };
    std::map<std::uint32_t, char> model;
    for (int i = 0; i < 60; ++i) {
      const std::uint32_t at = 1 + below(200);
      std::string text(1 + below(60), ' ');
      for (char& c : text) c = static_cast<char>('a' + below(26));
      for (std::uint32_t j = 0; j < text.size(); ++j) model.emplace(at + j, text[j]);
      insert(at, text);
    }
    const std::uint32_t first = model.begin()->first;
    std::string expected;
    for (const auto& [at, c] : model) {
      if (at != first + expected.size()) break;
      expected += c;
    }
    EXPECT_EQ(deliver(first), expected);
    reassembly.clear();
    EXPECT_EQ(pool.available(), pool.capacity());
  }
}

}  // namespace
}  // namespace sluice::net::tcp
