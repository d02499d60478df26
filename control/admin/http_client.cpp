// The client: one request, one answer, over a blocking socket with a time limit.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "control/admin/http.hpp"
#include "control/admin/unix_socket.hpp"
#include "control/config/values.hpp"

namespace sluice::control {
namespace {

// The largest response that is believed.
constexpr std::size_t kMaxResponse = std::size_t{64} << 20;

std::string why() {
  return std::generic_category().message(errno);
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Until the server closes.
base::Result<std::string, std::string> receive_all(int socket) {
  std::string text;
  std::array<char, 16384> buffer;
  while (text.size() <= kMaxResponse) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      return base::Unexpected{std::string("the daemon does not answer")};
    }
    if (got < 0) return base::Unexpected{why()};
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return base::Unexpected{std::string("the answer is too long")};
}

// The server is ours (http_server.cpp) and writes its header fields in one way.
std::optional<HttpResponse> parse_response(std::string_view text) {
  static constexpr std::string_view kVersion = "HTTP/1.1 ";
  static constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with(kVersion) || end == std::string_view::npos) return std::nullopt;
  const std::string_view head = text.substr(0, end + 2);
  const std::string_view body = text.substr(end + 4);
  const auto status = parse_count(head.substr(kVersion.size(), 3));
  const std::size_t length_at = head.find(kLength);
  if (!status || length_at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = head.substr(length_at + kLength.size());
  if (parse_count(rest.substr(0, rest.find("\r\n"))) != body.size()) return std::nullopt;
  return HttpResponse{static_cast<int>(*status), "", std::string(body)};
}

}  // namespace

base::Result<HttpResponse, std::string> http_get(const std::string& socket_path,
                                                 std::string_view target,
                                                 std::chrono::seconds timeout) {
  TRY_ASSIGN(const FileDescriptor socket, connect_unix(socket_path));
  const timeval limit{.tv_sec = timeout.count(), .tv_usec = 0};
  ::setsockopt(socket.value(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.value(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (!send_all(
          socket.value(),
          fmt::format("GET {} HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n", target))) {
    return base::Unexpected{fmt::format("{}: {}", socket_path, why())};
  }
  const auto text = receive_all(socket.value());
  if (!text) return base::Unexpected{fmt::format("{}: {}", socket_path, text.error())};
  auto response = parse_response(*text);
  if (!response) return base::Unexpected{fmt::format("{}: not an answer of sluice's", socket_path)};
  return *std::move(response);
}

}  // namespace sluice::control
