// libsluice_packetdrill.so: Sluice's own stack behind packetdrill's --so_filename, so that public
// packetdrill scripts run against it as they are:
//
//   packetdrill --local_ip=192.168.0.2 --so_filename=libsluice_packetdrill.so script.pkt
//
// Here the C of the interface becomes calls on World: addresses, buffers, errno. --so_flags takes
// what HostSettings::parse() does. IPv4 only; there are no descriptors but TCP sockets, so epoll,
// pipe and splice answer ENOSYS. The script `run` beside this file runs folders of scripts.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "tests/packetdrill/interface.hpp"
#include "tests/packetdrill/world.hpp"

namespace sluice::packetdrill {
namespace {

using base::Duration;

// What the wall clock shows when the host's starts; any time will do.
constexpr std::int64_t kEpochUs = 1'700'000'000'000'000;

World& world(void* self) {
  return *static_cast<World*>(self);
}

std::int64_t wall_us(base::Instant at) {
  return kEpochUs + at.nanoseconds() / 1000;
}

template <typename T>
T result(Outcome outcome) {
  if (outcome.error == 0) return static_cast<T>(outcome.value);
  errno = outcome.error;
  return -1;
}

template <typename T>
T refuse(int error) {
  return result<T>(failure(error));
}

// --- addresses ---

std::optional<base::SocketAddress> parse_address(const sockaddr* address, socklen_t size) {
  sockaddr_in ipv4{};
  if (address == nullptr || size < sizeof(ipv4)) return std::nullopt;
  std::memcpy(&ipv4, address, sizeof(ipv4));
  if (ipv4.sin_family != AF_INET) return std::nullopt;
  return base::SocketAddress{.address = base::Ipv4Address{ntohl(ipv4.sin_addr.s_addr)},
                             .port = ntohs(ipv4.sin_port)};
}

void write_address(const std::optional<base::SocketAddress>& from, sockaddr* to, socklen_t* size) {
  if (!from || to == nullptr || size == nullptr) return;
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_addr.s_addr = htonl(from->address.ipv4().value);
  ipv4.sin_port = htons(from->port);
  std::memcpy(to, &ipv4, std::min<std::size_t>(*size, sizeof(ipv4)));
  *size = sizeof(ipv4);
}

// --- opening ---

int open_socket(void* self, int domain, int type, int protocol) {
  return result<int>(world(self).call([&](Sockets& s) { return s.open(domain, type, protocol); }));
}

int bind_socket(void* self, int fd, const sockaddr* address, socklen_t size) {
  const auto local = parse_address(address, size);
  if (!local) return refuse<int>(EAFNOSUPPORT);
  return result<int>(world(self).call([&](Sockets& s) { return s.bind(fd, *local); }));
}

int listen_socket(void* self, int fd, int backlog) {
  return result<int>(world(self).call([&](Sockets& s) { return s.listen(fd, backlog); }));
}

int accept_socket(void* self, int fd, sockaddr* address, socklen_t* size) {
  return result<int>(world(self).call_on(fd, [&](Sockets& s) {
    const Outcome outcome = s.accept(fd);
    if (outcome.error == 0) write_address(s.peer(static_cast<int>(outcome.value)), address, size);
    return outcome;
  }));
}

int connect_socket(void* self, int fd, const sockaddr* address, socklen_t size) {
  const auto remote = parse_address(address, size);
  if (!remote) return refuse<int>(EAFNOSUPPORT);
  bool begun = false;
  Outcome outcome = world(self).call_on(fd, [&](Sockets& s) {
    if (begun) return s.connected(fd);
    begun = true;
    return s.connect(fd, *remote);
  });
  if (outcome.error == EAGAIN) outcome.error = EINPROGRESS;
  return result<int>(outcome);
}

// --- transfer ---

ssize_t receive(void* self, int fd, std::span<const iovec> to, int flags) {
  if ((flags & ~MSG_DONTWAIT) != 0) return refuse<ssize_t>(EOPNOTSUPP);
  const World::Attempt attempt = [&](Sockets& s) {
    long taken = 0;
    for (const iovec& part : to) {
      const auto bytes =
          std::as_writable_bytes(std::span(static_cast<std::byte*>(part.iov_base), part.iov_len));
      const Outcome outcome = s.read(fd, bytes);
      if (outcome.error != 0 && taken == 0) return outcome;
      if (outcome.error != 0) break;
      taken += outcome.value;
      if (outcome.value < static_cast<long>(part.iov_len)) break;
    }
    return Outcome{.value = taken};
  };
  World& here = world(self);
  return result<ssize_t>((flags & MSG_DONTWAIT) != 0 ? here.call(attempt)
                                                     : here.call_on(fd, attempt));
}

// Takes what the buffer has room for each time that it is tried, until all is taken.
class Sending {
 public:
  Sending(int fd, std::span<const iovec> from, bool more) : fd_(fd), from_(from), more_(more) {}

