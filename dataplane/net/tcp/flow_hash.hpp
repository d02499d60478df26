// Everything that is computed from a flow's addresses under the engine's key: its place in the
// demultiplexer, its initial sequence number (RFC 6528), where its timestamps start (RFC 7323 5.4)
// and where the search for a source port starts (RFC 6056 3.3.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "dataplane/net/tcp/siphash.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

// A flow as the keyed hashes read it: at most two IPv6 addresses and two ports.
inline constexpr std::size_t kFlowBytes = 36;

// SipHash-2-4 of a flow, as ports and addresses in network byte order, and of kSize bytes that its
// user puts behind it, the first of them the lowest of `behind`. The message is made in registers.
template <std::size_t kSize>
[[nodiscard]] std::uint64_t hash_of_flow(const SipKey& key, const base::FourTuple& flow,
                                         std::uint64_t behind) {
  static_assert(kSize < 8);
  const auto word = [](const base::IpAddress& address, std::size_t i) {
    return std::uint64_t{
        __builtin_bswap32(base::load_be<std::uint32_t>(address.octets().data() + 4 * i))};
  };
  const base::IpAddress& local = flow.local.address;
  const base::IpAddress& remote = flow.remote.address;
  const std::uint64_t ports = std::uint64_t{__builtin_bswap16(flow.local.port)} |
                              (std::uint64_t{__builtin_bswap16(flow.remote.port)} << 16);
  if (remote.is_ipv4()) {
    constexpr std::size_t kMessage = 12 + kSize;
    std::array<std::uint64_t, kMessage / 8 + 1> words;
    words[0] = ports | (word(local, 3) << 32);
    words[1] = word(remote, 3) | (behind << 32);
    if constexpr (kMessage >= 16) words[2] = behind >> 32;
    return key.hash_words<2, 4, kMessage>(words);
  }
  constexpr std::size_t kMessage = kFlowBytes + kSize;
  std::array<std::uint64_t, kMessage / 8 + 1> words;
  words[0] = ports | (word(local, 0) << 32);
  words[1] = word(local, 1) | (word(local, 2) << 32);
  words[2] = word(local, 3) | (word(remote, 0) << 32);
  words[3] = word(remote, 1) | (word(remote, 2) << 32);
  words[4] = word(remote, 3) | (behind << 32);
  if constexpr (kMessage >= 40) words[5] = behind >> 32;
  return key.hash_words<2, 4, kMessage>(words);
}

class FlowHash {
 public:
  explicit FlowHash(std::span<const std::byte, 16> key);
  ~FlowHash();
  FlowHash(const FlowHash&) = delete;
  FlowHash& operator=(const FlowHash&) = delete;

  // Of each segment that arrives, so it has to be cheap, and no peer can see it.
  // Pair-multiply-shift (Thorup, "High Speed Hashing for Integers and Strings", 2015, section 3.4):
  // any two flows that somebody chooses without knowing the key collide as seldom as if it were
  // random.
  [[nodiscard]] std::uint32_t bucket(const base::FourTuple& flow) const;
  // RFC 6528 3: ISN = M + F(flow, key), M a clock that ticks every 4 microseconds.
  [[nodiscard]] wire::SeqNumber initial_sequence(const base::FourTuple& flow,
                                                 base::Instant now) const;
  // The same for every connection between two addresses, so that timestamps rise from one
  // connection of a flow to its next (RFC 6191).
  [[nodiscard]] std::uint32_t timestamp_offset(const base::FourTuple& flow) const;
  // Independent of the local port, which is not chosen yet.
  [[nodiscard]] std::uint32_t port_offset(const base::FourTuple& flow) const;

 private:
  static constexpr std::size_t kFlowWords = kFlowBytes / 4;

  SipKey key_;
  std::array<std::uint64_t, kFlowWords + 1> multipliers_;
};

}  // namespace sluice::net::tcp
