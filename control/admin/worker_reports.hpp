// The control side's end of the workers' mailboxes: it asks for reports and for draining, and waits
// for answers no longer than it says. A worker that does not answer in time is reported as such;
// its late answer is taken in when it comes. Any control thread may call; calls are serialised, as
// a mailbox has one producer and one consumer.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/run/mailbox.hpp"

namespace sluice::control {

class WorkerReports {
 public:
  // The mailbox at index i is worker i's. Must outlive the workers: one that has not answered still
  // writes into the report it was lent.
  explicit WorkerReports(std::span<run::Mailbox* const> mailboxes);

  // One entry per worker; empty where none came within the timeout.
  [[nodiscard]] std::vector<std::optional<run::WorkerReport>> collect(
      std::chrono::milliseconds timeout);

  // Tells every worker to accept nothing new and to let its sessions end.
  void start_draining();
  // True when every worker has replied that no session is left.
  [[nodiscard]] bool drained();

 private:
  struct Channel {
    run::Mailbox* mailbox = nullptr;
    run::WorkerReport report;
    bool report_lent = false;  // the worker may be writing into `report`
    bool drain_sent = false;
    bool drained = false;
  };
  void take_replies();
  void send_drain_commands();

  std::mutex mutex_;
  std::vector<Channel> channels_;
  std::uint64_t next_id_ = 1;
  bool draining_ = false;
};

}  // namespace sluice::control
