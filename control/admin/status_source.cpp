#include "control/admin/status_source.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "control/config/configuration.hpp"

namespace sluice::control {
namespace {

template <typename Values>
std::vector<std::string> texts_of(const Values& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(value.to_string());
  return texts;
}

PortStatus describe(const run::PortSettings& port, const run::PortSummary& summary) {
  PortStatus status{.name = port.name,
                    .device = describe_device(port),
                    .addresses = texts_of(port.addresses),
                    .offloads = {}};
  for (const run::OffloadSummary& offload : summary.offloads) {
    status.offloads.push_back({.name = std::string(offload.name),
                               .by_device = offload.by_device,
                               .why_not = std::string(offload.why_not)});
  }
  return status;
}

ListenerStatus describe(const run::ListenerSettings& listener, const run::Snapshot& snapshot) {
  ListenerStatus status{
      .name = listener.name, .address = listener.address.to_string(), .routes = {}};
  for (const run::RouteSettings& route : listener.routes) {
    status.routes.push_back({route.server_names, snapshot.backends[route.backend].name});
  }
  return status;
}

// All workers have the same layers, so one report describes the counters of all.
std::vector<CounterDescription> describe_counters(const run::WorkerReport& report) {
  std::vector<CounterDescription> counters;
  for (const run::CounterSection& section : report.counters) {
    for (const base::CounterInfo& info : section.infos) {
      counters.push_back({std::string(section.layer), std::string(info.name), info.severity,
                          std::string(info.text)});
    }
  }
  return counters;
}

void fill_in(WorkerStatus& status, const run::WorkerReport& report) {
  status.answered = true;
  for (const run::CounterSection& section : report.counters) {
    status.counters.insert(status.counters.end(), section.values.begin(), section.values.end());
  }
  for (const run::Gauge& gauge : report.gauges) {
    status.gauges.emplace_back(std::string(gauge.name), gauge.value);
  }
}

}  // namespace

StatusSource::StatusSource(std::string version, const run::DataplaneSettings& dataplane,
                           const std::vector<run::PortSummary>& ports,
                           const run::Snapshot& snapshot, WorkerReports& reports)
    : dataplane_(dataplane), reports_(reports) {
  constant_.version = std::move(version);
  assert(ports.size() == dataplane.ports.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    constant_.ports.push_back(describe(dataplane.ports[i], ports[i]));
  }
  for (const run::ListenerSettings& listener : snapshot.listeners) {
    constant_.listeners.push_back(describe(listener, snapshot));
  }
  for (const run::BackendSettings& backend : snapshot.backends) {
    constant_.backends.push_back({backend.name, texts_of(backend.servers)});
  }
}

Status StatusSource::current() {
  Status status = constant_;
  status.state = draining_ ? "draining" : "serving";
  const auto uptime = std::chrono::steady_clock::now() - start_;
  status.uptime_seconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(uptime).count());

  const auto reports = reports_.collect(kReportTimeout);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    WorkerStatus& worker = status.workers.emplace_back();
    worker.worker = static_cast<unsigned>(i);
    worker.core = i < dataplane_.worker_cores.size() ? dataplane_.worker_cores[i] : 0;
    if (!reports[i]) continue;
    if (status.counters.empty()) status.counters = describe_counters(*reports[i]);
    fill_in(worker, *reports[i]);
  }
  return status;
}

}  // namespace sluice::control
