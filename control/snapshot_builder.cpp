#include "control/snapshot_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config/suggestion.hpp"

namespace sluice::control {
namespace {

using Certificates = std::vector<std::shared_ptr<const tls::CertifiedKey>>;

const NamedCertificate* look_up(const Reference& reference, const CertificateStore& store,
                                Problems& problems) {
  if (const NamedCertificate* found = store.find(reference.name)) return found;
  std::vector<std::string_view> names;
  for (const auto& certificate : store.certificates) names.push_back(certificate.name);
  problems.add(reference.where,
               fmt::format("there is no certificate \"{}\"; expected the name of a file in the "
                           "certificates' directory, without its extension{}",
                           reference.name, did_you_mean(reference.name, names)));
  return nullptr;
}

// True when the certificate is good for a name that the pattern ("www.x" or "*.x") matches.
bool fits(const tls::CertifiedKey& certificate, const std::string& pattern) {
  if (!pattern.starts_with("*.")) return certificate.covers(pattern);
  const std::string_view domain = std::string_view(pattern).substr(1);
  return std::ranges::any_of(certificate.names(), [&](const std::string& name) {
    const std::size_t dot = name.find('.');
    return dot != std::string::npos && std::string_view(name).substr(dot) == domain;
  });
}

bool fits_route(const tls::CertifiedKey& certificate, const RouteConfiguration& route) {
  return route.server_names.empty() ||
         std::ranges::any_of(route.server_names,
                             [&](const auto& pattern) { return fits(certificate, pattern); });
}

// The handshake takes the first that covers the client's name, else the first. So: what fits the
// route, and the default last; but for a route that takes every name the default comes first.
Certificates choose_certificates(const RouteConfiguration& route, const CertificateStore& store,
                                 const NamedCertificate& fallback, Problems& problems) {
  Certificates chosen;
  for (const Reference& reference : route.certificates) {
    const NamedCertificate* named = look_up(reference, store, problems);
    if (named != nullptr) chosen.push_back(named->key);
  }
  if (!route.certificates.empty()) return chosen;
  if (route.server_names.empty()) chosen.push_back(fallback.key);
  for (const NamedCertificate& certificate : store.certificates) {
    if (certificate.key != fallback.key && fits_route(*certificate.key, route)) {
      chosen.push_back(certificate.key);
    }
  }
  if (!route.server_names.empty()) {
    const auto at = fits_route(*fallback.key, route) ? chosen.begin() : chosen.end();
    chosen.insert(at, fallback.key);
  }
  return chosen;
}

run::RouteSettings build_route(const RouteConfiguration& route, Certificates certificates) {
  tls::ServerPolicy policy;
  policy.certificates = std::move(certificates);
  policy.alpn = route.alpn;
  policy.suites = route.suites;
  policy.groups = route.groups;
  run::RouteSettings settings;
  settings.server_names = route.server_names;
  settings.policy = std::make_shared<const tls::ServerPolicy>(std::move(policy));
  settings.backend = route.backend;
  settings.handshake_timeout = route.handshake_timeout;
  settings.idle_timeout = route.idle_timeout;
  return settings;
}

}  // namespace

std::optional<run::Snapshot> build_snapshot(const Configuration& configuration,
                                            const CertificateStore& store, Problems& problems) {
  const NamedCertificate* fallback = &store.certificates.front();
  if (const auto& named = configuration.certificates.default_certificate) {
    fallback = look_up(*named, store, problems);
    if (fallback == nullptr) return std::nullopt;
  }
  run::Snapshot snapshot;
  snapshot.backends = configuration.backends;
  for (const ListenerConfiguration& listener : configuration.listeners) {
    run::ListenerSettings settings;
    settings.name = listener.name;
    settings.address = listener.address;
    settings.handshake_timeout = listener.handshake_timeout;
    for (const RouteConfiguration& route : listener.routes) {
      settings.routes.push_back(
          build_route(route, choose_certificates(route, store, *fallback, problems)));
    }
    snapshot.listeners.push_back(std::move(settings));
  }
  if (!problems.empty()) return std::nullopt;
  return snapshot;
}

}  // namespace sluice::control
