#include "base/packet.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/memory_packet_pool.hpp"

namespace sluice::base {
namespace {

class PacketTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPackets = 8;
  static constexpr std::size_t kDataRoom = 128;

  PacketPtr packet(std::string_view payload = {}) {
    PacketPtr made(pool_.allocate());
    copy(made->append(payload.size()), bytes_of(payload));
    return made;
  }
  PacketQueue queue(std::initializer_list<std::string_view> payloads) {
    PacketQueue made;
    for (const auto payload : payloads) made.push_back(packet(payload));
    return made;
  }
  static std::string content(const PacketQueue& queue) {
    std::string all;
    for (const Packet* p = queue.front(); p != nullptr; p = p->next) all += text_of(p->bytes());
    return all;
  }

  MemoryPacketPool pool_{kPackets, kDataRoom};
};

TEST_F(PacketTest, NewPacketIsEmptyBehindItsHeadroom) {
  const PacketPtr p = packet();
  EXPECT_TRUE(p->empty());
  EXPECT_EQ(p->headroom(), Packet::kHeadroom);
  EXPECT_EQ(p->tailroom(), kDataRoom);
  EXPECT_TRUE(p->exclusive());
  EXPECT_GT(p->true_size(), kDataRoom + Packet::kHeadroom);
}

TEST_F(PacketTest, GrowsAndShrinksAtBothEnds) {
  const PacketPtr p = packet("payload");
  copy(p->prepend(2), bytes_of("> "));
  copy(p->append(1), bytes_of("."));
  EXPECT_EQ(text_of(p->bytes()), "> payload.");
  EXPECT_EQ(p->headroom(), Packet::kHeadroom - 2);
  p->trim_front(2);
  p->trim_back(1);
  EXPECT_EQ(text_of(p->bytes()), "payload");
  EXPECT_EQ(p->headroom(), Packet::kHeadroom);
}

TEST_F(PacketTest, WholeBufferIsUsable) {
  const PacketPtr p = packet();
  (void)p->prepend(Packet::kHeadroom);
  (void)p->append(kDataRoom);
  EXPECT_EQ(p->headroom(), 0U);
  EXPECT_EQ(p->tailroom(), 0U);
  EXPECT_EQ(p->size(), Packet::kHeadroom + kDataRoom);
}

TEST_F(PacketTest, PlaceMovesTheWindow) {
  const PacketPtr p = packet("abcdef");
  p->place(Packet::kHeadroom + 2, 3);
  EXPECT_EQ(text_of(p->bytes()), "cde");
}

TEST_F(PacketTest, NotesSurviveChangesOfSize) {
  struct Notes {
    std::uint64_t sequence;
    std::uint32_t flags;
  };
  const PacketPtr p = packet("payload");
  p->notes<Notes>() = {.sequence = 7, .flags = 9};
  p->trim_front(3);
  EXPECT_EQ(p->notes<Notes>().sequence, 7U);
  EXPECT_EQ(p->notes<Notes>().flags, 9U);
}

TEST_F(PacketTest, RetainedPacketIsNotExclusiveUntilTheOtherHolderLetsGo) {
  PacketPtr p = packet("payload");
  p->retain();
  PacketPtr other(p.get());
  EXPECT_FALSE(p->exclusive());
  other.reset();
  EXPECT_TRUE(p->exclusive());
  EXPECT_EQ(pool_.available(), kPackets - 1);
  p.reset();
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(PacketTest, EmptyPoolGivesNullAndRecovers) {
  PacketQueue all;
  for (std::size_t i = 0; i < kPackets; ++i) all.push_back(packet());
  EXPECT_EQ(pool_.available(), 0U);
  EXPECT_EQ(pool_.allocate(), nullptr);
  all.clear();
  EXPECT_EQ(pool_.available(), pool_.capacity());
  EXPECT_TRUE(packet());
}

TEST_F(PacketTest, ReusedPacketRemembersNothing) {
  for (std::size_t i = 0; i < 2 * kPackets; ++i) {
    const PacketPtr p = packet("payload");
    EXPECT_EQ(p->next, nullptr);
    EXPECT_EQ(p->flow_hash, 0U);
    EXPECT_FALSE(p->checksum.l4_wanted);
    p->next = p.get();
    p->flow_hash = 1;
    p->checksum.l4_wanted = true;
    (void)p->prepend(9);
  }
}

TEST_F(PacketTest, PointerOwnsOneReference) {
  PacketPtr first = packet();
  PacketPtr second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what a move leaves is the point
  first = packet();
  first = std::move(second);  // releases what it held
  EXPECT_EQ(pool_.available(), kPackets - 1);
  Packet* raw = first.release();
  EXPECT_EQ(pool_.available(), kPackets - 1);
  raw->release();
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(PacketTest, TrainTakesItsTextAlong) {
  PacketPtr kept = packet("abc");
  PacketPtr train = packet("headers");
  EXPECT_FALSE(train->leads_train());
  kept->retain();
  train->extend_train(*kept, 3);
  train->extend_train(*packet("d").release(), 3);
  EXPECT_TRUE(train->leads_train());
  ASSERT_EQ(train->train_text().size(), 2U);
  EXPECT_EQ(text_of(train->train_text()[0]->bytes()), "abc");
  EXPECT_EQ(train->train().text_size, 4U);
  EXPECT_EQ(train->frame_size(), 7U + 4);
  EXPECT_FALSE(kept->exclusive());
  train->retain();  // a second holder, of the text as well
  train->release();
  EXPECT_EQ(pool_.available(), kPackets - 3);
  train.reset();
  EXPECT_TRUE(kept->exclusive());
  EXPECT_EQ(pool_.available(), kPackets - 1);
}

TEST_F(PacketTest, PacketThatLedATrainRemembersNothing) {
  for (std::size_t i = 0; i < 2 * kPackets; ++i) {
    const PacketPtr train = packet("headers");
    EXPECT_FALSE(train->leads_train());
    EXPECT_EQ(train->frame_size(), train->size());
    train->extend_train(*packet("text").release(), 4);
  }
}

TEST_F(PacketTest, QueueKeepsOrderAndCounts) {
  PacketQueue q = queue({"bc", "d"});
  q.push_front(packet("a"));
  EXPECT_EQ(content(q), "abcd");
  EXPECT_EQ(q.bytes(), 4U);
  EXPECT_EQ(q.packets(), 3U);
  EXPECT_EQ(q.true_size(), 3 * q.front()->true_size());
  EXPECT_EQ(text_of(q.pop_front()->bytes()), "a");
  EXPECT_EQ(text_of(q.pop_front()->bytes()), "bc");
  EXPECT_EQ(text_of(q.pop_front()->bytes()), "d");
  EXPECT_FALSE(q.pop_front());
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(q.back(), nullptr);
  EXPECT_EQ(q.bytes() + q.true_size() + q.packets(), 0U);
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(PacketTest, QueueThatRanEmptyCanBeUsedAgain) {
  PacketQueue q = queue({"a"});
  (void)q.pop_front();
  q.push_front(packet("b"));
  q.push_back(packet("c"));
  EXPECT_EQ(content(q), "bc");
}

TEST_F(PacketTest, SpliceMovesEverythingBehind) {
  PacketQueue q = queue({"a"});
  PacketQueue other = queue({"b", "c"});
  q.splice_back(std::move(other));
  EXPECT_TRUE(other.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.bytes(), 0U);
  q.push_back(packet("d"));
  EXPECT_EQ(content(q), "abcd");
  EXPECT_EQ(q.packets(), 4U);
}

TEST_F(PacketTest, SpliceOfAndIntoEmptyQueues) {
  PacketQueue q;
  q.splice_back(PacketQueue());
  EXPECT_TRUE(q.empty());
  q.splice_back(queue({"a", "b"}));
  q.splice_back(PacketQueue());
  EXPECT_EQ(content(q), "ab");
  EXPECT_EQ(text_of(q.back()->bytes()), "b");
}

TEST_F(PacketTest, TrimReleasesWholePacketsAndCutsTheNext) {
  PacketQueue q = queue({"abc", "def", "ghi"});
  q.trim_front(4);
  EXPECT_EQ(content(q), "efghi");
  EXPECT_EQ(q.packets(), 2U);
  EXPECT_EQ(q.bytes(), 5U);
  EXPECT_EQ(pool_.available(), kPackets - 2);
  q.trim_front(2);
  EXPECT_EQ(q.packets(), 1U);
  q.trim_front(3);
  EXPECT_TRUE(q.empty());
  EXPECT_EQ(pool_.available(), kPackets);
}

TEST_F(PacketTest, AppendToBackFillsTheLastPacket) {
  PacketQueue q = queue({"a", "b"});
  q.append_to_back(bytes_of("cd"));
  EXPECT_EQ(content(q), "abcd");
  EXPECT_EQ(q.bytes(), 4U);
  EXPECT_EQ(q.packets(), 2U);
}

TEST_F(PacketTest, MovedQueueReleasesWhatItHeld) {
  PacketQueue q = queue({"a", "b"});
  q = queue({"c"});
  EXPECT_EQ(content(q), "c");
  EXPECT_EQ(pool_.available(), kPackets - 1);
  const PacketQueue moved(std::move(q));
  EXPECT_EQ(content(moved), "c");
  EXPECT_TRUE(q.empty());  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace sluice::base
