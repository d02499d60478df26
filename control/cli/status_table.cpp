#include "control/cli/status_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "control/admin/offload_lines.hpp"

namespace sluice::control {
namespace {

struct Row {
  std::vector<std::string> cells;
  std::string note;  // behind the cells
};

std::string format_uptime(std::uint64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d {}h", seconds / 86400, seconds / 3600 % 24);
}

// The first column to the left, the others to the right.
std::string format_rows(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], row.cells[i].size());
    }
  }
  std::string text;
  for (const auto& [cells, note] : rows) {
    std::string line = fmt::format("{:<{}}", cells.front(), widths.front());
    for (std::size_t i = 1; i < cells.size(); ++i) {
      line += fmt::format("  {:>{}}", cells[i], widths[i]);
    }
    line += "  " + note;
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string format_served(const Status& status) {
  std::string text = fmt::format("sluice {}, {} for {}\n", status.version, status.state,
                                 format_uptime(status.uptime_seconds));
  for (const PortStatus& port : status.ports) {
    text +=
        fmt::format("port {} on {}: {}\n", port.name, port.device, fmt::join(port.addresses, ", "));
    for (const std::string& line : offload_lines(port)) text += "  " + line + '\n';
  }
  for (const ListenerStatus& listener : status.listeners) {
    text += fmt::format("listener {} on {}\n", listener.name, listener.address);
    for (const RouteStatus& route : listener.routes) {
      text += fmt::format("  {} -> {}\n",
                          route.server_names.empty()
                              ? "any name"
                              : fmt::format("{}", fmt::join(route.server_names, ", ")),
                          route.backend);
    }
  }
  for (const BackendStatus& backend : status.backends) {
    text += fmt::format("backend {}: {}\n", backend.name, fmt::join(backend.servers, ", "));
  }
  for (const WorkerStatus& worker : status.workers) {
    if (worker.answered) continue;
    text += fmt::format("worker {} on core {} does not answer\n", worker.worker, worker.core);
  }
  return text;
}

// An empty cell where the worker did not answer.
std::string cell(const WorkerStatus& worker, std::size_t counter) {
  return worker.answered ? std::to_string(worker.counters[counter]) : "-";
}

std::string cell(const WorkerStatus& worker, const std::string& gauge) {
  const auto found =
      std::ranges::find(worker.gauges, gauge, &std::pair<std::string, std::uint64_t>::first);
  return found != worker.gauges.end() ? std::to_string(found->second) : "-";
}

Row header(std::string_view what, const Status& status, bool with_rates) {
  Row row{{std::string(what), "total"}, ""};
  if (with_rates) row.cells.emplace_back("/s");
  for (const WorkerStatus& worker : status.workers) {
    row.cells.push_back(fmt::format("worker {}", worker.worker));
  }
  return row;
}

class CounterRows {
 public:
  CounterRows(const Status& status, const StatusTableOptions& options)
      : status_(status), options_(options), totals_(status.counter_totals()) {
    if (options.previous != nullptr && options.seconds > 0) {
      previous_totals_ = options.previous->counter_totals();
    }
  }

  [[nodiscard]] bool with_rates() const { return previous_totals_.has_value(); }
  void append(base::Severity severity, std::vector<Row>& rows) const {
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      const CounterDescription& counter = status_.counters[i];
      if (counter.severity != severity || (totals_[i] == 0 && !options_.all)) continue;
      Row row{{fmt::format("  {}.{}", counter.layer, counter.name), std::to_string(totals_[i])},
              options_.explain ? counter.text : ""};
      if (with_rates()) row.cells.push_back(rate(i));
      for (const WorkerStatus& worker : status_.workers) row.cells.push_back(cell(worker, i));
      rows.push_back(std::move(row));
    }
  }

 private:
  // Empty where nothing happened, so that the eye finds what did.
  [[nodiscard]] std::string rate(std::size_t counter) const {
    const auto& before = *previous_totals_;
    if (counter >= before.size() || totals_[counter] <= before[counter]) return "";
    return fmt::format("{:.0f}",
                       static_cast<double>(totals_[counter] - before[counter]) / options_.seconds);
  }

  const Status& status_;
  const StatusTableOptions& options_;
  std::vector<std::uint64_t> totals_;
  std::optional<std::vector<std::uint64_t>> previous_totals_;
};

}  // namespace

std::string format_status(const Status& status, const StatusTableOptions& options) {
  static constexpr std::array kSeverities = {base::Severity::kWarning, base::Severity::kNotice,
                                             base::Severity::kInfo};
  const CounterRows counters(status, options);
  std::vector<Row> rows = {header("levels", status, counters.with_rates())};
  for (const auto& [name, total] : status.gauge_totals()) {
    Row row{{"  " + name, std::to_string(total)}, ""};
    if (counters.with_rates()) row.cells.emplace_back();
    for (const WorkerStatus& worker : status.workers) row.cells.push_back(cell(worker, name));
    rows.push_back(std::move(row));
  }
  for (const base::Severity severity : kSeverities) {
    std::vector<Row> section;
    counters.append(severity, section);
    if (section.empty()) continue;
    rows.push_back({{std::string(name_of(severity))}, ""});
    rows.insert(rows.end(), section.begin(), section.end());
  }
  return format_served(status) + '\n' + format_rows(rows);
}

}  // namespace sluice::control