  Outcome operator()(Sockets& sockets) {
    while (!from_.empty()) {
      const iovec& part = from_.front();
      const auto bytes = base::Bytes(static_cast<const std::byte*>(part.iov_base), part.iov_len);
      const bool more = more_ || from_.size() > 1;
      const Outcome outcome = sockets.write(fd_, bytes.subspan(offset_), more);
      if (outcome.error != 0) return outcome;
      taken_ += outcome.value;
      offset_ += static_cast<std::size_t>(outcome.value);
      if (offset_ < part.iov_len) return failure(EAGAIN);
      from_ = from_.subspan(1);
      offset_ = 0;
    }
    return {.value = taken_};
  }
  [[nodiscard]] long taken() const { return taken_; }

 private:
  int fd_;
  std::span<const iovec> from_;
  bool more_;
  std::size_t offset_ = 0;  // in the first of from_
  long taken_ = 0;
};

ssize_t transmit(void* self, int fd, std::span<const iovec> from, int flags) {
  if ((flags & ~(MSG_DONTWAIT | MSG_MORE | MSG_NOSIGNAL)) != 0) return refuse<ssize_t>(EOPNOTSUPP);
  Sending sending(fd, from, (flags & MSG_MORE) != 0);
  World& here = world(self);
  const World::Attempt attempt = std::ref(sending);
  const Outcome outcome =
      (flags & MSG_DONTWAIT) != 0 ? here.call(attempt) : here.call_on(fd, attempt);
  if (outcome.error != 0 && sending.taken() > 0) return static_cast<ssize_t>(sending.taken());
  return result<ssize_t>(outcome);
}

std::span<const iovec> parts_of(const iovec* parts, std::size_t count) {
  return {parts, count};
}

ssize_t receive_parts(void* self, int fd, const iovec* to, int count) {
  if (count < 0) return refuse<ssize_t>(EINVAL);
  return receive(self, fd, parts_of(to, static_cast<std::size_t>(count)), 0);
}

ssize_t receive_bytes(void* self, int fd, void* to, std::size_t size, int flags) {
  const iovec part{.iov_base = to, .iov_len = size};
  return receive(self, fd, parts_of(&part, 1), flags);
}

ssize_t read_bytes(void* self, int fd, void* to, std::size_t size) {
  return receive_bytes(self, fd, to, size, 0);
}

ssize_t receive_from(void* self, int fd, void* to, std::size_t size, int flags, sockaddr* address,
                     socklen_t* address_size) {
  // A stream says nothing about where bytes came from.
  if (address != nullptr && address_size != nullptr) *address_size = 0;
  return receive_bytes(self, fd, to, size, flags);
}

ssize_t receive_message(void* self, int fd, msghdr* message, int flags) {
  message->msg_namelen = 0;
  message->msg_controllen = 0;
  message->msg_flags = 0;
  return receive(self, fd, parts_of(message->msg_iov, message->msg_iovlen), flags);
}

ssize_t transmit_parts(void* self, int fd, const iovec* from, int count) {
  if (count < 0) return refuse<ssize_t>(EINVAL);
  return transmit(self, fd, parts_of(from, static_cast<std::size_t>(count)), 0);
}

ssize_t transmit_bytes(void* self, int fd, const void* from, std::size_t size, int flags) {
  const iovec part{.iov_base = const_cast<void*>(from), .iov_len = size};
  return transmit(self, fd, parts_of(&part, 1), flags);
}

ssize_t write_bytes(void* self, int fd, const void* from, std::size_t size) {
  return transmit_bytes(self, fd, from, size, 0);
}

// A connected stream takes no notice of an address.
ssize_t transmit_to(void* self, int fd, const void* from, std::size_t size, int flags,
                    const sockaddr*, socklen_t) {
  return transmit_bytes(self, fd, from, size, flags);
}

ssize_t transmit_message(void* self, int fd, const msghdr* message, int flags) {
  if (message->msg_controllen != 0) return refuse<ssize_t>(EOPNOTSUPP);
  return transmit(self, fd, parts_of(message->msg_iov, message->msg_iovlen), flags);
}

// --- the rest of a socket's life ---

int control_descriptor(void* self, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const int flags = command == F_SETFL ? va_arg(arguments, int) : 0;
  va_end(arguments);
  return result<int>(world(self).call([&](Sockets& s) {
    if (command == F_GETFL) return s.status_flags(fd);
    if (command == F_SETFL) return s.set_status_flags(fd, flags);
    return failure(EINVAL);
  }));
}

int control_socket(void* self, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  int* to = va_arg(arguments, int*);
  va_end(arguments);
  return result<int>(world(self).call([&](Sockets& s) {
    if (request != FIONREAD && request != TIOCOUTQ) return failure(ENOTTY);
    Outcome outcome = request == FIONREAD ? s.unread(fd) : s.unsent(fd);
    if (outcome.error == 0) *to = static_cast<int>(std::exchange(outcome.value, 0));
    return outcome;
  }));
}

int close_socket(void* self, int fd) {
  return result<int>(world(self).call([&](Sockets& s) { return s.close(fd); }));
}

int shut_down(void* self, int fd, int how) {
  return result<int>(world(self).call([&](Sockets& s) { return s.shutdown(fd, how); }));
}

int read_option(void* self, int fd, int level, int name, void* value, socklen_t* size) {
  const Outcome outcome =
      world(self).call([&](Sockets& s) { return s.option(fd, {.level = level, .name = name}); });
  if (outcome.error != 0) return result<int>(outcome);
  const int number = static_cast<int>(outcome.value);
  *size = std::min<socklen_t>(*size, sizeof(number));
  std::memcpy(value, &number, *size);
  return 0;
}

int write_option(void* self, int fd, int level, int name, const void* value, socklen_t size) {
  const auto bytes = base::Bytes(static_cast<const std::byte*>(value), size);
  return result<int>(world(self).call([&](Sockets& s) {
    if (level != SOL_SOCKET || name != SO_LINGER) {
      return s.set_option(fd, {.level = level, .name = name}, bytes);
    }
    linger setting{};
    if (bytes.size() < sizeof(setting)) return failure(EINVAL);
    std::memcpy(&setting, bytes.data(), sizeof(setting));
    // A close() that waits for the peer is not among what the stack offers.
    if (setting.l_onoff != 0 && setting.l_linger != 0) return failure(EOPNOTSUPP);
    return s.set_reset_on_close(fd, setting.l_onoff != 0);
  }));
}

int poll_sockets(void* self, pollfd* fds, nfds_t count, int timeout_ms) {
  Patience patience{.waits = timeout_ms != 0};
  if (timeout_ms > 0) patience.at_most = Duration::milliseconds(timeout_ms);
  const Outcome outcome = world(self).call(
      [&](Sockets& s) {
        long ready = 0;
        for (pollfd& entry : std::span(fds, count)) {
          const int always = POLLERR | POLLHUP | POLLNVAL;
          entry.revents = entry.fd < 0
                              ? short{0}
                              : static_cast<short>(s.readiness(entry.fd) & (entry.events | always));
          if (entry.revents != 0) ++ready;
        }
        return ready > 0 ? Outcome{.value = ready} : failure(EAGAIN);
      },
      patience);
  return outcome.error == EAGAIN ? 0 : result<int>(outcome);
}

// --- packets and time ---

int deliver_packet(void* self, const void* packet, std::size_t size) {
  return world(self).deliver({static_cast<const std::byte*>(packet), size}) ? 0 : -1;
}

int take_packet(void* self, void* to, std::size_t* size, long long* time_us) {
  const auto sent = world(self).next_sent();
  const std::size_t room = std::exchange(*size, 0);
  if (!sent) {
    std::fputs("the stack has no packet to send\n", stderr);
    return 0;
  }
  if (sent->bytes.size() > room) return -1;
  std::memcpy(to, sent->bytes.data(), sent->bytes.size());
  *size = sent->bytes.size();
  *time_us = wall_us(sent->at);
  return 0;
}

int sleep_for(void* self, useconds_t time_us) {
  world(self).sleep(Duration::microseconds(time_us));
  return 0;
}

int tell_time(void* self, timeval* time, struct timezone*) {
  const std::int64_t now_us = wall_us(world(self).ask_time());
  *time = {.tv_sec = now_us / 1'000'000, .tv_usec = now_us % 1'000'000};
  return 0;
}

// --- what is not there ---

int no_set(void*, int) {
  return refuse<int>(ENOSYS);
}
int no_set_control(void*, int, int, int, epoll_event*) {
  return refuse<int>(ENOSYS);
}
int no_set_wait(void*, int, epoll_event*, int, int) {
  return refuse<int>(ENOSYS);
}
int no_pipe(void*, int*) {
  return refuse<int>(ENOSYS);
}
int no_splice(void*, int, loff_t*, int, loff_t*, std::size_t, unsigned) {
  return refuse<int>(ENOSYS);
}

void destroy(void* self) {
  delete static_cast<World*>(self);
}

}  // namespace
}  // namespace sluice::packetdrill

