// Key material. A Secret is wiped when it dies, compares in constant time, cannot be copied by
// accident and has no way to be printed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>

#include "base/bytes.hpp"

namespace sluice::base {

// Overwrites with zeros in a way that the compiler may not drop.
inline void secure_wipe(MutableBytes bytes) {
  if (bytes.empty()) return;
  std::memset(bytes.data(), 0, bytes.size());
  std::atomic_signal_fence(std::memory_order_seq_cst);
  __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
}

// Time depends on the lengths only. Different lengths are unequal.
[[nodiscard]] inline bool constant_time_equal(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= std::to_integer<unsigned>(a[i] ^ b[i]);
  }
  return difference == 0;
}

// At most N bytes of key material; its length is set when it is filled.
template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes from) { assign(from); }
  ~Secret() { wipe(); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  // Moving leaves nothing behind in the source.
  Secret(Secret&& other) noexcept : bytes_(other.bytes_), size_(other.size_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      size_ = other.size_;
      other.wipe();
    }
    return *this;
  }

  // Precondition: from.size() <= N.
  void assign(Bytes from) {
    wipe();
    copy(resize(from.size()), from);
  }
  // Makes the secret `size` bytes long and returns them to be filled. Precondition: size <= N.
  MutableBytes resize(std::size_t size) {
    size_ = size;
    return MutableBytes(bytes_).first(size);
  }
  [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(size_); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  static constexpr std::size_t capacity() { return N; }
  void wipe() {
    secure_wipe(bytes_);
    size_ = 0;
  }

 private:
  std::array<std::byte, N> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace sluice::base
