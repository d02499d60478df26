// The admin API: GET /status as JSON on the daemon's Unix socket, and GET /metrics for Prometheus
// there and, where configured, on a TCP address of the host's kernel.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "control/admin/http.hpp"
#include "control/admin/status.hpp"
#include "control/admin/unix_socket.hpp"
#include "control/config/configuration.hpp"

namespace sluice::control {

class AdminServer {
 public:
  // Claims the addresses, so that a second daemon fails early. Nothing is answered before start().
  static base::Result<AdminServer, std::string> open(const AdminConfiguration& configuration);

  // `status` is called in the server's thread.
  void start(const std::function<Status()>& status);
  // Ends the thread; the socket's file is removed when the object dies.
  void stop() { server_.stop(); }

 private:
  explicit AdminServer(UnixListener unix_listener);
  UnixListener unix_listener_;
  FileDescriptor metrics_socket_;  // not open when not configured
  HttpServer server_;
};

}  // namespace sluice::control
