#include "control/admin/counter_watch.hpp"

#include <fmt/format.h>

namespace sluice::control {

std::vector<std::string> CounterWatch::changes(const Status& status) {
  std::vector<std::string> lines;
  silent_.resize(status.workers.size());
  bool all_answered = true;
  for (std::size_t i = 0; i < status.workers.size(); ++i) {
    const WorkerStatus& worker = status.workers[i];
    if (!worker.answered && !silent_[i]) {
      lines.push_back(
          fmt::format("worker {} on core {} does not answer", worker.worker, worker.core));
    }
    silent_[i] = !worker.answered;
    all_answered = all_answered && worker.answered;
  }
  // Totals without a worker would seem to fall, and to rise when it answers again.
  if (!all_answered) return lines;
  const auto totals = status.counter_totals();
  seen_.resize(totals.size());
  for (std::size_t i = 0; i < totals.size(); ++i) {
    const CounterDescription& counter = status.counters[i];
    if (counter.severity == base::Severity::kWarning && totals[i] > seen_[i]) {
      lines.push_back(fmt::format("{}.{} +{}: {}", counter.layer, counter.name,
                                  totals[i] - seen_[i], counter.text));
    }
  }
  seen_ = totals;
  return lines;
}

}  // namespace sluice::control
