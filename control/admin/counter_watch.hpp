// Turns counters that an operator should look at into log lines: one per counter that has grown
// since the last look, however often it grew, so that a flood of packets is no flood of lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/admin/status.hpp"

namespace sluice::control {

class CounterWatch {
 public:
  // What there is to warn of since the last call.
  [[nodiscard]] std::vector<std::string> changes(const Status& status);

 private:
  std::vector<std::uint64_t> seen_;  // totals, parallel to Status::counters
  std::vector<bool> silent_;         // workers that did not answer the last time
};

}  // namespace sluice::control
