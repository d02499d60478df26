// One backend as a worker sees it: which server and which of our addresses the next connection
// takes. Round robin over the servers; one that failed is passed over for a while.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/limits.hpp"
#include "base/time.hpp"
#include "dataplane/proxy/settings.hpp"

namespace sluice::proxy {

class ServerGroup {
 public:
  // What one session has tried, a bit per server.
  using Tried = std::uint64_t;
  static_assert(base::limits::kMaxServersPerBackend <= std::numeric_limits<Tried>::digits);

  // Precondition: the backend has 1 to kMaxServersPerBackend servers.
  explicit ServerGroup(const Backend& backend)
      : backend_(backend), servers_(backend.servers.size()) {}

  struct Pick {
    std::size_t server;
    std::size_t skipped;  // dead servers passed over
  };
  // The next server that the session has not tried and that is not known to be dead; when all those
  // left are dead, the one that has been so longest. Nothing when all were tried.
  [[nodiscard]] std::optional<Pick> pick(base::Instant now, Tried tried);
  // A connection to the server failed: pass it over until retry_after has gone by.
  void failed(base::Instant now, std::size_t server);
  void succeeded(std::size_t server) { servers_[server].dead_until = base::Instant(); }

  // Our address for the next connection; they take turns.
  [[nodiscard]] const base::IpAddress& next_source();
  [[nodiscard]] const Backend& settings() const { return backend_; }

 private:
  struct Server {
    base::Instant dead_until;
  };
  Backend backend_;
  std::vector<Server> servers_;
  std::size_t next_server_ = 0;
  std::size_t next_source_ = 0;
};

}  // namespace sluice::proxy
