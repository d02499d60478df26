#include "dataplane/net/ipv4_claims.hpp"

#include <algorithm>

namespace sluice::net {

using base::Instant;

namespace {

// RFC 5227 2.1.1 wants hosts that start together not to probe together; their MACs differ.
base::Duration interval_of(const base::MacAddress& mac) {
  const auto spread = std::to_integer<std::int64_t>(mac.octets.back());
  return Ipv4Claims::kProbeMin + (Ipv4Claims::kProbeMax - Ipv4Claims::kProbeMin) * spread / 256;
}

}  // namespace

Ipv4Claims::Ipv4Claims(Ipv4Subnets& subnets, const base::MacAddress& mac, bool probes)
    : subnets_(subnets),
      claims_(subnets.addresses().size()),
      probe_interval_(interval_of(mac)),
      next_deadline_(Instant::never()) {
  if (probes && !claims_.empty()) {
    next_deadline_ = Instant{};
    return;
  }
  for (Claim& claim : claims_) {
    claim = {.sent = kProbes + kAnnouncements, .deadline = Instant::never()};
  }
}

std::size_t Ipv4Claims::index_of(base::Ipv4Address ours) const {
  const auto addresses = subnets_.addresses();
  const auto found = std::ranges::find(addresses, ours, &Ipv4Subnets::Subnet::address);
  return static_cast<std::size_t>(found - addresses.begin());
}

bool Ipv4Claims::is_probing(base::Ipv4Address ours) const {
  return claims_[index_of(ours)].sent <= kProbes;
}

Ipv4Claims::Step Ipv4Claims::step(Instant now, std::size_t i) {
  Claim& claim = claims_[i];
  ++claim.sent;
  if (claim.sent <= kProbes) {
    claim.deadline = now + (claim.sent < kProbes ? probe_interval_ : kAnnounceWait);
    return Step::kProbe;
  }
  subnets_.addresses()[i].assigned = true;
  const bool last = claim.sent == kProbes + kAnnouncements;
  claim.deadline = last ? Instant::never() : now + kAnnounceInterval;
  return Step::kAnnounce;
}

// RFC 5227 2.1.1 while it is probed for, 2.4(c) afterwards: a server does not give up an address
// that it has been using, and defends it no more often than every ten seconds.
Ipv4Claims::Answer Ipv4Claims::on_conflict(Instant now, base::Ipv4Address ours) {
  const std::size_t i = index_of(ours);
  Claim& claim = claims_[i];
  if (claim.sent > kProbes) {
    if (now < claim.endure_until) return Answer::kEndure;
    claim.endure_until = now + kDefendInterval;
    return Answer::kDefend;
  }
  bool& assigned = subnets_.addresses()[i].assigned;
  const bool was_used = assigned;
  assigned = false;
  claim.sent = 0;
  claim.deadline = now + kRateLimitInterval;
  next_deadline_ = std::min(next_deadline_, claim.deadline);
  return was_used ? Answer::kGiveUp : Answer::kEndure;
}

}  // namespace sluice::net
