#include "tests/packetdrill/sockets.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::packetdrill {
namespace {

using base::Duration;
using base::Instant;
using base::PacketPtr;
using net::CloseReason;

constexpr std::size_t kMaxSockets = 512;
constexpr int kMaxBacklog = 128;
// Linux gives up on a SYN after its sixth went unanswered.
constexpr Duration kConnectTimeout = Duration::seconds(127);
// tcp(7), TCP_CORK: what is corked leaves after this time at the latest.
constexpr Duration kCorkTime = Duration::milliseconds(200);

int error_for(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNone:
      return 0;
    case CloseReason::kReset:
      return ECONNRESET;
    case CloseReason::kRefused:
      return ECONNREFUSED;
    case CloseReason::kTimedOut:
      return ETIMEDOUT;
    case CloseReason::kUnreachable:
      return EHOSTUNREACH;
    case CloseReason::kNoMemory:
      return ENOBUFS;
  }
  return EIO;
}

bool is(Option option, int level, int name) {
  return option.level == level && option.name == name;
}

// Options that change nothing about what the stack sends are remembered and given back.
bool is_kept(Option option) {
  return is(option, SOL_SOCKET, SO_REUSEADDR) || is(option, SOL_SOCKET, SO_RCVBUF) ||
         is(option, IPPROTO_TCP, TCP_NODELAY) || is(option, IPPROTO_IP, IP_MTU_DISCOVER) ||
         is(option, IPPROTO_IP, IP_TOS);
}

}  // namespace

Sockets::Socket* Sockets::find(int fd) {
  const auto found = sockets_.find(fd);
  return found != sockets_.end() ? &found->second : nullptr;
}

const Sockets::Socket* Sockets::find(int fd) const {
  const auto found = sockets_.find(fd);
  return found != sockets_.end() ? &found->second : nullptr;
}

Sockets::Socket* Sockets::stream(int fd) {
  Socket* socket = find(fd);
  return socket != nullptr && socket->kind == Kind::kStream ? socket : nullptr;
}

std::optional<int> Sockets::add(Socket socket) {
  if (sockets_.size() >= kMaxSockets) return std::nullopt;
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  sockets_.insert_or_assign(fd, std::move(socket));
  return fd;
}

void Sockets::forget(int fd) {
  sockets_.erase(fd);
  ::close(fd);
}

// --- opening ---

Outcome Sockets::open(int domain, int type, int protocol) {
  if (domain != AF_INET) return failure(EAFNOSUPPORT);
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (kind != SOCK_STREAM) return failure(ESOCKTNOSUPPORT);
  if (protocol != 0 && protocol != IPPROTO_TCP) return failure(EPROTONOSUPPORT);
  Socket socket;
  socket.flags = O_RDWR | ((type & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0);
  const auto fd = add(std::move(socket));
  return fd ? Outcome{.value = *fd} : failure(EMFILE);
}

Outcome Sockets::bind(int fd, const base::SocketAddress& local) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  if (socket->kind != Kind::kFresh || socket->local) return failure(EINVAL);
  const bool any = local.address == base::IpAddress(base::Ipv4Address{});
  if (!any && local.address != host_.address()) return failure(EADDRNOTAVAIL);
  socket->local = local;
  return {};
}

Outcome Sockets::listen(int fd, int backlog) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  if (socket->kind == Kind::kStream || !socket->local) return failure(EINVAL);
  socket->backlog = static_cast<std::size_t>(std::clamp(backlog, 0, kMaxBacklog)) + 1;
  if (socket->kind == Kind::kListening) return {};
  const auto listener = host_.stack().listen(*socket->local);
  if (!listener) return failure(EADDRINUSE);
  socket->listener = *listener;
  socket->kind = Kind::kListening;
  return {};
}

Outcome Sockets::accept(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  if (socket->kind != Kind::kListening) return failure(EINVAL);
  if (socket->accepted.empty()) return failure(EAGAIN);
  const int accepted = socket->accepted.front();
  socket->accepted.pop_front();
  return {.value = accepted};
}

