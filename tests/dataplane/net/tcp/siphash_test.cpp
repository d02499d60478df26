#include "dataplane/net/tcp/siphash.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::net::tcp {
namespace {

template <std::size_t N>
std::array<std::byte, N> counting() {
  std::array<std::byte, N> bytes{};
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

// The vectors that its authors publish: key 00..0f, messages 00..(n-1).
TEST(SipHash, MatchesThePublishedVectors) {
  const SipKey key(counting<16>());
  const auto message = counting<64>();
  const auto hash = [&](std::size_t size) {
    return key.hash<2, 4>(base::Bytes(message).first(size));
  };
  EXPECT_EQ(hash(0), 0x726fdb47dd0e0e31);
  EXPECT_EQ(hash(1), 0x74f839c593dc67fd);
  EXPECT_EQ(hash(7), 0xab0200f58b01d137);
  EXPECT_EQ(hash(8), 0x93f5f5799a932462);
  EXPECT_EQ(hash(15), 0xa129ca6149be45e5);
  EXPECT_EQ(hash(63), 0x958a324ceb064572);
}

TEST(SipHash, RoundsMatter) {
  const SipKey key(counting<16>());
  const auto message = counting<12>();
  EXPECT_NE((key.hash<1, 3>(message)), (key.hash<2, 4>(message)));
}

}  // namespace
}  // namespace sluice::net::tcp