extern "C" __attribute__((visibility("default"))) void packetdrill_interface_init(
    const char* flags, sluice::packetdrill::Interface* interface) {
  using namespace sluice::packetdrill;
  const auto settings = HostSettings::parse(flags != nullptr ? flags : "");
  if (!settings) {
    // The interface has no way to refuse.
    std::fprintf(stderr, "libsluice_packetdrill: cannot read the flags \"%s\"\n", flags);
    std::exit(EXIT_FAILURE);
  }
  *interface = {.self = std::make_unique<World>(*settings).release(),
                .free = destroy,
                .socket = open_socket,
                .bind = bind_socket,
                .listen = listen_socket,
                .accept = accept_socket,
                .connect = connect_socket,
                .read = read_bytes,
                .readv = receive_parts,
                .recv = receive_bytes,
                .recvfrom = receive_from,
                .recvmsg = receive_message,
                .write = write_bytes,
                .writev = transmit_parts,
                .send = transmit_bytes,
                .sendto = transmit_to,
                .sendmsg = transmit_message,
                .fcntl = control_descriptor,
                .ioctl = control_socket,
                .close = close_socket,
                .shutdown = shut_down,
                .getsockopt = read_option,
                .setsockopt = write_option,
                .poll = poll_sockets,
                .netdev_send = deliver_packet,
                .netdev_receive = take_packet,
                .usleep = sleep_for,
                .gettimeofday = tell_time,
                .epoll_create = no_set,
                .epoll_ctl = no_set_control,
                .epoll_wait = no_set_wait,
                .pipe = no_pipe,
                .splice = no_splice};
}
