// Pools of control blocks named by handles. The storage is reserved virtual memory that is touched
// on first use, so a large maximum costs nothing until it is needed; a handle carries the slot's
// generation, so a stale one finds nothing instead of somebody else's block.
#pragma once

#include <sys/mman.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "base/bytes.hpp"
#include "base/cache_line.hpp"

namespace sluice::base {

// Address space for `bytes` bytes, zero-filled on first touch. What is worth it gets huge pages,
// where the kernel has some: a random look into a large table then misses one cache and not three.
// Failing to reserve it at start is the end of the program: std::bad_alloc.
class ReservedMemory {
 public:
  explicit ReservedMemory(std::size_t bytes) : size_(bytes) {
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    data_ = at;
    if (bytes >= kWorthHugePages) (void)::madvise(at, bytes, MADV_HUGEPAGE);
  }
  ~ReservedMemory() { ::munmap(data_, size_); }
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;

  [[nodiscard]] void* data() const { return data_; }

 private:
  static constexpr std::size_t kWorthHugePages = std::size_t{8} << 20;

  void* data_;
  std::size_t size_;
};

// Names a T in its pool. A default handle names nothing. Tag tells the handles of pools apart.
template <typename Tag>
struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // odd while in use; 0 never is
  auto operator<=>(const Handle&) const = default;
  explicit operator bool() const { return generation != 0; }
};

template <typename T>
class Pool {
  // Objects of a cache line and more begin in the same place of theirs.
  static constexpr std::size_t kAlignment = sizeof(T) >= kCacheLine ? kCacheLine : alignof(T);
  struct alignas(kAlignment) Slot {
    std::uint32_t generation;  // odd: in use
    std::uint32_t next_free;   // index + 1, while free
    alignas(T) std::byte storage[sizeof(T)];
    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
  };

 public:
  using HandleType = Handle<T>;

  // Bytes in front of each object.
  static constexpr std::size_t kHeader = offsetof(Slot, storage);

  // Room for `capacity` objects, none of it touched yet.
  explicit Pool(std::size_t capacity)
      : memory_(capacity * sizeof(Slot)),
        slots_(static_cast<Slot*>(memory_.data())),
        capacity_(static_cast<std::uint32_t>(capacity)) {}
  ~Pool() {
    for_each([this](HandleType handle, T&) { destroy(handle); });
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // A new object, or a null handle when the pool is full.
  template <typename... Args>
  [[nodiscard]] HandleType create(Args&&... args) {
    std::uint32_t index;
    if (free_head_ != 0) {
      index = free_head_ - 1;
      free_head_ = slots_[index].next_free;
    } else if (touched_ < capacity_) {
      index = touched_++;
    } else {
      return {};
    }
    Slot& slot = slots_[index];
    ::new (static_cast<void*>(slot.storage)) T(std::forward<Args>(args)...);
    ++slot.generation;
    ++size_;
    return {index, slot.generation};
  }

  // The object, or null when the handle is stale.
  [[nodiscard]] T* find(HandleType handle) {
    if (handle.index >= touched_) return nullptr;
    Slot& slot = slots_[handle.index];
    if (slot.generation != handle.generation || (handle.generation & 1) == 0) return nullptr;
    return slot.object();
  }
  // As find(), whatever the generation.
  [[nodiscard]] T* in_use(std::uint32_t index) {
    if (index >= touched_ || (slots_[index].generation & 1) == 0) return nullptr;
    return slots_[index].object();
  }
  // Begins to fetch the object in a slot, whatever is there.
  void prefetch(std::uint32_t index) const { fetch(&slots_[index]); }
  // As above, of an object that lies in this pool.
  static void prefetch(const T& object) {
    fetch(reinterpret_cast<const std::byte*>(&object) - offsetof(Slot, storage));
  }
  // The handle of an object that lies in this pool.
  [[nodiscard]] HandleType handle_of(const T& object) const {
    const auto at = reinterpret_cast<std::uintptr_t>(&object) - offsetof(Slot, storage);
    const auto index =
        static_cast<std::uint32_t>((at - reinterpret_cast<std::uintptr_t>(slots_)) / sizeof(Slot));
    return {index, slots_[index].generation};
  }
  // The object in a slot that is known to be in use.
  [[nodiscard]] T& at(std::uint32_t index) { return *slots_[index].object(); }

  // The next object after the one that the last call with this `position` gave, in a circle; null
  // when there is none within a bounded number of slots.
  [[nodiscard]] T* find_next(std::uint32_t& position) {
    for (std::uint32_t i = 0; i < kSlotsPerLook && i < touched_; ++i) {
      position = position + 1 < touched_ ? position + 1 : 0;
      if ((slots_[position].generation & 1) != 0) return slots_[position].object();
    }
    return nullptr;
  }

  // Precondition: the handle names an object.
  void destroy(HandleType handle) {
    Slot& slot = slots_[handle.index];
    assert(slot.generation == handle.generation);
    slot.object()->~T();
    ++slot.generation;
    if (slot.generation == 0) slot.generation = 2;  // wrapped: 0 stays "never used"
    slot.next_free = free_head_;
    free_head_ = handle.index + 1;
    --size_;
  }

  // Calls visit(handle, object) for each object; it may destroy the one it is given.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t i = 0; i < touched_; ++i) {
      if ((slots_[i].generation & 1) != 0)
        visit(HandleType{i, slots_[i].generation}, *slots_[i].object());
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  static void fetch(const void* slot) {
    const auto* at = static_cast<const std::byte*>(slot);
    for (std::size_t line = 0; line < sizeof(Slot); line += kCacheLine) {
      __builtin_prefetch(at + line);
    }
  }

  static constexpr std::uint32_t kSlotsPerLook = 64;

  ReservedMemory memory_;
  Slot* slots_;
  std::uint32_t capacity_;
  std::uint32_t touched_ = 0;
  std::uint32_t free_head_ = 0;  // index + 1
  std::size_t size_ = 0;
};

}  // namespace sluice::base
