// The kernel's TCP at the other end of the tap: an echo server as the backend, and clients.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include "base/address.hpp"

namespace sluice::test {

// Echoes each connection's bytes back until its end, one thread for all of them.
class EchoServer {
 public:
  // Listening when the constructor returns, if listening() says so.
  explicit EchoServer(const base::SocketAddress& address);
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  [[nodiscard]] bool listening() const { return listener_ >= 0; }

 private:
  void serve(const std::stop_token& stop);
  int listener_ = -1;
  std::jthread thread_;
};

struct EchoJob {
  base::SocketAddress server;
  std::size_t connections = 1;  // at the same time
  std::size_t bytes = 1024;     // through each, there and back
  std::uint32_t seed = 1;
};

// Sends pseudo-random bytes through every connection, half-closes it and compares what comes back
// up to its end. Empty when all was well, else what went wrong first.
[[nodiscard]] std::string run_echo_clients(const EchoJob& job);

}  // namespace sluice::test
