// Sockets over the sans-IO stack: the descriptors, what a call does now, and what it returns. No
// call waits: what would have to says EAGAIN and is tried again when something has happened.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "dataplane/net/stack.hpp"
#include "tests/packetdrill/host.hpp"

namespace sluice::packetdrill {

// Of a system call: its value, or an errno.
struct Outcome {
  long value = 0;
  int error = 0;
};
[[nodiscard]] constexpr Outcome failure(int error) {
  return {.value = -1, .error = error};
}

struct Option {
  int level;
  int name;
};

class Sockets {
 public:
  // The descriptors are the process's own, each open on nothing: packetdrill closes what a script
  // leaves open with the C library's close(). So nobody else does in the end, which might hit a
  // number that has come to mean something else.
  explicit Sockets(Host& host) : host_(host) {}

  Outcome open(int domain, int type, int protocol);
  Outcome bind(int fd, const base::SocketAddress& local);
  Outcome listen(int fd, int backlog);
  // The new descriptor.
  Outcome accept(int fd);
  // Begins to connect; connected() tells what came of it.
  Outcome connect(int fd, const base::SocketAddress& remote);
  Outcome connected(int fd);
  Outcome read(int fd, base::MutableBytes to);
  // `more` holds back what does not fill a segment (MSG_MORE).
  Outcome write(int fd, base::Bytes from, bool more);
  Outcome shutdown(int fd, int how);
  Outcome close(int fd);

  Outcome set_option(int fd, Option option, base::Bytes value);
  Outcome option(int fd, Option option);
  // SO_LINGER with a time of zero: close() resets.
  Outcome set_reset_on_close(int fd, bool on);
  Outcome status_flags(int fd) const;
  Outcome set_status_flags(int fd, int flags);
  // Bytes that wait to be read, and that the peer has not acknowledged.
  Outcome unread(int fd);
  Outcome unsent(int fd);
  // As poll() reports it; POLLNVAL when there is no such descriptor.
  [[nodiscard]] short readiness(int fd);

  [[nodiscard]] std::optional<base::SocketAddress> peer(int fd) const;
  [[nodiscard]] bool may_wait(int fd) const;

  // Takes notice of what happened in the stack and of the time.
  void react();
  [[nodiscard]] base::Instant next_deadline() const;

 private:
  enum class Kind : std::uint8_t { kFresh, kListening, kStream };

  struct Socket {
    Kind kind = Kind::kFresh;
    int flags = 0;  // as fcntl() has them
    std::optional<base::SocketAddress> local;
    net::ListenerId listener = 0;
    std::size_t backlog = 0;
    std::deque<int> accepted;  // descriptors that wait for accept()
    net::ConnectionHandle connection;
    bool opened = false;
    bool closed = false;
    int error = 0;  // to be reported once
    bool read_shut = false;
    bool write_shut = false;
    bool reset_on_close = false;
    bool corked = false;
    std::size_t send_limit = 256 * 1024;  // bytes
    bool send_limited = false;            // until a third of it is free
    std::vector<std::byte> held;          // written, but kept from the stack
    base::Instant held_until = base::Instant::never();
    std::map<std::pair<int, int>, int> kept_options;  // without an effect on the stack
  };

  [[nodiscard]] Socket* find(int fd);
  [[nodiscard]] const Socket* find(int fd) const;
  [[nodiscard]] Socket* stream(int fd);
  std::optional<int> add(Socket socket);
  void forget(int fd);
  void on_accepted(const net::Event& event);
  void on_event(Socket& socket, const net::Event& event);
  // Gives the stack the first `size` held bytes.
  void release(Socket& socket, std::size_t size);
  void release_all(Socket& socket) { release(socket, socket.held.size()); }
  [[nodiscard]] std::size_t send_room(Socket& socket);
  Outcome set_integer(Socket& socket, Option option, int value);
  Outcome take_error(Socket& socket);

  Host& host_;
  std::map<int, Socket> sockets_;  // by descriptor, which is the connection's context too
};

}  // namespace sluice::packetdrill
