// The server: one thread, one poll() loop over the listening sockets and the connections.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "control/admin/http.hpp"

namespace sluice::control {
namespace {

using Clock = std::chrono::steady_clock;

// After a failed accept() (out of descriptors, say) the listeners rest for this long.
constexpr std::chrono::milliseconds kAcceptPause{100};

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Internal Server Error";
  }
}

std::string serialise(const HttpResponse& response) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n{}",
      response.status, reason_phrase(response.status), response.content_type, response.body.size(),
      response.status == 405 ? "Allow: GET\r\n" : "", response.body);
}

HttpResponse failure(int status) {
  return {status, "text/plain", fmt::format("{}\n", reason_phrase(status))};
}

// RFC 9112 3: request-line = method SP request-target SP HTTP-version. The header fields do not
// change what we answer.
HttpResponse answer(std::string_view head, const HttpHandler& handler) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return failure(400);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!line.substr(last + 1).starts_with("HTTP/1.") || !target.starts_with('/')) {
    return failure(400);
  }
  if (line.substr(0, first) != "GET") return failure(405);
  return handler(target.substr(0, target.find('?')));
}

struct Listener {
  FileDescriptor socket;
  HttpHandler handler;
};

// Reads the request, then writes the response.
class Connection {
 public:
  Connection(FileDescriptor socket, const HttpHandler* handler)
      : socket_(std::move(socket)),
        handler_(handler),
        deadline_(Clock::now() + HttpServer::kMaxConnectionTime) {}

  [[nodiscard]] pollfd interest() const {
    return {socket_.value(), static_cast<short>(response_.empty() ? POLLIN : POLLOUT), 0};
  }
  [[nodiscard]] bool expired(Clock::time_point now) const { return now >= deadline_; }

  // False when the connection is over.
  bool proceed() {
    if (response_.empty() && !read_request()) return false;
    return response_.empty() || write_response();
  }

 private:
  bool read_request() {
    std::array<char, 2048> buffer;
    const ssize_t got = ::recv(socket_.value(), buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    request_.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = request_.find("\r\n\r\n");
    if (end != std::string::npos) {
      response_ = serialise(answer(std::string_view(request_).substr(0, end), *handler_));
    } else if (request_.size() > HttpServer::kMaxRequest) {
      response_ = serialise(failure(431));
    }
    return true;
  }

  bool write_response() {
    const ssize_t sent = ::send(socket_.value(), response_.data() + written_,
                                response_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    written_ += static_cast<std::size_t>(sent);
    return written_ < response_.size();
  }

  FileDescriptor socket_;
  const HttpHandler* handler_;
  Clock::time_point deadline_;
  std::string request_;
  std::string response_;
  std::size_t written_ = 0;
};

}  // namespace

class HttpServer::Loop {
 public:
  ~Loop() { stop(); }

  void add(FileDescriptor listening, HttpHandler handler) {
    listeners_.push_back({std::move(listening), std::move(handler)});
  }
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    ::eventfd_write(wake_.value(), 1);
    thread_.join();
    connections_.clear();
    listeners_.clear();
  }

 private:
  void run() {
    while (true) {
      std::vector<pollfd> polled = {{wake_.value(), POLLIN, 0}};
      const bool accepting = connections_.size() < kMaxConnections && Clock::now() >= accept_again_;
      for (const Listener& listener : listeners_) {
        polled.push_back({accepting ? listener.socket.value() : -1, POLLIN, 0});
      }
      const std::size_t first_connection = polled.size();
      for (const Connection& connection : connections_) polled.push_back(connection.interest());

      // Wakes up now and then to look at deadlines.
      ::poll(polled.data(), polled.size(), static_cast<int>(kAcceptPause.count()));
      if (polled[0].revents != 0) return;
      serve(std::span(polled).subspan(first_connection));
      for (std::size_t i = 0; i < listeners_.size(); ++i) {
        if (polled[1 + i].revents != 0) accept_from(listeners_[i]);
      }
    }
  }

  // `polled` is parallel to connections_.
  void serve(std::span<const pollfd> polled) {
    const auto now = Clock::now();
    std::vector<Connection> kept;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      Connection& connection = connections_[i];
      if (connection.expired(now)) continue;
      if (polled[i].revents == 0 || connection.proceed()) kept.push_back(std::move(connection));
    }
    connections_ = std::move(kept);
  }

  void accept_from(const Listener& listener) {
    while (connections_.size() < kMaxConnections) {
      FileDescriptor socket(
          ::accept4(listener.socket.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.is_open()) {
        const bool none_left = errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
        if (!none_left) accept_again_ = Clock::now() + kAcceptPause;
        return;
      }
      connections_.emplace_back(std::move(socket), &listener.handler);
    }
  }

  FileDescriptor wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::vector<Listener> listeners_;
  std::vector<Connection> connections_;
  Clock::time_point accept_again_{};
  std::thread thread_;
};

HttpServer::HttpServer() : loop_(std::make_unique<Loop>()) {}
HttpServer::~HttpServer() = default;
HttpServer::HttpServer(HttpServer&&) noexcept = default;
void HttpServer::add(FileDescriptor listening, HttpHandler handler) {
  loop_->add(std::move(listening), std::move(handler));
}
void HttpServer::start() {
  loop_->start();
}
void HttpServer::stop() {
  loop_->stop();
}

}  // namespace sluice::control
