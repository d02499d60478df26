// What one worker's proxy is told to be: the routes of each listener and the servers behind them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "tls/server/policy.hpp"

namespace sluice::proxy {

struct Route {
  std::vector<std::string> server_names;  // lower case; exact or "*.name"; empty matches everything
  std::shared_ptr<const tls::ServerPolicy> policy;
  std::size_t backend = 0;  // index into ProxySettings::backends
  base::Duration handshake_timeout = base::Duration::seconds(5);
  base::Duration idle_timeout = base::Duration::seconds(300);
};

struct Listener {
  base::SocketAddress address;
  base::Duration handshake_timeout = base::Duration::seconds(5);  // until a route is known
  std::vector<Route> routes;
};

struct Backend {
  std::string name;
  std::vector<base::SocketAddress> servers;
  std::vector<base::IpAddress> source_addresses;
  base::Duration connect_timeout = base::Duration::seconds(3);
  base::Duration retry_after = base::Duration::seconds(2);  // a dead server is passed over so long
};

struct ProxySettings {
  std::vector<Listener> listeners;
  std::vector<Backend> backends;
  std::size_t max_sessions = 32768;
  std::size_t max_handshakes = 8192;
};

}  // namespace sluice::proxy
