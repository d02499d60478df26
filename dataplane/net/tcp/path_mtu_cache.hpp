// What is known of the largest packets that paths take, by destination (RFC 1191 6.3, RFC 8201
// 5.2): so that a new connection does not have to find out again. A set-associative table of fixed
// size; what is noted is forgotten after a while, as paths change. Only reports that quote a
// segment in flight get here, so nobody makes entries for destinations that we do not talk to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/limits.hpp"
#include "base/time.hpp"
#include "dataplane/net/tcp/siphash.hpp"

namespace sluice::net::tcp {

class PathMtuCache {
 public:
  // RFC 1191 6.3, RFC 8201 4: a larger packet is not tried for five minutes, and better for ten.
  static constexpr base::Duration kLifetime = base::Duration::seconds(600);

  explicit PathMtuCache(std::span<const std::byte, 16> key) : key_(key), entries_(kSets * kWays) {}

  struct Known {
    std::uint16_t mtu = 0;  // bytes of IP packet
    base::Instant until;
  };
  [[nodiscard]] std::optional<Known> find(base::Instant now,
                                          const base::IpAddress& destination) const;
  // A path takes no packets beyond this size. What says more than is known prolongs that.
  void lower(base::Instant now, const base::IpAddress& destination, std::uint16_t mtu);
  // A packet of this size has arrived.
  void raise(base::Instant now, const base::IpAddress& destination, std::uint16_t mtu);

 private:
  struct Entry {
    base::IpAddress destination;
    Known known;  // until a time in the past: free
  };
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kSets = base::limits::kMaxPathMtus / kWays;

  [[nodiscard]] std::size_t first_of_set(const base::IpAddress& destination) const;
  [[nodiscard]] const Entry* entry_of(base::Instant now, const base::IpAddress& destination) const;

  SipKey key_;  // nobody outside can aim at one set
  std::vector<Entry> entries_;
  base::Instant last_ends_;  // nothing is known from here on
};

}  // namespace sluice::net::tcp
