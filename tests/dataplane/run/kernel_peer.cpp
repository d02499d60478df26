#include "tests/dataplane/run/kernel_peer.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace sluice::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);
constexpr int kPollMilliseconds = 50;

sockaddr_in kernel_address(const base::SocketAddress& address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  in.sin_addr.s_addr = htonl(address.address.ipv4().value);
  return in;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

std::string failure(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// What one connection of the server has read and not yet written back.
struct Echo {
  int socket = -1;
  std::vector<char> pending;
  bool ended = false;  // the peer's half

  [[nodiscard]] short wanted() const {
    constexpr std::size_t kMaxPending = 256 * 1024;
    const bool reads = !ended && pending.size() < kMaxPending;
    return static_cast<short>((reads ? POLLIN : 0) | (pending.empty() ? 0 : POLLOUT));
  }
  // False when the connection is over.
  bool step() {
    std::array<char, 65536> buffer;
    const ssize_t got = ended ? -1 : ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) pending.insert(pending.end(), buffer.begin(), buffer.begin() + got);
    if (got == 0) ended = true;
    if (!ended && got < 0 && !would_block()) return false;
    if (!pending.empty()) {
      const ssize_t sent =
          ::send(socket, pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) pending.erase(pending.begin(), pending.begin() + sent);
      if (sent < 0 && !would_block()) return false;
    }
    return !(ended && pending.empty());
  }
};

// One client connection, non-blocking.
struct Client {
  int socket = -1;
  std::vector<char> bytes;
  std::size_t sent = 0;
  std::size_t received = 0;
  bool done = false;

  [[nodiscard]] short wanted() const {
    return static_cast<short>(POLLIN | (sent < bytes.size() ? POLLOUT : 0));
  }
  std::string step() {
    if (sent < bytes.size()) {
      const ssize_t n =
          ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && !would_block() && errno != ENOTCONN) return failure("send");
      if (n > 0) sent += static_cast<std::size_t>(n);
      if (sent == bytes.size()) ::shutdown(socket, SHUT_WR);
    }
    std::array<char, 65536> buffer;
    const ssize_t n = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) return would_block() || errno == ENOTCONN ? "" : failure("recv");
    if (n == 0) {
      done = true;
      return received == bytes.size() ? "" : "the echo ended early";
    }
    const auto size = static_cast<std::size_t>(n);
    if (size > bytes.size() - received ||
        std::memcmp(buffer.data(), bytes.data() + received, size) != 0) {
      return "the echo differs";
    }
    received += size;
    return "";
  }
};

std::string open_client(Client& client, const EchoJob& job, std::minstd_rand& random) {
  client.bytes.resize(job.bytes);
  std::ranges::generate(client.bytes, [&random] { return static_cast<char>(random()); });
  client.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client.socket < 0) return failure("socket");
  const sockaddr_in server = kernel_address(job.server);
  if (::connect(client.socket, generic(server), sizeof(server)) != 0 && errno != EINPROGRESS) {
    return failure("connect");
  }
  return "";
}

std::string drive(std::vector<Client>& clients) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::ranges::any_of(clients, [](const Client& client) { return !client.done; })) {
    if (std::chrono::steady_clock::now() > deadline) return "timed out";
    std::vector<pollfd> polled;
    for (const Client& client : clients) {
      polled.push_back({.fd = client.done ? -1 : client.socket, .events = client.wanted()});
    }
    (void)::poll(polled.data(), polled.size(), kPollMilliseconds);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (polled[i].revents == 0) continue;
      if (std::string error = clients[i].step(); !error.empty()) {
        return "connection " + std::to_string(i) + ": " + error;
      }
    }
  }
  return "";
}

}  // namespace

EchoServer::EchoServer(const base::SocketAddress& address) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const sockaddr_in local = kernel_address(address);
  if (listener_ < 0 || ::bind(listener_, generic(local), sizeof(local)) != 0 ||
      ::listen(listener_, 1024) != 0) {
    if (listener_ >= 0) ::close(std::exchange(listener_, -1));
    return;
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

EchoServer::~EchoServer() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (listener_ >= 0) ::close(listener_);
}

void EchoServer::serve(const std::stop_token& stop) {
  std::vector<Echo> echoes;
  while (!stop.stop_requested()) {
    std::vector<pollfd> polled{{.fd = listener_, .events = POLLIN}};
    for (const Echo& echo : echoes) polled.push_back({.fd = echo.socket, .events = echo.wanted()});
    (void)::poll(polled.data(), polled.size(), kPollMilliseconds);
    for (std::size_t i = echoes.size(); i-- > 0;) {
      if (polled[i + 1].revents == 0 || echoes[i].step()) continue;
      ::close(echoes[i].socket);
      echoes.erase(echoes.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (polled[0].revents == 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) echoes.push_back({.socket = socket});
  }
  for (const Echo& echo : echoes) ::close(echo.socket);
}

std::string run_echo_clients(const EchoJob& job) {
  std::minstd_rand random(job.seed);
  std::vector<Client> clients(job.connections);
  std::string error;
  for (Client& client : clients) {
    error = open_client(client, job, random);
    if (!error.empty()) break;
  }
  if (error.empty()) error = drive(clients);
  for (const Client& client : clients) {
    if (client.socket >= 0) ::close(client.socket);
  }
  return error;
}

}  // namespace sluice::test
