#include "dataplane/net/tcp/siphash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <span>

#include "base/cursor.hpp"
#include "dataplane/net/tcp/flow_hash.hpp"

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

// What is hashed is the message that a flow's ports and addresses make, in network byte order.
TEST(FlowHash, IsThatOfTheFlowsBytesAndWhatStandsBehindThem) {
  const SipKey key(counting<16>());
  for (const bool ipv4 : {true, false}) {
    const auto address = [&](const char* v4, const char* v6) {
      return *base::IpAddress::parse(ipv4 ? v4 : v6);
    };
    const base::FourTuple flow{
        .local = {.address = address("198.18.0.2", "2001:db8:102:304:506:708:90a:b0c"),
                  .port = 443},
        .remote = {.address = address("198.19.12.34", "2001:db8:dead:beef:1234:5678:9abc:def0"),
                   .port = 0xabcd}};
    std::array<std::byte, kFlowBytes + 6> bytes;
    base::Writer message(bytes);
    message.u16(flow.local.port);
    message.u16(flow.remote.port);
    const std::size_t from = ipv4 ? 12 : 0;
    message.bytes(std::span(flow.local.address.octets()).subspan(from));
    message.bytes(std::span(flow.remote.address.octets()).subspan(from));
    message.u8(0xa1);
    EXPECT_EQ(hash_of_flow<1>(key, flow, 0xa1), (key.hash<2, 4>(base::Bytes(message.written()))));
    message.u8(0xb2);
    message.u32(0xc3d4e5f6);
    EXPECT_EQ(hash_of_flow<6>(key, flow, 0xf6e5d4c3b2a1),
              (key.hash<2, 4>(base::Bytes(message.written()))));
  }
}

}  // namespace
}  // namespace sluice::net::tcp
