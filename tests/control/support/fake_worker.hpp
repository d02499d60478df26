// A thread that answers a mailbox as a worker does.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/counters.hpp"
#include "dataplane/run/mailbox.hpp"

namespace sluice::control::testing {

inline constexpr std::array<base::CounterInfo, 3> kFakeInfos = {
    {{"frames", base::Severity::kInfo, "Frames."},
     {"malformed", base::Severity::kNotice, "Frames that were malformed."},
     {"pool_empty", base::Severity::kWarning, "Times the pool was empty."}}};

class FakeWorker {
 public:
  explicit FakeWorker(unsigned index) : index_(index) {
    thread_ = std::thread([this] { run(); });
  }
  ~FakeWorker() {
    stop_ = true;
    thread_.join();
  }
  FakeWorker(const FakeWorker&) = delete;
  FakeWorker& operator=(const FakeWorker&) = delete;

  [[nodiscard]] run::Mailbox* mailbox() { return &mailbox_; }
  void set_deaf(bool deaf) { deaf_ = deaf; }
  void end_sessions() { sessions_ = 0; }

 private:
  void run() {
    bool draining = false;
    std::uint64_t reports = 0;
    while (!stop_) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      if (deaf_) continue;
      if (const auto command = mailbox_.commands.pop()) {
        if (command->kind == run::Command::Kind::kDrain) draining = true;
        if (command->kind == run::Command::Kind::kReport) {
          fill(*command->report, ++reports);
          (void)mailbox_.replies.push(
              {.kind = command->kind, .report = command->report, .id = command->id});
        }
      }
      if (draining && sessions_ == 0) {
        draining = false;
        (void)mailbox_.replies.push(
            {.kind = run::Command::Kind::kDrain, .report = nullptr, .id = 0});
      }
    }
  }

  // Worker i reports frames = 100 (i + 1), malformed = i, pool_empty = how often it was asked.
  void fill(run::WorkerReport& report, std::uint64_t reports) const {
    report.worker = index_;
    report.core = index_;
    report.counters = {
        {.layer = "nic",
         .infos = std::span(kFakeInfos).first(2),
         .values = {100 * (std::uint64_t{index_} + 1), index_}},
        {.layer = "run", .infos = std::span(kFakeInfos).last(1), .values = {reports}}};
    report.gauges = {{.name = "connections", .value = index_ + 5U}};
  }

  const unsigned index_;
  run::Mailbox mailbox_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> deaf_ = false;
  std::atomic<unsigned> sessions_ = 1;
  std::thread thread_;
};

// Two of them.
struct FakeWorkers {
  FakeWorker first{0};
  FakeWorker second{1};
  [[nodiscard]] std::vector<run::Mailbox*> mailboxes() {
    return {first.mailbox(), second.mailbox()};
  }
};

}  // namespace sluice::control::testing
