// Everything that is computed from a flow's addresses under the engine's key: its place in the
// demultiplexer, its initial sequence number (RFC 6528), where its timestamps start (RFC 7323 5.4)
// and where the search for a source port starts (RFC 6056 3.3.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "dataplane/net/tcp/siphash.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

// A flow as the keyed hashes read it: at most two IPv6 addresses and two ports.
inline constexpr std::size_t kFlowBytes = 36;
// SipHash-2-4 of a flow, as ports and addresses, and of what its user puts behind it. The message
// is of a fixed size for each family, so that nothing of it is a loop.
template <std::size_t kSize>
[[nodiscard]] std::uint64_t hash_of_flow(const SipKey& key, const base::FourTuple& flow,
                                         const std::array<std::byte, kSize>& behind) {
  const auto of_addresses = [&]<std::size_t kAddress>() {
    const std::size_t from = flow.local.address.octets().size() - kAddress;
    std::array<std::byte, 4 + 2 * kAddress + kSize> message;
    base::store_be(message.data(), flow.local.port);
    base::store_be(message.data() + 2, flow.remote.port);
    std::memcpy(message.data() + 4, flow.local.address.octets().data() + from, kAddress);
    std::memcpy(message.data() + 4 + kAddress, flow.remote.address.octets().data() + from,
                kAddress);
    std::memcpy(message.data() + 4 + 2 * kAddress, behind.data(), kSize);
    return key.hash<2, 4>(message);
  };
  return flow.remote.address.is_ipv4() ? of_addresses.template operator()<4>()
                                       : of_addresses.template operator()<16>();
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
