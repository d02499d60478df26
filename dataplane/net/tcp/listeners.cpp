#include "dataplane/net/tcp/listeners.hpp"

#include <bit>

#include "base/bytes.hpp"

namespace sluice::net::tcp {

base::IpAddress unspecified(base::AddressFamily family) {
  if (family == base::AddressFamily::kIpv4) return base::Ipv4Address{};
  return base::Ipv6Address{};
}

base::Result<ListenerId, ListenError> Listeners::add(const base::SocketAddress& local) {
  if (find_exact(local)) return base::Unexpected{ListenError::kAddressInUse};
  std::size_t slot = 0;
  while (slot < kMax && slots_[slot]) ++slot;
  if (slot == kMax) return base::Unexpected{ListenError::kTooMany};
  slots_[slot] = local;
  const auto listener = static_cast<ListenerId>(slot);
  enter(listener);
  return listener;
}

// All are entered anew: a place that became free could end the search for one behind it.
void Listeners::remove(ListenerId listener) {
  if (listener >= kMax) return;
  slots_[listener].reset();
  places_.fill(kFree);
  for (std::size_t slot = 0; slot < kMax; ++slot) {
    if (slots_[slot]) enter(static_cast<ListenerId>(slot));
  }
}

std::optional<ListenerId> Listeners::find(const base::SocketAddress& local) const {
  if (const auto exact = find_exact(local)) return exact;
  return find_exact({.address = unspecified(local.address.family()), .port = local.port});
}

// Needs no key: whoever listens is configured, and the peers choose only what is searched for.
std::size_t Listeners::first_place(const base::SocketAddress& local) {
  constexpr std::uint64_t kGoldenRatio = 0x9e37'79b9'7f4a'7c15;
  const auto* octets = local.address.octets().data();
  std::uint64_t hash = (base::load_be<std::uint64_t>(octets) ^ local.port) * kGoldenRatio;
  hash ^= hash >> 32;
  hash = (hash ^ base::load_be<std::uint64_t>(octets + 8)) * kGoldenRatio;
  return static_cast<std::size_t>(hash >> (64 - std::countr_zero(kPlaces)));
}

std::optional<ListenerId> Listeners::find_exact(const base::SocketAddress& local) const {
  for (std::size_t place = first_place(local); places_[place] != kFree;
       place = (place + 1) % kPlaces) {
    if (slots_[places_[place]] == local) return places_[place];
  }
  return std::nullopt;
}

void Listeners::enter(ListenerId listener) {
  std::size_t place = first_place(*slots_[listener]);
  while (places_[place] != kFree) place = (place + 1) % kPlaces;
  places_[place] = listener;
}

}  // namespace sluice::net::tcp
