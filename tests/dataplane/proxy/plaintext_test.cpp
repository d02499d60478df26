// Opened records become plaintext packets: every byte, in order, no packet lost, and nothing copied
// that does not have to be.
#include "dataplane/proxy/plaintext.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/memory_packet_pool.hpp"

namespace sluice::proxy {
namespace {

using base::Bytes;
using base::MemoryPacketPool;
using base::PacketPtr;
using base::PacketQueue;

constexpr std::size_t kHeader = 5;
constexpr std::size_t kTag = 17;
constexpr std::size_t kSegment = 1448;

// Bytes 0, 1, 2 ... as records of the given plaintext sizes, with 0xff for header and tag.
struct Stream {
  explicit Stream(const std::vector<std::size_t>& sizes) {
    for (const std::size_t size : sizes) {
      bytes.insert(bytes.end(), kHeader, std::byte{0xff});
      for (std::size_t i = 0; i < size; ++i) {
        plaintext.push_back(static_cast<std::byte>(plaintext.size() % 251));
        bytes.push_back(plaintext.back());
      }
      bytes.insert(bytes.end(), kTag, std::byte{0xff});
    }
  }
  std::vector<std::byte> bytes;
  std::vector<std::byte> plaintext;
};

void fill(PacketQueue& queue, MemoryPacketPool& pool, Bytes bytes,
          const std::vector<std::size_t>& cuts) {
  std::size_t next = 0;
  while (!bytes.empty()) {
    const std::size_t take = std::min(cuts[next++ % cuts.size()], bytes.size());
    PacketPtr packet(pool.allocate());
    base::copy(packet->append(take), bytes.first(take));
    queue.push_back(std::move(packet));
    bytes = bytes.subspan(take);
  }
}

std::vector<std::byte> drain(PacketQueue& queue) {
  std::vector<std::byte> all;
  while (PacketPtr packet = queue.pop_front()) {
    EXPECT_FALSE(packet->empty());
    all.insert(all.end(), packet->bytes().begin(), packet->bytes().end());
  }
  return all;
}

struct Taken {
  std::vector<std::byte> plaintext;
  std::size_t copies = 0;
};

Taken take_all(const std::vector<std::size_t>& sizes, const std::vector<std::size_t>& cuts) {
  MemoryPacketPool pool(4096);
  Taken taken;
  {
    PacketQueue input;
    PacketQueue output;
    PacketPtr spare;
    fill(input, pool, Stream(sizes).bytes, cuts);
    for (const std::size_t size : sizes) {
      if (!spare) spare.reset(pool.allocate());
      const RecordExtent record{
          .size = kHeader + size + kTag, .plaintext_offset = kHeader, .plaintext_size = size};
      const CopyRoom room{.spare = spare, .segment_size = kSegment};
      if (take_plaintext(input, record, room, output)) ++taken.copies;
    }
    EXPECT_TRUE(input.empty());
    EXPECT_EQ(input.bytes(), 0u);
    std::size_t counted = output.bytes();
    taken.plaintext = drain(output);
    EXPECT_EQ(counted, taken.plaintext.size());
  }
  EXPECT_EQ(pool.available(), pool.capacity());
  return taken;
}

TEST(TakePlaintext, RecordThatFillsItsPacketsIsNotCopied) {
  const std::vector<std::size_t> sizes = {16384};
  const Taken taken = take_all(sizes, {kSegment});
  EXPECT_EQ(taken.plaintext, Stream(sizes).plaintext);
  EXPECT_EQ(taken.copies, 0u);
}

TEST(TakePlaintext, ManySmallRecordsInOnePacketBecomeOnePacketOfCopies) {
  const std::vector<std::size_t> sizes(30, 20);
  const Taken taken = take_all(sizes, {2000});
  EXPECT_EQ(taken.plaintext, Stream(sizes).plaintext);
  EXPECT_EQ(taken.copies, 29u);  // the last has the rest of the packet to itself
}

TEST(TakePlaintext, OneBytePacketsLoseNothing) {
  const std::vector<std::size_t> sizes = {100, 1, 7};
  EXPECT_EQ(take_all(sizes, {1}).plaintext, Stream(sizes).plaintext);
}

TEST(TakePlaintext, EmptyRecordLeavesNothingBehind) {
  const std::vector<std::size_t> sizes = {0, 10, 0, 0};
  EXPECT_EQ(take_all(sizes, {17}).plaintext, Stream(sizes).plaintext);
}

TEST(TakePlaintext, AnyCutsOfAnyRecordsKeepEveryByte) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const bool large = seed % 2 == 0;
    std::vector<std::size_t> sizes(1 + random() % 20);
    for (auto& size : sizes) size = random() % (large ? 16385 : 300);
    std::vector<std::size_t> cuts(1 + random() % 10);
    for (auto& cut : cuts) cut = large ? 400 + random() % 1048 : 1 + random() % 60;
    ASSERT_EQ(take_all(sizes, cuts).plaintext, Stream(sizes).plaintext) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::proxy
