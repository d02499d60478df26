#include "dataplane/net/tcp/listeners.hpp"

#include <algorithm>

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
  used_ = std::max(used_, slot + 1);
  return static_cast<ListenerId>(slot);
}

void Listeners::remove(ListenerId listener) {
  if (listener < kMax) slots_[listener].reset();
}

std::optional<ListenerId> Listeners::find(const base::SocketAddress& local) const {
  if (const auto exact = find_exact(local)) return exact;
  return find_exact({.address = unspecified(local.address.family()), .port = local.port});
}

std::optional<ListenerId> Listeners::find_exact(const base::SocketAddress& local) const {
  for (std::size_t i = 0; i < used_; ++i) {
    if (slots_[i] == local) return static_cast<ListenerId>(i);
  }
  return std::nullopt;
}

}  // namespace sluice::net::tcp
