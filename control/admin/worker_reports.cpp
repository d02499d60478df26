#include "control/admin/worker_reports.hpp"

#include <algorithm>
#include <thread>

namespace sluice::control {
namespace {

// A worker looks into its mailbox once per turn of its loop, or after its idle sleep.
constexpr std::chrono::microseconds kPollInterval{200};

}  // namespace

WorkerReports::WorkerReports(std::span<run::Mailbox* const> mailboxes)
    : channels_(mailboxes.size()) {
  for (std::size_t i = 0; i < mailboxes.size(); ++i) channels_[i].mailbox = mailboxes[i];
}

std::vector<std::optional<run::WorkerReport>> WorkerReports::collect(
    std::chrono::milliseconds timeout) {
  const std::lock_guard lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  // Late answers to earlier questions are stale: take them back before asking anew.
  take_replies();
  std::vector<bool> asked(channels_.size());
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    Channel& channel = channels_[i];
    if (!channel.report_lent) {
      channel.report_lent = channel.mailbox->commands.push(
          {.kind = run::Command::Kind::kReport, .report = &channel.report, .id = next_id_++});
    }
    asked[i] = channel.report_lent;
  }
  const auto is_lent = [](const Channel& channel) { return channel.report_lent; };
  while (std::ranges::any_of(channels_, is_lent) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPollInterval);
    take_replies();
  }
  std::vector<std::optional<run::WorkerReport>> reports(channels_.size());
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (asked[i] && !channels_[i].report_lent) reports[i] = channels_[i].report;
  }
  return reports;
}

void WorkerReports::start_draining() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  send_drain_commands();
}

bool WorkerReports::drained() {
  const std::lock_guard lock(mutex_);
  // A full ring may have refused the command before.
  if (draining_) send_drain_commands();
  take_replies();
  return std::ranges::all_of(channels_, [](const Channel& channel) { return channel.drained; });
}

void WorkerReports::send_drain_commands() {
  for (Channel& channel : channels_) {
    if (channel.drain_sent) continue;
    channel.drain_sent = channel.mailbox->commands.push(
        {.kind = run::Command::Kind::kDrain, .report = nullptr, .id = next_id_++});
  }
}

void WorkerReports::take_replies() {
  for (Channel& channel : channels_) {
    while (const auto reply = channel.mailbox->replies.pop()) {
      if (reply->kind == run::Command::Kind::kReport) channel.report_lent = false;
      if (reply->kind == run::Command::Kind::kDrain) channel.drained = true;
    }
  }
}

}  // namespace sluice::control
