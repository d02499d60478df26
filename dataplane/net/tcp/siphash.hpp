// SipHash (Aumasson and Bernstein, 2012): a keyed hash short enough for every packet. SipHash-2-4
// makes initial sequence numbers (RFC 6528), SipHash-1-3 spreads neighbours over their table, so
// that nobody outside can aim at one bucket.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace sluice::net::tcp {

class SipKey {
 public:
  explicit SipKey(std::span<const std::byte, 16> bytes)
      : k0_(load_le(bytes.data(), 8)), k1_(load_le(bytes.data() + 8, 8)) {}
  ~SipKey() { base::secure_wipe(std::as_writable_bytes(std::span(this, 1))); }
  SipKey(const SipKey&) = delete;
  SipKey& operator=(const SipKey&) = delete;

  // kCompress rounds per eight bytes of message, kFinish rounds at the end.
  template <int kCompress, int kFinish>
  [[nodiscard]] std::uint64_t hash(base::Bytes message) const;
  // The same, of a size that is known beforehand.
  template <int kCompress, int kFinish, std::size_t kSize>
  [[nodiscard]] std::uint64_t hash(const std::array<std::byte, kSize>& message) const {
    std::array<std::uint64_t, kSize / 8 + 1> words{};
    std::memcpy(words.data(), message.data(), kSize);
    for (std::uint64_t& word : words) word = little_endian(word);
    return hash_words<kCompress, kFinish, kSize>(words);
  }
  // The same of a message that lies in words already, its first byte in the lowest of the first.
  template <int kCompress, int kFinish, std::size_t kSize>
  [[nodiscard]] std::uint64_t hash_words(
      const std::array<std::uint64_t, kSize / 8 + 1>& words) const {
    State state = begin();
    for (std::size_t i = 0; i < kSize / 8; ++i) state.absorb<kCompress>(words[i]);
    state.absorb<kCompress>(words.back() | (std::uint64_t{kSize} << 56));
    return state.finish<kFinish>();
  }

 private:
  struct State {
    std::uint64_t v0, v1, v2, v3;
    void round() {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
    template <int kRounds>
    void absorb(std::uint64_t word) {
      v3 ^= word;
      for (int i = 0; i < kRounds; ++i) round();
      v0 ^= word;
    }
    template <int kRounds>
    std::uint64_t finish() {
      v2 ^= 0xff;
      for (int i = 0; i < kRounds; ++i) round();
      return v0 ^ v1 ^ v2 ^ v3;
    }
  };

  [[nodiscard]] State begin() const {
    return {k0_ ^ 0x736f6d6570736575, k1_ ^ 0x646f72616e646f6d, k0_ ^ 0x6c7967656e657261,
            k1_ ^ 0x7465646279746573};
  }
  static std::uint64_t little_endian(std::uint64_t word) {
    return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
  }

  static std::uint64_t load_le(const std::byte* from, std::size_t size) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) {
      word |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    }
    return word;
  }

  std::uint64_t k0_;
  std::uint64_t k1_;
};

template <int kCompress, int kFinish>
std::uint64_t SipKey::hash(base::Bytes message) const {
  State state = begin();
  std::size_t at = 0;
  for (; at + 8 <= message.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, message.data() + at, sizeof word);
    state.absorb<kCompress>(little_endian(word));
  }
  state.absorb<kCompress>((std::uint64_t{message.size()} << 56) |
                          load_le(message.data() + at, message.size() - at));
  return state.finish<kFinish>();
}

}  // namespace sluice::net::tcp