Outcome Sockets::connect(int fd, const base::SocketAddress& remote) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  if (socket->kind == Kind::kListening) return failure(EISCONN);
  if (socket->kind == Kind::kStream) return failure(socket->opened ? EISCONN : EALREADY);
  // The stack chooses the source port itself.
  if (socket->local && socket->local->port != 0) return failure(EOPNOTSUPP);
  const auto connection =
      host_.stack().connect(host_.now(), {.source = host_.address(),
                                          .remote = remote,
                                          .timeout = kConnectTimeout,
                                          .context = static_cast<std::uint64_t>(fd)});
  if (!connection) {
    return failure(connection.error() == net::ConnectError::kNoRoute ? ENETUNREACH : EADDRNOTAVAIL);
  }
  socket->connection = *connection;
  socket->kind = Kind::kStream;
  return failure(EAGAIN);
}

Outcome Sockets::connected(int fd) {
  Socket* socket = stream(fd);
  if (socket == nullptr) return failure(EBADF);
  if (socket->error != 0) return take_error(*socket);
  return socket->opened ? Outcome{} : failure(EAGAIN);
}

// --- transfer ---

Outcome Sockets::take_error(Socket& socket) {
  return failure(std::exchange(socket.error, 0));
}

Outcome Sockets::read(int fd, base::MutableBytes to) {
  Socket* socket = stream(fd);
  if (socket == nullptr) return failure(find(fd) != nullptr ? ENOTCONN : EBADF);
  net::Stack& stack = host_.stack();
  base::PacketQueue* input = stack.input(socket->connection);
  std::size_t taken = 0;
  while (input != nullptr && taken < to.size() && !input->empty()) {
    const base::Bytes bytes = std::as_const(*input->front()).bytes();
    const std::size_t size = std::min(bytes.size(), to.size() - taken);
    base::copy(to.subspan(taken, size), bytes.first(size));
    input->trim_front(size);
    taken += size;
  }
  if (taken > 0) {
    stack.consumed(host_.now(), socket->connection);
    return {.value = static_cast<long>(taken)};
  }
  if (socket->error != 0) return take_error(*socket);
  const bool end = socket->read_shut || socket->closed || stack.input_finished(socket->connection);
  return end || to.empty() ? Outcome{} : failure(EAGAIN);
}

// Once the buffer has been full, a writer waits until a third of it is free, as Linux's do.
std::size_t Sockets::send_room(Socket& socket) {
  const std::size_t used = host_.stack().unacknowledged(socket.connection) + socket.held.size();
  const std::size_t room = socket.send_limit - std::min(socket.send_limit, used);
  if (room >= socket.send_limit / 3) socket.send_limited = false;
  return socket.send_limited ? 0 : room;
}

Outcome Sockets::write(int fd, base::Bytes from, bool more) {
  Socket* socket = stream(fd);
  if (socket == nullptr) return failure(find(fd) != nullptr ? EPIPE : EBADF);
  if (socket->error != 0) return take_error(*socket);
  if (socket->closed || socket->write_shut) return failure(EPIPE);
  if (!socket->opened) return failure(EAGAIN);
  const std::size_t size = std::min(from.size(), send_room(*socket));
  if (size < from.size()) socket->send_limited = true;
  if (size == 0 && !from.empty()) return failure(EAGAIN);
  const base::Bytes taken = from.first(size);
  socket->held.insert(socket->held.end(), taken.begin(), taken.end());
  if (!more && !socket->corked) {
    release_all(*socket);
  } else {
    const std::size_t segment = host_.stack().segment_size(socket->connection);
    release(*socket, socket->held.size() / segment * segment);
  }
  return {.value = static_cast<long>(size)};
}

