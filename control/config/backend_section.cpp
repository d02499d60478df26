// backends: where plaintext goes, and from which addresses.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"
#include "control/config/host_address.hpp"
#include "control/config/reading.hpp"

namespace sluice::control {
namespace {

using base::Duration;
using run::PortSettings;

constexpr KnownName kBackendKeys[] = {
    {"servers"},     {"source_addresses"}, {"balance"},    {"connect_timeout"},
    {"retry_after"}, {"health", false},    {"tls", false}, {"proxy_protocol", false},
};
constexpr KnownName kBalances[] = {{"round_robin"}, {"least_connections", false}};

constexpr std::size_t kMaxBackends = 256;
constexpr std::size_t kMaxSourceAddresses = 256;  // per backend
constexpr Bounds<Duration> kConnectTimeoutBounds = {Duration::milliseconds(10),
                                                    Duration::seconds(120)};
constexpr Bounds<Duration> kRetryBounds = {Duration{}, Duration::seconds(3600)};

bool are_alike(const base::IpAddress& one, const base::IpAddress& other) {
  return one.family() == other.family();
}

// Whether what is for beyond the networks of this family leaves the port from this address.
bool leads_to_gateway(const PortSettings& port, const base::AddressPrefix& prefix) {
  if (prefix.address.is_ipv4()) return port.gateway && prefix.contains(*port.gateway);
  if (!port.ipv6_gateway) return false;
  return prefix.contains(*port.ipv6_gateway) ||
         (is_link_local(*port.ipv6_gateway) && !is_link_local(prefix.address));
}

// The port's address to speak from to a router on its link; null where there is none.
const base::AddressPrefix* source_towards_router(const base::IpAddress& router,
                                                 const PortSettings& port) {
  const auto found = std::ranges::find_if(port.addresses, [&](const base::AddressPrefix& prefix) {
    return prefix.contains(router) || (are_alike(prefix.address, router) && is_link_local(router) &&
                                       !is_link_local(prefix.address));
  });
  return found != port.addresses.end() ? &*found : nullptr;
}

// Our own address in the narrowest network that holds the remote one, or towards the router of a
// narrower one, else in the network of a gateway; nothing when no port leads there.
std::optional<base::IpAddress> source_towards(const base::IpAddress& remote,
                                              const std::vector<PortSettings>& ports) {
  const base::AddressPrefix* best = nullptr;
  unsigned length = 0;
  for (const PortSettings& port : ports) {
    for (const base::AddressPrefix& prefix : port.addresses) {
      if (!prefix.contains(remote) || (best != nullptr && prefix.length <= length)) continue;
      best = &prefix;
      length = prefix.length;
    }
  }
  // No router forwards what is for a link-local address, nor an answer to one.
  if (is_link_local(remote)) return best != nullptr ? std::optional(best->address) : std::nullopt;
  for (const PortSettings& port : ports) {
    for (const base::StaticRoute& route : port.routes) {
      if (!route.to.contains(remote) || (best != nullptr && route.to.length <= length)) continue;
      const base::AddressPrefix* source = source_towards_router(route.via, port);
      if (source == nullptr) continue;
      best = source;
      length = route.to.length;
    }
  }
  if (best != nullptr) return best->address;
  for (const PortSettings& port : ports) {
    for (const base::AddressPrefix& prefix : port.addresses) {
      if (are_alike(prefix.address, remote) && leads_to_gateway(port, prefix))
        return prefix.address;
    }
  }
  return std::nullopt;
}

void read_server(const Node& item, Reading& reading, const std::vector<PortSettings>& ports,
                 run::BackendSettings& backend) {
  const auto server = read_endpoint(item, "servers", reading.problems);
  if (!server) return;
  if (std::ranges::find(backend.servers, *server) != backend.servers.end()) {
    reading.problems.add(
        item.where,
        fmt::format("servers: {} stands in the list twice; expected it once", server->to_string()));
    return;
  }
  if (!backend.servers.empty() && !are_alike(backend.servers.front().address, server->address)) {
    reading.problems.add(
        item.where, fmt::format("servers: {} is {} and the first server is not; expected servers "
                                "of one family",
                                server->to_string(), family_name(server->address)));
    return;
  }
  backend.servers.push_back(*server);
  if (!reading.ports_complete) return;
  if (const PortSettings* owner = owner_of(server->address, ports)) {
    reading.problems.add(item.where,
                         fmt::format("servers: {} is an address of port \"{}\" itself; expected "
                                     "another host's",
                                     server->to_string(), owner->name));
  } else if (!source_towards(server->address, ports)) {
    reading.problems.add(
        item.where, fmt::format("servers: no port leads to {}; expected an address in a port's "
                                "network, or a port with a route or a gateway",
                                server->to_string()));
  }
}

void read_source(const Node& item, Reading& reading, const std::vector<PortSettings>& ports,
                 run::BackendSettings& backend) {
  const auto source = read_address(item, "source_addresses", reading.problems);
  if (!source) return;
  if (std::ranges::find(backend.source_addresses, *source) != backend.source_addresses.end()) {
    reading.problems.add(
        item.where, fmt::format("source_addresses: {} stands in the list twice; expected it once",
                                source->to_string()));
  } else if (!backend.servers.empty() && !are_alike(backend.servers.front().address, *source)) {
    reading.problems.add(item.where,
                         fmt::format("source_addresses: {} is {} and the servers are not; expected "
                                     "an address of their family",
                                     source->to_string(), family_name(*source)));
  } else if (reading.ports_complete && owner_of(*source, ports) == nullptr) {
    reading.problems.add(item.where, fmt::format("source_addresses: no port has the address {}; "
                                                 "expected one of a port's addresses",
                                                 source->to_string()));
  }
  backend.source_addresses.push_back(*source);
}

run::BackendSettings read_backend(const Node& name, const Node& node, Reading& reading,
                                  const std::vector<PortSettings>& ports) {
  static constexpr std::string_view kServersExpected = "servers such as [198.18.0.1:8080]";
  run::BackendSettings backend;
  backend.name = name.text;
  if (!is_legal_name(name.text)) {
    reading.problems.add(name.where, fmt::format("backends: \"{}\" is not a name; expected {}",
                                                 name.text, kNameExpected));
  }
  const Section section(node, "a backend", kBackendKeys, reading.problems);
  (void)section.require("servers", kServersExpected);
  section.list("servers", base::limits::kMaxServersPerBackend, kServersExpected,
               [&](const Node& item) { read_server(item, reading, ports, backend); });
  section.list("source_addresses", kMaxSourceAddresses, "addresses of ports",
               [&](const Node& item) { read_source(item, reading, ports, backend); });
  if (backend.source_addresses.empty() && !backend.servers.empty()) {
    const auto source = source_towards(backend.servers.front().address, ports);
    if (source) backend.source_addresses.push_back(*source);
  }
  if (const Node* balance = section.find("balance")) {
    (void)read_choice(*balance, "balance", kBalances, reading.problems);
  }
  section.duration("connect_timeout", kConnectTimeoutBounds, backend.connect_timeout);
  section.duration("retry_after", kRetryBounds, backend.retry_after);
  return backend;
}

}  // namespace

void read_backends(const Node& node, Reading& reading, const run::DataplaneSettings& dataplane,
                   std::vector<run::BackendSettings>& backends) {
  const std::size_t before = reading.problems.count();
  if (!node.is_map() || node.items.empty() || node.items.size() > kMaxBackends) {
    const std::string found = node.is_map() ? fmt::format("{} backends", node.items.size())
                                            : std::string(describe(node.kind));
    reading.problems.add(node.where,
                         fmt::format("backends is {}; expected a map of 1 to {} backends "
                                     "by name",
                                     found, kMaxBackends));
    return;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    backends.push_back(read_backend(node.keys[i], node.items[i], reading, dataplane.ports));
  }
  reading.backends_complete = reading.problems.count() == before;
}

}  // namespace sluice::control
