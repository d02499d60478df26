#include "tls/record/key_pool.hpp"

#include <algorithm>
#include <cassert>

#include "base/secret.hpp"

namespace sluice::tls {

KeyPool::KeyPool(std::size_t capacity, Aead::Level level)
    : aead_(level),
      memory_(capacity * sizeof(ExpandedKey)),
      keys_(static_cast<ExpandedKey*>(memory_.data()), capacity),
      slots_(capacity) {
  assert(capacity >= 1 && capacity < kNone);
}

KeyPool::~KeyPool() = default;

AeadKey KeyPool::expanded(Claim& claim, AeadAlgorithm algorithm, base::Bytes raw) {
  if (holds(claim)) {
    if (claim.slot != newest_) {
      unlink(claim.slot);
      link_newest(claim.slot);
    }
  } else {
    const std::uint32_t slot = take_slot();
    aead_.expand(algorithm, raw, keys_[slot]);
    ++expansions_;
    slots_[slot].owner = next_owner_++;
    link_newest(slot);
    claim = {.owner = slots_[slot].owner, .slot = slot};
  }
  return {algorithm, keys_[claim.slot].bytes.data()};
}

void KeyPool::release(Claim& claim) {
  if (holds(claim)) {
    unlink(claim.slot);
    base::secure_wipe(keys_[claim.slot].bytes);
    slots_[claim.slot] = {.owner = 0, .newer = kNone, .older = free_};
    free_ = claim.slot;
    --size_;
  }
  claim = {};
}

bool KeyPool::holds(const Claim& claim) const {
  return claim.owner != 0 && slots_[claim.slot].owner == claim.owner;
}

// A free slot, one never used, or the least recently used one; in this order.
std::uint32_t KeyPool::take_slot() {
  std::uint32_t slot;
  if (free_ != kNone) {
    slot = free_;
    free_ = slots_[slot].older;
  } else if (touched_ < slots_.size()) {
    slot = touched_++;
  } else {
    slot = oldest_;
    unlink(slot);
    base::secure_wipe(keys_[slot].bytes);
    return slot;
  }
  ++size_;
  return slot;
}

void KeyPool::link_newest(std::uint32_t slot) {
  slots_[slot].newer = kNone;
  slots_[slot].older = newest_;
  if (newest_ != kNone) slots_[newest_].newer = slot;
  newest_ = slot;
  if (oldest_ == kNone) oldest_ = slot;
}

void KeyPool::unlink(std::uint32_t slot) {
  const auto [owner, newer, older] = slots_[slot];
  (newer != kNone ? slots_[newer].older : newest_) = older;
  (older != kNone ? slots_[older].newer : oldest_) = newer;
}

}  // namespace sluice::tls
