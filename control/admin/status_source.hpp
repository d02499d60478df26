// Puts a Status together: the constant parts from the configuration and from the ports as they came
// out, the numbers from the workers' reports.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "control/admin/status.hpp"
#include "control/admin/worker_reports.hpp"
#include "dataplane/run/port_summary.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::control {

class StatusSource {
 public:
  // How long the workers have for their reports.
  static constexpr std::chrono::milliseconds kReportTimeout{1000};

  // `ports` are those of the settings, in their order. Refers to all other arguments. The daemon's
  // uptime counts from here.
  StatusSource(std::string version, const run::DataplaneSettings& dataplane,
               const std::vector<run::PortSummary>& ports, const run::Snapshot& snapshot,
               WorkerReports& reports);

  // Any thread may call; takes up to kReportTimeout.
  [[nodiscard]] Status current();
  [[nodiscard]] const std::vector<PortStatus>& ports() const { return constant_.ports; }
  void set_draining() { draining_ = true; }

 private:
  const run::DataplaneSettings& dataplane_;
  WorkerReports& reports_;
  Status constant_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<bool> draining_ = false;
};

}  // namespace sluice::control