void Sockets::release(Socket& socket, std::size_t size) {
  net::Stack& stack = host_.stack();
  base::PacketQueue payload;
  std::size_t done = 0;
  const std::size_t segment = std::max<std::size_t>(stack.segment_size(socket.connection), 1);
  while (done < size) {
    PacketPtr packet(host_.pool().allocate());
    if (!packet) break;  // the rest stays held, and is tried again when the cork's time is over
    const std::size_t part = std::min({segment, size - done, packet->tailroom()});
    base::copy(packet->append(part), base::Bytes(socket.held).subspan(done, part));
    payload.push_back(std::move(packet));
    done += part;
  }
  if (!payload.empty()) stack.send(host_.now(), socket.connection, std::move(payload));
  socket.held.erase(socket.held.begin(), socket.held.begin() + static_cast<std::ptrdiff_t>(done));
  if (socket.held.empty()) {
    socket.held_until = Instant::never();
  } else if (done > 0 || socket.held_until == Instant::never()) {
    socket.held_until = host_.now() + kCorkTime;
  }
}

// --- closing ---

Outcome Sockets::shutdown(int fd, int how) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return failure(EINVAL);
  if (socket->kind != Kind::kStream || !socket->opened || socket->closed) return failure(ENOTCONN);
  if (how != SHUT_WR) socket->read_shut = true;
  if (how != SHUT_RD && !socket->write_shut) {
    socket->write_shut = true;
    release_all(*socket);
    host_.stack().finish(host_.now(), socket->connection);
  }
  return {};
}

Outcome Sockets::close(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  net::Stack& stack = host_.stack();
  if (socket->kind == Kind::kListening) {
    stack.stop_listening(socket->listener);
    for (const int waiting : std::exchange(socket->accepted, {})) {
      stack.abort(host_.now(), find(waiting)->connection);
      forget(waiting);
    }
  } else if (socket->kind == Kind::kStream) {
    release_all(*socket);
    if (socket->reset_on_close) {
      stack.abort(host_.now(), socket->connection);
    } else {
      stack.close(host_.now(), socket->connection);
    }
  }
  forget(fd);
  return {};
}

// --- options ---

Outcome Sockets::set_option(int fd, Option option, base::Bytes value) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  int number = 0;
  if (value.size() >= sizeof(number)) {
    std::memcpy(&number, value.data(), sizeof(number));
  } else if (value.size() == 1 && option.level == IPPROTO_IP) {
    number = std::to_integer<int>(value.front());  // ip(7) takes a byte, too
  } else {
    return failure(EINVAL);
  }
  return set_integer(*socket, option, number);
}

Outcome Sockets::set_integer(Socket& socket, Option option, int value) {
  if (is(option, SOL_SOCKET, SO_SNDBUF)) {
    // socket(7): doubled, and never less than this.
    socket.send_limit = 2 * static_cast<std::size_t>(std::max(value, 2304));
    return {};
  }
  if (is(option, IPPROTO_TCP, TCP_CORK)) {
    socket.corked = value != 0;
    if (!socket.corked) release_all(socket);
    return {};
  }
  if (!is_kept(option)) return failure(ENOPROTOOPT);
  socket.kept_options[{option.level, option.name}] = value;
  // tcp(7): setting it pushes what is corked.
  if (is(option, IPPROTO_TCP, TCP_NODELAY) && value != 0) release_all(socket);
  return {};
}

Outcome Sockets::option(int fd, Option option) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  if (is(option, SOL_SOCKET, SO_ERROR)) return {.value = std::exchange(socket->error, 0)};
  if (is(option, SOL_SOCKET, SO_SNDBUF)) return {.value = static_cast<long>(socket->send_limit)};
  if (is(option, SOL_SOCKET, SO_TYPE)) return {.value = SOCK_STREAM};
  if (is(option, IPPROTO_TCP, TCP_CORK)) return {.value = socket->corked ? 1 : 0};
  if (is(option, IPPROTO_TCP, TCP_MAXSEG) && socket->opened) {
    return {.value = static_cast<long>(host_.stack().segment_size(socket->connection))};
  }
  if (!is_kept(option)) return failure(ENOPROTOOPT);
  return {.value = socket->kept_options[{option.level, option.name}]};
}

Outcome Sockets::set_reset_on_close(int fd, bool on) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  socket->reset_on_close = on;
  return {};
}

Outcome Sockets::status_flags(int fd) const {
  const Socket* socket = find(fd);
  return socket != nullptr ? Outcome{.value = socket->flags} : failure(EBADF);
}

