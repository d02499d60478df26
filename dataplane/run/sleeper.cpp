#include "dataplane/run/sleeper.hpp"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

namespace sluice::run {

Sleeper::Sleeper() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

Sleeper::~Sleeper() {
  if (epoll_ >= 0) ::close(epoll_);
}

void Sleeper::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (fd < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) complete_ = false;
}

void Sleeper::sleep(base::Duration time) {
  const timespec limit{.tv_sec = 0, .tv_nsec = time.nanoseconds()};
  std::array<epoll_event, 8> events;
  const int n =
      ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &limit, nullptr);
  // An old kernel, or a filter of system calls that does not know this one.
  if (n < 0 && errno != EINTR) {
    complete_ = false;
    (void)::nanosleep(&limit, nullptr);
    return;
  }
  // A device that is gone would end every sleep from now on.
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if ((event.events & (EPOLLERR | EPOLLHUP)) == 0) continue;
    (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, event.data.fd, nullptr);
    complete_ = false;
  }
}

}  // namespace sluice::run
