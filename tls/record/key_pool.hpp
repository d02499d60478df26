// A worker's expanded AEAD keys: a bounded pool in which the least recently used one makes room. An
// expanded key takes 1 KB and a tenth of a microsecond to rebuild, so connections keep raw keys and
// borrow an expanded one for the length of a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "tls/crypto/aead.hpp"
#include "tls/crypto/key_memory.hpp"

namespace sluice::tls {

class KeyPool {
 public:
  // `capacity` >= 1 keys of 1 KB, touched on first use. Throws as Aead does, and std::bad_alloc.
  explicit KeyPool(std::size_t capacity, Aead::Level level = Aead::Level::best);
  ~KeyPool();
  KeyPool(const KeyPool&) = delete;
  KeyPool& operator=(const KeyPool&) = delete;

  // Names an expanded key for as long as it is in the pool. The owner's number is never given
  // twice, so a claim that was evicted can never match the key that came after it.
  struct Claim {
    std::uint64_t owner = 0;  // 0: no claim
    std::uint32_t slot = 0;
  };

  // The expansion of `raw`, from the pool or made now and then claimed. The view is valid until the
  // next call. Precondition: a claim that is not empty was made with the same algorithm and key.
  [[nodiscard]] AeadKey expanded(Claim& claim, AeadAlgorithm algorithm, base::Bytes raw);
  // Wipes the expansion, if it is still there, and empties the claim.
  void release(Claim& claim);

  [[nodiscard]] const Aead& aead() const { return aead_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return slots_.size(); }
  // Keys that had to be expanded, first times included.
  [[nodiscard]] std::uint64_t expansions() const { return expansions_; }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  // A slot in use stands in the list from the most to the least recently used one; a free slot in
  // the list of free ones, linked by `older`.
  struct Slot {
    std::uint64_t owner = 0;
    std::uint32_t newer = kNone;
    std::uint32_t older = kNone;
  };

  [[nodiscard]] bool holds(const Claim& claim) const;
  [[nodiscard]] std::uint32_t take_slot();
  void link_newest(std::uint32_t slot);
  void unlink(std::uint32_t slot);

  Aead aead_;
  KeyMemory memory_;
  std::span<ExpandedKey> keys_;
  std::vector<Slot> slots_;
  std::uint32_t newest_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::uint32_t free_ = kNone;
  std::uint32_t touched_ = 0;  // slots from here on were never used
  std::size_t size_ = 0;
  std::uint64_t next_owner_ = 1;
  std::uint64_t expansions_ = 0;
};

}  // namespace sluice::tls
