// What packetdrill asks of a network stack in a shared object (its option --so_filename): one
// exported function fills in this table. The order and the types of the members are packetdrill's;
// so is the meaning of the results, which is that of the system calls: -1 and errno, or a value.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace sluice::packetdrill {

struct Interface {
  void* self;  // the first argument of every function
  void (*free)(void* self);

  int (*socket)(void* self, int domain, int type, int protocol);
  int (*bind)(void* self, int fd, const sockaddr* address, socklen_t size);
  int (*listen)(void* self, int fd, int backlog);
  int (*accept)(void* self, int fd, sockaddr* address, socklen_t* size);
  int (*connect)(void* self, int fd, const sockaddr* address, socklen_t size);

  ssize_t (*read)(void* self, int fd, void* to, std::size_t size);
  ssize_t (*readv)(void* self, int fd, const iovec* to, int count);
  ssize_t (*recv)(void* self, int fd, void* to, std::size_t size, int flags);
  ssize_t (*recvfrom)(void* self, int fd, void* to, std::size_t size, int flags, sockaddr* address,
                      socklen_t* address_size);
  ssize_t (*recvmsg)(void* self, int fd, msghdr* message, int flags);

  ssize_t (*write)(void* self, int fd, const void* from, std::size_t size);
  ssize_t (*writev)(void* self, int fd, const iovec* from, int count);
  ssize_t (*send)(void* self, int fd, const void* from, std::size_t size, int flags);
  ssize_t (*sendto)(void* self, int fd, const void* from, std::size_t size, int flags,
                    const sockaddr* address, socklen_t address_size);
  ssize_t (*sendmsg)(void* self, int fd, const msghdr* message, int flags);

  int (*fcntl)(void* self, int fd, int command, ...);
  int (*ioctl)(void* self, int fd, unsigned long request, ...);
  int (*close)(void* self, int fd);
  int (*shutdown)(void* self, int fd, int how);
  int (*getsockopt)(void* self, int fd, int level, int name, void* value, socklen_t* size);
  int (*setsockopt)(void* self, int fd, int level, int name, const void* value, socklen_t size);
  int (*poll)(void* self, pollfd* fds, nfds_t count, int timeout_ms);

  // An IP packet for the stack, and the next one that it sent: `size` is the buffer's, then the
  // packet's, and 0 when none comes; `time_us` is when it was sent.
  int (*netdev_send)(void* self, const void* packet, std::size_t size);
  int (*netdev_receive)(void* self, void* to, std::size_t* size, long long* time_us);
  // The stack's time, which is the script's.
  int (*usleep)(void* self, useconds_t time_us);
  int (*gettimeofday)(void* self, timeval* time, struct timezone* zone);

  int (*epoll_create)(void* self, int size);
  int (*epoll_ctl)(void* self, int set, int operation, int fd, epoll_event* event);
  int (*epoll_wait)(void* self, int set, epoll_event* events, int most, int timeout_ms);
  int (*pipe)(void* self, int fds[2]);
  int (*splice)(void* self, int from, loff_t* from_offset, int to, loff_t* to_offset,
                std::size_t size, unsigned flags);
};

using InitFunction = void(const char* flags, Interface* interface);

}  // namespace sluice::packetdrill
