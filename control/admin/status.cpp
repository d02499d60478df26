#include "control/admin/status.hpp"

#include <algorithm>

namespace sluice::control {

std::vector<std::uint64_t> Status::counter_totals() const {
  std::vector<std::uint64_t> totals(counters.size());
  for (const WorkerStatus& worker : workers) {
    for (std::size_t i = 0; i < worker.counters.size(); ++i) totals[i] += worker.counters[i];
  }
  return totals;
}

std::vector<std::pair<std::string, std::uint64_t>> Status::gauge_totals() const {
  std::vector<std::pair<std::string, std::uint64_t>> totals;
  for (const WorkerStatus& worker : workers) {
    for (const auto& [name, value] : worker.gauges) {
      const auto total =
          std::ranges::find(totals, name, &std::pair<std::string, std::uint64_t>::first);
      if (total != totals.end()) {
        total->second += value;
      } else {
        totals.emplace_back(name, value);
      }
    }
  }
  return totals;
}

std::string_view name_of(base::Severity severity) {
  switch (severity) {
    case base::Severity::kInfo:
      return "info";
    case base::Severity::kNotice:
      return "notice";
    case base::Severity::kWarning:
      return "warning";
  }
  return "";
}

}  // namespace sluice::control
