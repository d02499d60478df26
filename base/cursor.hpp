// The only way to parse (Reader) and to serialise (Writer) a wire format. A Reader never leaves its
// bytes: a read past the end fails, and says so once, at the end, through ok(). A Writer never
// leaves its buffer: what does not fit sets overflow() and writes nothing more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/bytes.hpp"

namespace sluice::base {

// The width of a length prefix, as RFC 8446 section 3.4 draws vectors.
using U8 = std::uint8_t;
using U16 = std::uint16_t;
struct U24 {};

class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
  [[nodiscard]] std::uint32_t u24() { return static_cast<std::uint32_t>(big_endian(3)); }
  [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
  [[nodiscard]] std::uint64_t u64() { return big_endian(8); }

  // The next `size` bytes, or none and !ok().
  [[nodiscard]] Bytes bytes(std::size_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  void skip(std::size_t size) { (void)bytes(size); }
  [[nodiscard]] Bytes rest() { return std::exchange(rest_, Bytes{}); }

  // A vector behind a length prefix: its content, or none and !ok().
  template <typename Prefix>
  [[nodiscard]] Bytes vector() {
    return bytes(length<Prefix>());
  }
  // As vector(), opened as a scope of its own. The scope's errors are the caller's to check: a
  // message is well formed when every scope is ok() and empty.
  template <typename Prefix>
  [[nodiscard]] Reader sub() {
    const std::size_t size = length<Prefix>();
    Reader scope(bytes(size));
    scope.ok_ = ok_;
    return scope;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  // True when everything was read and nothing failed.
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  template <typename Prefix>
  std::size_t length() {
    if constexpr (std::is_same_v<Prefix, U8>) {
      return u8();
    } else if constexpr (std::is_same_v<Prefix, U16>) {
      return u16();
    } else {
      static_assert(std::is_same_v<Prefix, U24>);
      return u24();
    }
  }
  std::uint64_t big_endian(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::byte b : bytes(width)) value = (value << 8) | std::to_integer<std::uint64_t>(b);
    return value;
  }

  Bytes rest_;
  bool ok_ = true;
};

class Writer {
 public:
  explicit Writer(MutableBytes buffer) : buffer_(buffer) {}

  void u8(std::uint8_t v) { big_endian(v, 1); }
  void u16(std::uint16_t v) { big_endian(v, 2); }
  void u24(std::uint32_t v) { big_endian(v, 3); }
  void u32(std::uint32_t v) { big_endian(v, 4); }
  void u64(std::uint64_t v) { big_endian(v, 8); }
  void bytes(Bytes from) {
    const MutableBytes to = space(from.size());
    if (!overflow_) copy(to, from);
  }

  // Room for `size` bytes, to be filled by the caller; empty on overflow.
  MutableBytes space(std::size_t size) {
    if (overflow_ || size > buffer_.size() - size_) {
      overflow_ = true;
      return {};
    }
    size_ += size;
    return buffer_.subspan(size_ - size, size);
  }

  // Writes what `body` writes behind a length prefix that is filled in afterwards:
  //   writer.sub<U16>([&] { writer.u8(1); });
  template <typename Prefix, typename Body>
  void sub(Body&& body) {
    constexpr std::size_t kWidth = width<Prefix>();
    const std::size_t prefix_at = size_;
    space(kWidth);
    body();
    if (overflow_) return;
    const std::size_t length = size_ - prefix_at - kWidth;
    if (length >> (8 * kWidth) != 0) {
      overflow_ = true;
      return;
    }
    for (std::size_t i = 0; i < kWidth; ++i) {
      buffer_[prefix_at + i] = static_cast<std::byte>(length >> (8 * (kWidth - 1 - i)));
    }
  }

  [[nodiscard]] bool overflow() const { return overflow_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] MutableBytes written() const { return buffer_.first(size_); }
  [[nodiscard]] std::size_t remaining() const { return buffer_.size() - size_; }

 private:
  template <typename Prefix>
  static constexpr std::size_t width() {
    if constexpr (std::is_same_v<Prefix, U24>) {
      return 3;
    } else {
      return sizeof(Prefix);
    }
  }
  void big_endian(std::uint64_t value, std::size_t width) {
    const MutableBytes to = space(width);
    if (overflow_) return;
    for (std::size_t i = 0; i < width; ++i) {
      to[i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
    }
  }

  MutableBytes buffer_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace sluice::base
