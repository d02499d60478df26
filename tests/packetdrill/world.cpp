#include "tests/packetdrill/world.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace sluice::packetdrill {

using base::Duration;
using base::Instant;

namespace {

// Real time, for a woken caller that never asks what time it is.
constexpr auto kDepartureTime = std::chrono::milliseconds(200);
// Virtual time after which no packet is expected any more.
constexpr Duration kPacketTime = Duration::seconds(300);
constexpr Duration kTick = Duration::microseconds(1);

}  // namespace

Outcome World::call_on(int fd, const Attempt& attempt) {
  bool waits = false;
  {
    const Lock lock(mutex_);
    waits = sockets_.may_wait(fd);
  }
  return call(attempt, {.waits = waits});
}

Outcome World::call(const Attempt& attempt, Patience patience) {
  Lock lock(mutex_);
  const Outcome first = attempt(sockets_);
  settle();
  if (first.error != EAGAIN || !patience.waits) return first;
  Waiter waiter{.attempt = attempt,
                .thread = std::this_thread::get_id(),
                .until = patience.at_most ? host_.now() + *patience.at_most : Instant::never(),
                .outcome = std::nullopt};
  waiters_.push_back(&waiter);
  changed_.wait(lock, [&] { return waiter.outcome.has_value(); });
  return *waiter.outcome;
}

bool World::deliver(base::Bytes ip_packet) {
  Lock lock(mutex_);
  await_departures(lock);
  const bool delivered = host_.deliver(ip_packet);
  settle();
  return delivered;
}

std::optional<Host::SentPacket> World::next_sent() {
  Lock lock(mutex_);
  const Instant last = host_.now() + kPacketTime;
  while (!host_.has_sent() && next_deadline() <= last) step(lock, next_deadline());
  return host_.take_sent();
}

void World::sleep(Duration time) {
  Lock lock(mutex_);
  run_until(lock, host_.now() + time);
}

Instant World::ask_time() {
  Lock lock(mutex_);
  if (departing_.erase(std::this_thread::get_id()) > 0) {
    changed_.notify_all();
  } else {
    run_until(lock, host_.now() + kTick);
  }
  return host_.now();
}

// What a call, a packet or a timer has begun is carried on until nothing more happens.
void World::settle() {
  sockets_.react();
  retry_waiters();
  host_.flush();
  sockets_.react();
}

void World::retry_waiters() {
  bool woken = false;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    Waiter& waiter = **at;
    const Outcome outcome = waiter.attempt(sockets_);
    if (outcome.error == EAGAIN && host_.now() < waiter.until) {
      ++at;
      continue;
    }
    waiter.outcome = outcome;
    departing_.insert(waiter.thread);
    at = waiters_.erase(at);
    woken = true;
  }
  if (woken) changed_.notify_all();
}

void World::run_until(Lock& lock, Instant end) {
  while (next_deadline() < end) step(lock, next_deadline());
  step(lock, end);
}

void World::step(Lock& lock, Instant to) {
  await_departures(lock);
  // A deadline that is still in the past after its step is met a tick later.
  const Instant late = next_deadline() <= host_.now() ? host_.now() + kTick : host_.now();
  host_.advance(std::max(to, late));
  settle();
}

void World::await_departures(Lock& lock) {
  changed_.wait_for(lock, kDepartureTime, [&] { return departing_.empty(); });
  departing_.clear();
}

Instant World::next_deadline() const {
  Instant next = std::min(host_.next_deadline(), sockets_.next_deadline());
  for (const Waiter* waiter : waiters_) next = std::min(next, waiter->until);
  return next;
}

}  // namespace sluice::packetdrill
