#include "dataplane/run/stop_workers.hpp"

#include <time.h>

#include <vector>

namespace sluice::run {
namespace {

void sleep_briefly() {
  const timespec request{.tv_sec = 0, .tv_nsec = 1'000'000};
  (void)::nanosleep(&request, nullptr);
}

// Takes all replies; true when one of them was to a kStop.
bool take_stop_reply(Mailbox& mailbox) {
  bool stopped = false;
  while (const auto reply = mailbox.replies.pop()) stopped |= reply->kind == Command::Kind::kStop;
  return stopped;
}

// A full ring of replies would keep the worker from reading its commands: it is emptied meanwhile.
void give(Mailbox& mailbox, Command::Kind kind) {
  while (!mailbox.commands.push({.kind = kind, .report = nullptr, .id = 0})) {
    (void)take_stop_reply(mailbox);
    sleep_briefly();
  }
}

}  // namespace

void stop_workers(std::span<Mailbox* const> mailboxes) {
  for (Mailbox* mailbox : mailboxes) give(*mailbox, Command::Kind::kStop);
  for (Mailbox* mailbox : mailboxes) {
    while (!take_stop_reply(*mailbox)) sleep_briefly();
  }
  for (Mailbox* mailbox : mailboxes) give(*mailbox, Command::Kind::kLeave);
}

}  // namespace sluice::run
