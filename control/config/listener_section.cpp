// listeners: where clients arrive, and the routes that their ClientHello chooses from.
#include <fmt/format.h>

#include <algorithm>

#include "control/config/reading.hpp"
#include "control/config/server_name.hpp"
#include "control/config/suggestion.hpp"

namespace sluice::control {
namespace {

using base::Duration;
using tls::CipherSuite;
using tls::NamedGroup;

constexpr KnownName kListenerKeys[] = {
    {"name"}, {"address"}, {"timeouts"}, {"routes"}, {"unknown_sni"}, {"proxy_protocol", false},
};
constexpr KnownName kRouteKeys[] = {
    {"match"},
    {"mode"},
    {"alpn"},
    {"suites"},
    {"groups"},
    {"certificates"},
    {"backend"},
    {"timeouts"},
    {"paths", false},
    {"early_data", false},
    {"tickets", false},
    {"max_early_data", false},
    {"client_certificates", false},
};
constexpr KnownName kMatchKeys[] = {{"sni"},
                                    {"alpn", false},
                                    {"suites", false},
                                    {"groups", false},
                                    {"versions", false},
                                    {"signature_algorithms", false},
                                    {"early_data", false},
                                    {"peer", false},
                                    {"ja4", false}};
constexpr KnownName kTimeoutKeys[] = {{"handshake"}, {"idle"}, {"request", false}};
constexpr KnownName kModes[] = {{"tcp"}, {"http", false}, {"passthrough", false}};
constexpr KnownName kUnknownSni[] = {{"default"}, {"refuse"}};

constexpr KnownName kSuiteNames[] = {
    {"TLS_AES_128_GCM_SHA256"}, {"TLS_AES_256_GCM_SHA384"}, {"TLS_CHACHA20_POLY1305_SHA256"}};
constexpr CipherSuite kSuites[] = {CipherSuite::TLS_AES_128_GCM_SHA256,
                                   CipherSuite::TLS_AES_256_GCM_SHA384,
                                   CipherSuite::TLS_CHACHA20_POLY1305_SHA256};
constexpr KnownName kGroupNames[] = {
    {"x25519"}, {"secp256r1"}, {"secp384r1", false}, {"X25519MLKEM768", false}};
constexpr NamedGroup kGroups[] = {NamedGroup::x25519, NamedGroup::secp256r1};

constexpr std::size_t kMaxListeners = 64;
constexpr std::size_t kMaxRoutes = 1024;       // per listener
constexpr std::size_t kMaxNames = 1024;        // per route
constexpr std::size_t kMaxAlpn = 16;           // per route
constexpr std::size_t kMaxCertificates = 256;  // per route
constexpr Bounds<Duration> kHandshakeBounds = {Duration::milliseconds(100), Duration::seconds(300)};
constexpr Bounds<Duration> kIdleBounds = {Duration::milliseconds(100),
                                          Duration::seconds(7 * 86400)};

struct Timeouts {
  Duration handshake = RouteConfiguration{}.handshake_timeout;
  Duration idle = RouteConfiguration{}.idle_timeout;
};

void read_timeouts(const Section& section, Reading& reading, Timeouts& timeouts) {
  const Node* node = section.find("timeouts");
  if (node == nullptr) return;
  const Section keys(*node, "timeouts", kTimeoutKeys, reading.problems);
  keys.duration("handshake", kHandshakeBounds, timeouts.handshake);
  keys.duration("idle", kIdleBounds, timeouts.idle);
}

// Server names of a listener's routes so far, to find those that could never match.
struct MatchedName {
  std::string name;  // empty: everything
  Location where;
};

void add_server_name(const Node& item, Reading& reading, std::vector<MatchedName>& matched,
                     RouteConfiguration& route) {
  static constexpr std::string_view kExpected =
      "a host name such as www.shop.example, in which a \"*\" may stand for the left-most label";
  const std::string* text = item_text(item, "sni", kExpected, reading.problems);
  if (text == nullptr) return;
  const auto name = parse_server_name(*text);
  if (!name) {
    reading.problems.add(
        item.where, fmt::format("sni: \"{}\" is not a server name; expected {}", *text, kExpected));
    return;
  }
  const auto earlier = std::ranges::find(matched, *name, &MatchedName::name);
  if (earlier != matched.end()) {
    reading.problems.add(item.where, fmt::format("sni: \"{}\" is already matched on line {}; "
                                                 "expected a name that no other route has",
                                                 *name, earlier->where.line));
    return;
  }
  matched.push_back({*name, item.where});
  route.server_names.push_back(*name);
}

void read_match(const Section& section, Reading& reading, std::vector<MatchedName>& matched,
                RouteConfiguration& route) {
  const Node* match = section.find("match");
  if (match != nullptr) {
    const Section keys(*match, "match", kMatchKeys, reading.problems);
    const Node* sni = keys.require("sni", "a server name, or a list of them");
    if (sni != nullptr && sni->is_sequence()) {
      keys.list("sni", kMaxNames, "server names",
                [&](const Node& item) { add_server_name(item, reading, matched, route); });
    } else if (sni != nullptr) {
      add_server_name(*sni, reading, matched, route);
    }
    return;
  }
  const auto earlier = std::ranges::find(matched, "", &MatchedName::name);
  if (earlier != matched.end()) {
    reading.problems.add(section.where(),
                         fmt::format("a route without match takes what no other route does, and "
                                     "there already is one on line {}; expected a match",
                                     earlier->where.line));
  }
  matched.push_back({"", section.where()});
}

// Items that are each one of a fixed set of names, in the order of our preference.
template <typename Value>
void read_preferences(const Section& section, std::string_view key,
                      std::span<const KnownName> names, std::span<const Value> values,
                      Problems& problems, std::vector<Value>& target) {
  if (section.find(key) == nullptr) return;
  target.clear();
  section.list(key, names.size(), "names in the order of preference", [&](const Node& item) {
    const auto choice = read_choice(item, key, names, problems);
    if (!choice) return;
    if (std::ranges::find(target, values[*choice]) != target.end()) {
      problems.add(item.where, fmt::format("{}: {} stands in the list twice; expected it once", key,
                                           item.text));
    } else {
      target.push_back(values[*choice]);
    }
  });
}

void read_alpn(const Section& section, Reading& reading, RouteConfiguration& route) {
  static constexpr std::string_view kExpected = "a protocol of 1 to 32 bytes, such as http/1.1";
  section.list("alpn", kMaxAlpn, kExpected, [&](const Node& item) {
    const std::string* text = item_text(item, "alpn", kExpected, reading.problems);
    if (text == nullptr) return;
    if (text->size() > tls::kMaxAlpnSize) {
      reading.problems.add(item.where, fmt::format("alpn: a protocol of {} bytes; expected {}",
                                                   text->size(), kExpected));
    } else if (std::ranges::find(route.alpn, *text) != route.alpn.end()) {
      reading.problems.add(
          item.where,
          fmt::format("alpn: \"{}\" stands in the list twice; expected it once", *text));
    } else {
      route.alpn.push_back(*text);
    }
  });
}

void read_backend_name(const Section& section, Reading& reading,
                       const std::vector<run::BackendSettings>& backends,
                       RouteConfiguration& route) {
  static constexpr std::string_view kExpected = "the name of one of the backends";
  const Node* node = section.require("backend", kExpected);
  if (node == nullptr) return;
  const std::string* name = item_text(*node, "backend", kExpected, reading.problems);
  if (name == nullptr) return;
  const auto found = std::ranges::find(backends, *name, &run::BackendSettings::name);
  if (found != backends.end()) {
    route.backend = static_cast<std::size_t>(found - backends.begin());
  } else if (reading.backends_complete) {
    std::vector<std::string_view> names;
    for (const auto& backend : backends) names.push_back(backend.name);
    reading.problems.add(node->where,
                         fmt::format("backend: there is no backend \"{}\"; expected {}{}", *name,
                                     kExpected, did_you_mean(*name, names)));
  }
}

RouteConfiguration read_route(const Node& node, Reading& reading,
                              const std::vector<run::BackendSettings>& backends, Timeouts timeouts,
                              std::vector<MatchedName>& matched) {
  RouteConfiguration route;
  const Section section(node, "a route", kRouteKeys, reading.problems);
  if (!node.is_map()) return route;
  read_match(section, reading, matched, route);
  if (const Node* mode = section.require("mode", "mode: tcp")) {
    (void)read_choice(*mode, "mode", kModes, reading.problems);
  }
  read_alpn(section, reading, route);
  read_preferences<CipherSuite>(section, "suites", kSuiteNames, kSuites, reading.problems,
                                route.suites);
  read_preferences<NamedGroup>(section, "groups", kGroupNames, kGroups, reading.problems,
                               route.groups);
  static constexpr std::string_view kCertificatesExpected = "names of certificates";
  section.list("certificates", kMaxCertificates, kCertificatesExpected, [&](const Node& item) {
    const auto* name = item_text(item, "certificates", kCertificatesExpected, reading.problems);
    if (name != nullptr) route.certificates.push_back({*name, item.where});
  });
  read_backend_name(section, reading, backends, route);
  read_timeouts(section, reading, timeouts);
  route.handshake_timeout = timeouts.handshake;
  route.idle_timeout = timeouts.idle;
  return route;
}

// What becomes of a client whose name no route matches, or that sends none: it is refused, which
// `refuse` only says expressly, or `default` sends it to the first route. Where a route without
// match takes all names anyway, `default` changes nothing and `refuse` is a contradiction.
void apply_unknown_sni(const Section& section, Reading& reading,
                       std::vector<RouteConfiguration>& routes) {
  const Node* node = section.find("unknown_sni");
  if (node == nullptr || routes.empty()) return;
  const auto choice = read_choice(*node, "unknown_sni", kUnknownSni, reading.problems);
  if (!choice) return;
  const bool has_default =
      std::ranges::any_of(routes, [](const auto& route) { return route.server_names.empty(); });
  if (*choice == 1 && has_default) {
    reading.problems.add(node->where,
                         "unknown_sni: a route without match takes every name, so that none can be "
                         "refused; expected default, or a match in every route");
  } else if (*choice == 0 && !has_default) {
    RouteConfiguration fallback = routes.front();
    fallback.server_names.clear();
    routes.push_back(std::move(fallback));
  }
}

void read_listener_name(const Section& section, Reading& reading,
                        const std::vector<ListenerConfiguration>& listeners,
                        ListenerConfiguration& listener) {
  const Node* node = section.require("name", kNameExpected);
  if (node == nullptr) return;
  const std::string* text = item_text(*node, "name", kNameExpected, reading.problems);
  if (text == nullptr) return;
  listener.name = *text;
  if (!is_legal_name(*text)) {
    reading.problems.add(
        node->where, fmt::format("name: \"{}\" is not a name; expected {}", *text, kNameExpected));
  } else if (std::ranges::find(listeners, *text, &ListenerConfiguration::name) != listeners.end()) {
    reading.problems.add(node->where,
                         fmt::format("name: there is already a listener \"{}\"; expected another "
                                     "name",
                                     *text));
  }
}

void read_listener_address(const Section& section, Reading& reading,
                           const std::vector<ListenerConfiguration>& listeners,
                           const std::vector<run::PortSettings>& ports,
                           ListenerConfiguration& listener) {
  const Node* node = section.require("address", "an address and a port, such as 198.18.0.2:443");
  if (node == nullptr) return;
  const auto address = read_endpoint(*node, "address", reading.problems);
  if (!address) return;
  listener.address = *address;
  const auto same = std::ranges::find(listeners, *address, &ListenerConfiguration::address);
  if (same != listeners.end()) {
    reading.problems.add(node->where,
                         fmt::format("address: listener \"{}\" already has {}; expected another",
                                     same->name, address->to_string()));
  } else if (reading.ports_complete && owner_of(address->address, ports) == nullptr) {
    reading.problems.add(
        node->where, fmt::format("address: no port has the address {}; expected one of a port's "
                                 "addresses",
                                 address->address.to_string()));
  }
}

ListenerConfiguration read_listener(const Node& node, Reading& reading,
                                    const Configuration& configuration,
                                    const std::vector<ListenerConfiguration>& listeners) {
  static constexpr std::string_view kRoutesExpected = "at least one route with mode and backend";
  ListenerConfiguration listener;
  const Section section(node, "a listener", kListenerKeys, reading.problems);
  read_listener_name(section, reading, listeners, listener);
  read_listener_address(section, reading, listeners, configuration.dataplane.ports, listener);
  Timeouts timeouts;
  read_timeouts(section, reading, timeouts);
  listener.handshake_timeout = timeouts.handshake;
  (void)section.require("routes", kRoutesExpected);
  std::vector<MatchedName> matched;
  section.list("routes", kMaxRoutes, kRoutesExpected, [&](const Node& item) {
    listener.routes.push_back(read_route(item, reading, configuration.backends, timeouts, matched));
  });
  apply_unknown_sni(section, reading, listener.routes);
  return listener;
}

}  // namespace

void read_listeners(const Section& root, Reading& reading, const Configuration& configuration,
                    std::vector<ListenerConfiguration>& listeners) {
  static constexpr std::string_view kExpected =
      "at least one listener with name, address and routes";
  (void)root.require("listeners", kExpected);
  root.list("listeners", kMaxListeners, kExpected, [&](const Node& item) {
    listeners.push_back(read_listener(item, reading, configuration, listeners));
  });
}

}  // namespace sluice::control
