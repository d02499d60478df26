// As much of HTTP/1.1 (RFC 9112) as the admin API speaks: one GET per connection, answered with a
// Content-Length and closed. The server is one thread that polls all its sockets; the number of
// connections, the size of a request and the time that a peer may take are bounded, so that no
// client holds up another for good.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "control/file_descriptor.hpp"

namespace sluice::control {

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
};

// Called in the server's thread with the request's path.
using HttpHandler = std::function<HttpResponse(std::string_view path)>;

class HttpServer {
 public:
  static constexpr std::size_t kMaxConnections = 32;
  static constexpr std::size_t kMaxRequest = 8192;  // bytes, head only
  static constexpr std::chrono::seconds kMaxConnectionTime{10};

  HttpServer();
  ~HttpServer();  // stops
  HttpServer(HttpServer&&) noexcept;

  // Serves a listening, non-blocking socket. Before start().
  void add(FileDescriptor listening, HttpHandler handler);
  void start();
  // Ends the thread and closes all sockets.
  void stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

// A request to a server on a Unix socket. The error is one line.
[[nodiscard]] base::Result<HttpResponse, std::string> http_get(const std::string& socket_path,
                                                               std::string_view target,
                                                               std::chrono::seconds timeout);

}  // namespace sluice::control
