#include "dataplane/proxy/server_group.hpp"

namespace sluice::proxy {

std::optional<ServerGroup::Pick> ServerGroup::pick(base::Instant now, Tried tried) {
  std::optional<std::size_t> longest_dead;
  std::size_t skipped = 0;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const std::size_t server = (next_server_ + i) % servers_.size();
    if ((tried >> server & 1) != 0) continue;
    if (servers_[server].dead_until <= now) {
      next_server_ = server + 1;
      return Pick{.server = server, .skipped = skipped};
    }
    ++skipped;
    if (!longest_dead || servers_[server].dead_until < servers_[*longest_dead].dead_until) {
      longest_dead = server;
    }
  }
  if (!longest_dead) return std::nullopt;
  return Pick{.server = *longest_dead, .skipped = skipped - 1};
}

void ServerGroup::failed(base::Instant now, std::size_t server) {
  servers_[server].dead_until = now + backend_.retry_after;
}

const base::IpAddress& ServerGroup::next_source() {
  next_source_ = (next_source_ + 1) % backend_.source_addresses.size();
  return backend_.source_addresses[next_source_];
}

}  // namespace sluice::proxy
