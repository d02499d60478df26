// That our IPv4 addresses are ours alone (RFC 5227). They serve from the start, as those of a
// server have to, and are probed for meanwhile; one that another node turns out to have is not
// used, and is tried again every minute. What nobody has objected to is announced, and defended
// from then on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "dataplane/net/ipv4_subnets.hpp"

namespace sluice::net {

class Ipv4Claims {
 public:
  // RFC 5227 1.1.
  static constexpr std::uint8_t kProbes = 3;
  static constexpr base::Duration kProbeMin = base::Duration::seconds(1);
  static constexpr base::Duration kProbeMax = base::Duration::seconds(2);
  static constexpr base::Duration kAnnounceWait = base::Duration::seconds(2);
  static constexpr std::uint8_t kAnnouncements = 2;
  static constexpr base::Duration kAnnounceInterval = base::Duration::seconds(2);
  static constexpr base::Duration kDefendInterval = base::Duration::seconds(10);
  static constexpr base::Duration kRateLimitInterval = base::Duration::seconds(60);

  // With `probes` the addresses are probed for before they are announced; without, they are taken
  // for announced. The subnets outlive the object, which says which of their addresses are used.
  Ipv4Claims(Ipv4Subnets& subnets, const base::MacAddress& mac, bool probes);

  enum class Step : std::uint8_t { kProbe, kAnnounce };
  // Calls act(step, address) for what is due.
  template <typename Act>
  void advance(base::Instant now, const Act& act) {
    if (now < next_deadline_) return;
    next_deadline_ = base::Instant::never();
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      if (claims_[i].deadline <= now) act(step(now, i), subnets_.addresses()[i].address);
      next_deadline_ = std::min(next_deadline_, claims_[i].deadline);
    }
  }
  [[nodiscard]] base::Instant next_deadline() const { return next_deadline_; }

  // Nobody is known to have it, but it has not been announced yet.
  [[nodiscard]] bool is_probing(base::Ipv4Address ours) const;

  // Another node has one of our addresses, or while we probe for it is about to.
  enum class Answer : std::uint8_t {
    kGiveUp,  // it has just ceased to be used
    kDefend,  // to be announced again
    kEndure,  // it is known already, or was defended a moment ago
  };
  Answer on_conflict(base::Instant now, base::Ipv4Address ours);

 private:
  struct Claim {
    std::uint8_t sent = 0;         // probes, then announcements
    base::Instant deadline;        // of the next one
    base::Instant endure_until{};  // no defence before
  };
  Step step(base::Instant now, std::size_t i);
  [[nodiscard]] std::size_t index_of(base::Ipv4Address ours) const;

  Ipv4Subnets& subnets_;
  std::vector<Claim> claims_;  // of the subnets' addresses, in their order
  base::Duration probe_interval_;
  base::Instant next_deadline_;
};

}  // namespace sluice::net
