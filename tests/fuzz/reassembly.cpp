// Segments out of order, against a model that notes for each byte who brought it first. The input
// is a list of insertions and deliveries; whole segments may be refused for want of room, never a
// part of one that was said to be stored.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "base/cursor.hpp"
#include "base/memory_packet_pool.hpp"
#include "dataplane/net/tcp/reassembly.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using base::PacketPtr;
using fuzz::require;
using net::tcp::Reassembly;
using wire::SeqNumber;

constexpr SeqNumber kStart{0xffff'fe00};  // wraps soon
constexpr std::uint32_t kWindow = 4'096;

class Model {
 public:
  void insert(base::Reader& reader) {
    const std::uint32_t from = next_ + 2 + reader.u16() % kWindow;
    const std::uint32_t size = 1 + reader.u16() % 1'500;
    const auto mark = static_cast<std::byte>(++insertions_);
    PacketPtr packet(pool_.allocate());
    if (!packet) return;
    if (reader.u8() % 2 == 0) packet->place(packet->headroom() / 2, 0);
    std::ranges::fill(packet->append(size), mark);
    const auto runs_before = reassembly_.runs();
    const auto insertion = reassembly_.insert(pool_, std::move(packet), kStart + from);
    require(reassembly_.runs() <= Reassembly::kMaxRuns, "the number of runs is bounded");
    bool any_old = false;
    bool any_new = false;
    for (std::uint32_t at = from; at < from + size; ++at) {
      (bytes_.contains(at) ? any_old : any_new) = true;
    }
    require(any_new || insertion.outcome == Reassembly::Outcome::kNothingNew,
            "what is there already is nothing new");
    // Where a run or a packet was missing the rest is left out, and the peer sends it again.
    if (insertion.outcome == Reassembly::Outcome::kFull) {
      require(runs_before + 2 >= Reassembly::kMaxRuns, "nothing is refused without need");
      return start_over();
    }
    if (pool_.available() == 0) return start_over();
    require(any_old == insertion.duplicate.has_value(), "duplicates are noticed");
    for (std::uint32_t at = from; at < from + size; ++at) bytes_.try_emplace(at, mark);
  }

  // The gap is filled up to where the model says that something lies.
  void deliver() {
    if (bytes_.empty()) {
      require(reassembly_.empty(), "nothing is held that never came");
      return;
    }
    SeqNumber next = kStart + bytes_.begin()->first;
    base::PacketQueue input;
    reassembly_.deliver(input, next);
    while (const PacketPtr taken = input.pop_front()) {
      for (const std::byte b : taken->bytes()) {
        require(!bytes_.empty() && bytes_.begin()->second == b, "the first copy of a byte wins");
        next_ = bytes_.begin()->first;
        bytes_.erase(bytes_.begin());
      }
    }
    require(next == kStart + next_ + 1, "all that continues is delivered, and nothing else");
    require(bytes_.empty() || bytes_.begin()->first > next_ + 1, "nothing that continues is left");
  }

  void check_blocks() {
    const wire::SackBlocks blocks = reassembly_.sack_blocks(4);
    for (const wire::SackBlock& block : blocks.view()) {
      require(block.left < block.right, "blocks are not empty");
      const auto from = static_cast<std::uint32_t>(block.left - kStart);
      const auto to = static_cast<std::uint32_t>(block.right - kStart);
      for (std::uint32_t at = from; at < to; ++at) {
        require(bytes_.contains(at), "only what is held is reported");
      }
      require(!bytes_.contains(to) && (from == 0 || !bytes_.contains(from - 1)),
              "a block is a whole run");
    }
  }

  void finish() {
    reassembly_.clear();
    require(reassembly_.true_size() == 0 && reassembly_.runs() == 0, "nothing is left");
    require(pool_.available() == pool_.capacity(), "every packet is back");
  }

 private:
  void start_over() {
    reassembly_.clear();
    bytes_.clear();
  }

  base::MemoryPacketPool pool_{200};
  Reassembly reassembly_;
  std::map<std::uint32_t, std::byte> bytes_;  // held, by their distance from kStart
  std::uint32_t next_ = 0;                    // delivered up to here
  std::uint8_t insertions_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Reader reader(std::as_bytes(std::span(data, size)));
  Model model;
  while (reader.ok() && !reader.empty()) {
    if (reader.u8() % 8 == 0) {
      model.deliver();
    } else {
      model.insert(reader);
    }
    model.check_blocks();
  }
  model.finish();
  return 0;
}
