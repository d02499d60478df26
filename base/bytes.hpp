// Bytes and how integers lie in them. Everything that crosses a wire is read and written through
// these (or through cursor.hpp, which is built on them); there are no packed-struct casts.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace sluice::base {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

namespace detail {

// The machine's order to the network's, and back.
template <std::unsigned_integral T>
constexpr T big_endian(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

}  // namespace detail

// Network byte order. `from` and `to` must have sizeof(T) bytes.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_be(const std::byte* from) {
  if (!std::is_constant_evaluated()) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return detail::big_endian(value);
  }
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((value << 8) | std::to_integer<T>(from[i]));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr void store_be(std::byte* to, T value) {
  if (!std::is_constant_evaluated()) {
    value = detail::big_endian(value);
    std::memcpy(to, &value, sizeof value);
    return;
  }
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    to[i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

// The bytes of a text, without a terminator.
[[nodiscard]] inline Bytes bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// The text that the bytes spell; a view of the same storage.
[[nodiscard]] inline std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Copies all of `from` to the front of `to`, which must be at least as long.
inline void copy(MutableBytes to, Bytes from) {
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

[[nodiscard]] inline bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace sluice::base
