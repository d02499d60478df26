// Puts a Status together: the constant parts from the configuration, the numbers from the workers'
// reports.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "control/admin/status.hpp"
#include "control/admin/worker_reports.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::control {

class StatusSource {
 public:
  // How long the workers have for their reports.
  static constexpr std::chrono::milliseconds kReportTimeout{1000};

  // Refers to all arguments. The daemon's uptime counts from here.
  StatusSource(std::string version, const run::DataplaneSettings& dataplane,
               const run::Snapshot& snapshot, WorkerReports& reports);

  // Any thread may call; takes up to kReportTimeout.
  [[nodiscard]] Status current();
  void set_draining() { draining_ = true; }

 private:
  const run::DataplaneSettings& dataplane_;
  WorkerReports& reports_;
  Status constant_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<bool> draining_ = false;
};

}  // namespace sluice::control
