// The host, its sockets and the virtual time, shared by the script's thread and by the threads that
// sit in blocking calls. Time moves only when the script waits for it or for a packet, from one
// deadline to the next; a blocked call is tried again after every step, and whoever it wakes has
// left, and asked for the time, before time moves on. So a script sees no scheduling of threads.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/time.hpp"
#include "tests/packetdrill/host.hpp"
#include "tests/packetdrill/sockets.hpp"

namespace sluice::packetdrill {

struct Patience {
  bool waits = false;
  std::optional<base::Duration> at_most;  // then the last EAGAIN stands
};

class World {
 public:
  explicit World(const HostSettings& settings) : host_(settings), sockets_(host_) {}

  // A call that has to wait says EAGAIN and is repeated if it may wait.
  using Attempt = std::function<Outcome(Sockets&)>;
  Outcome call(const Attempt& attempt, Patience patience = {});
  // As call(), waiting if the descriptor may.
  Outcome call_on(int fd, const Attempt& attempt);

  [[nodiscard]] bool deliver(base::Bytes ip_packet);
  // Time moves until a packet has been sent; nothing when none comes.
  [[nodiscard]] std::optional<Host::SentPacket> next_sent();
  void sleep(base::Duration time);
  // A caller that asks again and again is waiting: each time it asks takes a microsecond.
  [[nodiscard]] base::Instant ask_time();

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Waiter {
    const Attempt& attempt;
    std::thread::id thread;
    base::Instant until;
    std::optional<Outcome> outcome;
  };

  void settle();
  void retry_waiters();
  void run_until(Lock& lock, base::Instant end);
  void step(Lock& lock, base::Instant to);
  void await_departures(Lock& lock);
  [[nodiscard]] base::Instant next_deadline() const;

  Host host_;
  Sockets sockets_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiter*> waiters_;
  std::set<std::thread::id> departing_;  // woken, and have not asked for the time
};

}  // namespace sluice::packetdrill
