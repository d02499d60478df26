#include "control/admin/admin_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::control {
namespace {

constexpr int kBacklog = 16;

base::Result<FileDescriptor, std::string> listen_tcp(const base::SocketAddress& address) {
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(address.port);
  local.sin_addr.s_addr = htonl(address.address.ipv4().value);
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket.is_open() ||
      ::setsockopt(socket.value(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.value(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 ||
      ::listen(socket.value(), kBacklog) != 0) {
    return base::Unexpected{fmt::format("cannot serve metrics on {}: {}", address.to_string(),
                                        std::generic_category().message(errno))};
  }
  return socket;
}

HttpResponse metrics_response(const Status& status) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", to_metrics(status)};
}

HttpResponse not_found() {
  return {404, "text/plain", "Not Found\n"};
}

}  // namespace

AdminServer::AdminServer(UnixListener unix_listener) : unix_listener_(std::move(unix_listener)) {}

base::Result<AdminServer, std::string> AdminServer::open(const AdminConfiguration& configuration) {
  auto unix_listener = UnixListener::open(configuration.socket);
  if (!unix_listener) {
    return base::Unexpected{"cannot open the admin socket " + unix_listener.error()};
  }
  AdminServer server(*std::move(unix_listener));
  if (configuration.metrics) {
    TRY_ASSIGN(server.metrics_socket_, listen_tcp(*configuration.metrics));
  }
  return server;
}

void AdminServer::start(const std::function<Status()>& status) {
  server_.add(unix_listener_.take_socket(), [status](std::string_view path) -> HttpResponse {
    if (path == "/status") return {200, "application/json", to_json(status())};
    if (path == "/metrics") return metrics_response(status());
    return not_found();
  });
  if (metrics_socket_.is_open()) {
    server_.add(std::move(metrics_socket_), [status](std::string_view path) {
      return path == "/metrics" ? metrics_response(status()) : not_found();
    });
  }
  server_.start();
}

}  // namespace sluice::control
