#include "dataplane/net/tcp/path_mtu_cache.hpp"

#include <algorithm>

namespace sluice::net::tcp {

using base::Instant;
using base::IpAddress;

std::size_t PathMtuCache::first_of_set(const IpAddress& destination) const {
  return key_.hash<1, 3>(destination.ipv6().octets) % kSets * kWays;
}

const PathMtuCache::Entry* PathMtuCache::entry_of(Instant now, const IpAddress& destination) const {
  if (now >= last_ends_) return nullptr;
  for (const Entry& entry : std::span(entries_).subspan(first_of_set(destination), kWays)) {
    if (entry.known.until > now && entry.destination == destination) return &entry;
  }
  return nullptr;
}

std::optional<PathMtuCache::Known> PathMtuCache::find(Instant now,
                                                      const IpAddress& destination) const {
  const Entry* entry = entry_of(now, destination);
  if (entry == nullptr) return std::nullopt;
  return entry->known;
}

// A full set forgets what would be forgotten first.
void PathMtuCache::lower(Instant now, const IpAddress& destination, std::uint16_t mtu) {
  const Entry* known = entry_of(now, destination);
  const auto set = std::span(entries_).subspan(first_of_set(destination), kWays);
  const auto ends = [](const Entry& entry) { return entry.known.until; };
  Entry& entry = known != nullptr ? set[static_cast<std::size_t>(known - set.data())]
                                  : *std::ranges::min_element(set, {}, ends);
  const std::uint16_t least = known != nullptr ? std::min(known->known.mtu, mtu) : mtu;
  entry = {.destination = destination, .known = {.mtu = least, .until = now + kLifetime}};
  last_ends_ = entry.known.until;
}

void PathMtuCache::raise(Instant now, const IpAddress& destination, std::uint16_t mtu) {
  const Entry* known = entry_of(now, destination);
  if (known == nullptr || known->known.mtu >= mtu) return;
  entries_[static_cast<std::size_t>(known - entries_.data())].known.mtu = mtu;
}

}  // namespace sluice::net::tcp
