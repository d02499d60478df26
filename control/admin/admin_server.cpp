#include "control/admin/admin_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace sluice::control {
namespace {

constexpr int kBacklog = 16;

base::Result<FileDescriptor, std::string> listen_tcp(const base::SocketAddress& address) {
  const bool is_ipv4 = address.address.is_ipv4();
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(address.port);
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(address.port);
  if (is_ipv4) {
    ipv4.sin_addr.s_addr = htonl(address.address.ipv4().value);
  } else {
    std::memcpy(&ipv6.sin6_addr, address.address.ipv6().octets.data(), sizeof ipv6.sin6_addr);
  }
  const auto* local =
      is_ipv4 ? reinterpret_cast<const sockaddr*>(&ipv4) : reinterpret_cast<const sockaddr*>(&ipv6);
  const socklen_t local_size = is_ipv4 ? sizeof ipv4 : sizeof ipv6;
  FileDescriptor socket(::socket(local->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket.is_open() ||
      ::setsockopt(socket.value(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.value(), local, local_size) != 0 || ::listen(socket.value(), kBacklog) != 0) {
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
