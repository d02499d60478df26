// Pools of nodes that one owner holds and links together, and nobody names by a handle: where a
// Pool (pool.hpp) keeps a generation in front of each object, a node has its cache line for itself.
// The storage is reserved virtual memory, touched on first use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "base/pool.hpp"

namespace sluice::base {

template <typename T>
class NodePool {
  static_assert(std::is_trivially_destructible_v<T>, "what is left is not looked at in the end");
  static_assert(sizeof(T) >= sizeof(void*));

 public:
  // Room for `capacity` nodes, none of it touched yet.
  explicit NodePool(std::size_t capacity)
      : memory_(capacity * sizeof(T)),
        nodes_(static_cast<T*>(memory_.data())),
        capacity_(capacity) {}
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  // A new node, or null when the pool is full.
  [[nodiscard]] T* create() {
    if (free_ != nullptr) {
      Free* const at = free_;
      free_ = at->next;
      return ::new (static_cast<void*>(at)) T();
    }
    if (touched_ == capacity_) return nullptr;
    return ::new (static_cast<void*>(nodes_ + touched_++)) T();
  }
  // Precondition: the node is one of this pool's.
  void destroy(T& node) { free_ = ::new (static_cast<void*>(&node)) Free{free_}; }

 private:
  struct Free {
    Free* next;
  };

  ReservedMemory memory_;
  T* nodes_;
  std::size_t capacity_;
  std::size_t touched_ = 0;
  Free* free_ = nullptr;
};

// Another node of the same pool in half the room of a pointer: how far away it lies.
template <typename T>
class NodeLink {
 public:
  // Precondition: `node` is the one that the link is part of.
  [[nodiscard]] T* from(T& node) const { return distance_ == 0 ? nullptr : &node + distance_; }
  void set(T& node, T* to) {
    distance_ = to == nullptr ? 0 : static_cast<std::int32_t>(to - &node);
  }

 private:
  std::int32_t distance_ = 0;  // no node links to itself
};

}  // namespace sluice::base