Outcome Sockets::set_status_flags(int fd, int flags) {
  Socket* socket = find(fd);
  if (socket == nullptr) return failure(EBADF);
  socket->flags = O_RDWR | (flags & O_NONBLOCK);
  return {};
}

Outcome Sockets::unread(int fd) {
  const Socket* socket = stream(fd);
  if (socket == nullptr) return failure(find(fd) != nullptr ? EINVAL : EBADF);
  const base::PacketQueue* input = host_.stack().input(socket->connection);
  return {.value = input != nullptr ? static_cast<long>(input->bytes()) : 0};
}

Outcome Sockets::unsent(int fd) {
  const Socket* socket = stream(fd);
  if (socket == nullptr) return failure(find(fd) != nullptr ? EINVAL : EBADF);
  return {.value = static_cast<long>(host_.stack().unacknowledged(socket->connection) +
                                     socket->held.size())};
}

short Sockets::readiness(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return POLLNVAL;
  if (socket->kind == Kind::kListening) return socket->accepted.empty() ? 0 : POLLIN;
  if (socket->kind == Kind::kFresh) return POLLOUT | POLLHUP;
  net::Stack& stack = host_.stack();
  const base::PacketQueue* input = stack.input(socket->connection);
  const bool at_end =
      socket->read_shut || socket->closed || stack.input_finished(socket->connection);
  int ready = 0;
  if (at_end) ready |= POLLIN | POLLRDHUP;
  if (input != nullptr && !input->empty()) ready |= POLLIN;
  if (socket->closed || (at_end && socket->write_shut)) ready |= POLLHUP;
  if (socket->closed || (socket->opened && send_room(*socket) > 0)) ready |= POLLOUT;
  if (socket->error != 0) ready |= POLLERR;
  return static_cast<short>(ready);
}

std::optional<base::SocketAddress> Sockets::peer(int fd) const {
  const Socket* socket = find(fd);
  if (socket == nullptr || socket->kind != Kind::kStream) return std::nullopt;
  const auto flow = host_.stack().addresses(socket->connection);
  if (!flow) return std::nullopt;
  return flow->remote;
}

bool Sockets::may_wait(int fd) const {
  const Socket* socket = find(fd);
  return socket != nullptr && (socket->flags & O_NONBLOCK) == 0;
}

// --- events ---

void Sockets::react() {
  while (const auto event = host_.stack().next_event()) {
    if (event->accepted && event->context == 0) {
      on_accepted(*event);
    } else if (Socket* socket = find(static_cast<int>(event->context))) {
      on_event(*socket, *event);
    }
  }
  for (auto& [fd, socket] : sockets_) {
    if (host_.now() >= socket.held_until) release_all(socket);
  }
}

void Sockets::on_accepted(const net::Event& event) {
  const auto found = std::ranges::find_if(sockets_, [&](const auto& entry) {
    return entry.second.kind == Kind::kListening && entry.second.listener == event.listener;
  });
  const bool full =
      found == sockets_.end() || found->second.accepted.size() >= found->second.backlog;
  if (full) return host_.stack().abort(host_.now(), event.connection);
  Socket& listening = found->second;
  Socket socket;
  socket.kind = Kind::kStream;
  socket.flags = O_RDWR;
  socket.connection = event.connection;
  socket.send_limit = listening.send_limit;
  socket.corked = listening.corked;
  socket.kept_options = listening.kept_options;
  on_event(socket, event);
  const auto fd = add(std::move(socket));
  if (!fd) return host_.stack().abort(host_.now(), event.connection);
  host_.stack().set_context(event.connection, static_cast<std::uint64_t>(*fd));
  listening.accepted.push_back(*fd);
}

void Sockets::on_event(Socket& socket, const net::Event& event) {
  if (event.what.opened) socket.opened = true;
  if (event.what.closed) {
    socket.closed = true;
    socket.error = error_for(event.reason);
  }
}

base::Instant Sockets::next_deadline() const {
  Instant next = Instant::never();
  for (const auto& [fd, socket] : sockets_) next = std::min(next, socket.held_until);
  return next;
}

}  // namespace sluice::packetdrill
