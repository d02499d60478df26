// The worker's other half: what the control thread wants of it, and when it may sleep.
#include <sys/prctl.h>

#include <algorithm>

#include "dataplane/run/worker.hpp"

namespace sluice::run {
namespace {

// How long the last frames may take to leave, where a device or another worker does not take them.
constexpr base::Duration kTransmitPatience = base::Duration::milliseconds(100);

// The kernel rounds sleeps by this much, by default 50 microseconds.
constexpr unsigned long kTimerSlackNanoseconds = 1000;

// The longest sleep of a worker that frames and other workers can wake: commands from the control
// thread wait so long.
constexpr base::Duration kQuietSleep = base::Duration::milliseconds(10);

}  // namespace

void Worker::run() {
  (void)::prctl(PR_SET_TIMERSLACK, kTimerSlackNanoseconds);
  sleeper_.watch(exchange_.doorbell(worker_).fd());
  for (const Port& port : ports_) {
    if (port.device != nullptr) sleeper_.watch(port.device->wake_fd());
  }
  if (idle_sleep_ > base::Duration() && sleeper_.complete()) {
    idle_ = IdleBackoff(std::max(idle_sleep_, kQuietSleep));
  }
  while (!left_) turn();
}

bool Worker::take_commands(base::Instant now) {
  if (unsent_reply_) {
    if (!mailbox_.replies.push(*unsent_reply_)) return false;
    unsent_reply_.reset();
  }
  const std::optional<Command> command = mailbox_.commands.pop();
  if (!command) return false;
  counters_.add(RunCounter::kCommands);
  obey(now, *command);
  return true;
}

void Worker::obey(base::Instant now, const Command& command) {
  switch (command.kind) {
    case Command::Kind::kReport:
      if (command.report != nullptr) fill(*command.report);
      reply(command);
      break;
    case Command::Kind::kDrain:
      application_->stop_accepting();
      draining_ = command;
      break;
    case Command::Kind::kStop:
      application_->stop_accepting();
      application_->close_all(now);
      stopping_ = command;
      stop_deadline_ = now + stop_patience_;
      break;
    case Command::Kind::kLeave:
      leave_deadline_ = now + kTransmitPatience;
      break;
  }
}

void Worker::reply(const Command& command) {
  const Reply reply{.kind = command.kind, .report = command.report, .id = command.id};
  if (!mailbox_.replies.push(reply)) unsent_reply_ = reply;
}

// A drain and a stop are over when the peers have everything that was meant for them; a stop does
// not wait for it forever. Afterwards the worker goes on, because others may need its queues for
// their last frames, until it is told to leave.
void Worker::end_what_is_due(base::Instant now) {
  if (draining_ && all_delivered()) answer(draining_);
  if (stopping_) {
    if (now >= stop_deadline_ && !all_delivered()) {
      application_->abort_all(now);
      stack_.abort_all(now);
    }
    const bool gone = all_transmitted() || now >= stop_deadline_ + kTransmitPatience;
    if (gone && all_delivered()) answer(stopping_);
  }
  if (leave_deadline_) {
    left_ = (all_transmitted() && !exchange_.anything_for(worker_)) || now >= *leave_deadline_;
  }
}

// In a later turn if a reply still waits to be sent.
void Worker::answer(std::optional<Command>& command) {
  if (unsent_reply_) return;
  reply(*command);
  command.reset();
}

// No session is left, and no connection without one has anything that its peer has not
// acknowledged. A peer that has our FIN and takes its time with its own is not waited for.
bool Worker::all_delivered() const {
  return application_->sessions() == 0 && stack_.usage().closing == 0;
}

bool Worker::all_transmitted() {
  return std::ranges::all_of(
      ports_, [this](const Port& port) { return stack_.outgoing(port.interface).empty(); });
}

// The only allocations of a running worker: a report that comes again brings its storage along.
void Worker::fill(WorkerReport& report) {
  report.worker = worker_;
  report.core = core_;
  report.counters.clear();
  report.gauges.clear();
  append_counters(report, "nic", nic_counters_);
  append_counters(report, "run", counters_);
  append_counters(report, "net", stack_.counters());
  const net::StackUsage usage = stack_.usage();
  report.gauges.push_back({.name = "connections", .value = usage.connections});
  report.gauges.push_back({.name = "half_open", .value = usage.half_open});
  report.gauges.push_back({.name = "time_wait", .value = usage.time_wait});
  report.gauges.push_back({.name = "neighbours", .value = usage.neighbours});
  report.gauges.push_back({.name = "duplicate_addresses", .value = usage.duplicate_addresses});
  report.gauges.push_back({.name = "packets_available", .value = pool_.available()});
  report.gauges.push_back({.name = "packets_capacity", .value = pool_.capacity()});
  application_->report(report);
}

base::Instant Worker::next_deadline() const {
  base::Instant next = std::min(stack_.next_deadline(), application_->next_deadline());
  for (const Port& port : ports_) {
    if (port.device != nullptr) next = std::min(next, port.device->next_deadline());
  }
  if (stopping_) next = std::min(next, stop_deadline_);
  return next;
}

void Worker::rest(base::Instant now, bool busy) {
  const base::Duration sleep =
      idle_.after_turn(busy, busy ? base::Duration() : next_deadline() - now);
  if (sleep <= base::Duration()) return;
  turn_began_ = base::Instant::never();
  Doorbell& doorbell = exchange_.doorbell(worker_);
  doorbell.arm();
  if (!exchange_.anything_for(worker_)) sleeper_.sleep(sleep);
  doorbell.disarm();
  if (!sleeper_.complete()) idle_.shorten(idle_sleep_);
  counters_.add(RunCounter::kSleeps);
  counters_.add(RunCounter::kSleptMicroseconds,
                static_cast<std::uint64_t>((clock_.now() - now).microseconds()));
}

}  // namespace sluice::run
