#include "dataplane/run/routing.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace sluice::run {
namespace {

// Each session is a client's connection and a backend's.
constexpr std::size_t kConnectionsPerSession = 2;

proxy::Route route(const RouteSettings& settings) {
  return {.server_names = settings.server_names,
          .policy = settings.policy,
          .backend = settings.backend,
          .handshake_timeout = settings.handshake_timeout,
          .idle_timeout = settings.idle_timeout};
}

proxy::Listener listener(const ListenerSettings& settings) {
  proxy::Listener listener{.address = settings.address,
                           .handshake_timeout = settings.handshake_timeout};
  for (const RouteSettings& each : settings.routes) listener.routes.push_back(route(each));
  return listener;
}

proxy::Backend backend(const BackendSettings& settings) {
  return {.name = settings.name,
          .servers = settings.servers,
          .source_addresses = settings.source_addresses,
          .connect_timeout = settings.connect_timeout,
          .retry_after = settings.retry_after};
}

}  // namespace

proxy::ProxySettings proxy_settings(const DataplaneSettings& dataplane, const Snapshot& snapshot) {
  proxy::ProxySettings settings;
  for (const ListenerSettings& each : snapshot.listeners) {
    settings.listeners.push_back(listener(each));
  }
  for (const BackendSettings& each : snapshot.backends) settings.backends.push_back(backend(each));
  settings.max_sessions = std::clamp<std::size_t>(
      dataplane.max_connections / kConnectionsPerSession, 1, base::limits::kMaxSessions);
  settings.max_handshakes = std::min(settings.max_handshakes, settings.max_sessions);
  return settings;
}

}  // namespace sluice::run
