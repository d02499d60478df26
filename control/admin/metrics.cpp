// Status in the Prometheus text exposition format, through prometheus-cpp's serialiser.
#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

#include "control/admin/status.hpp"

namespace sluice::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric::Label worker_label(const WorkerStatus& worker) {
  return {"worker", std::to_string(worker.worker)};
}

MetricFamily counter_family(const Status& status, std::size_t index) {
  const CounterDescription& counter = status.counters[index];
  MetricFamily family{fmt::format("sluice_{}_{}_total", counter.layer, counter.name),
                      counter.text,
                      MetricType::Counter,
                      {}};
  for (const WorkerStatus& worker : status.workers) {
    if (!worker.answered) continue;
    ClientMetric& metric = family.metric.emplace_back();
    metric.label.push_back(worker_label(worker));
    metric.counter.value = static_cast<double>(worker.counters[index]);
  }
  return family;
}

MetricFamily gauge_family(const Status& status, const std::string& name) {
  MetricFamily family{"sluice_" + name, "A level of the worker's.", MetricType::Gauge, {}};
  for (const WorkerStatus& worker : status.workers) {
    for (const auto& [gauge, value] : worker.gauges) {
      if (gauge != name) continue;
      ClientMetric& metric = family.metric.emplace_back();
      metric.label.push_back(worker_label(worker));
      metric.gauge.value = static_cast<double>(value);
    }
  }
  return family;
}

MetricFamily uptime_family(const Status& status) {
  MetricFamily family{
      "sluice_uptime_seconds", "Since the daemon began to serve.", MetricType::Gauge, {}};
  family.metric.emplace_back().gauge.value = static_cast<double>(status.uptime_seconds);
  return family;
}

MetricFamily worker_family(const Status& status) {
  MetricFamily family{
      "sluice_worker_up", "1 where the worker answered in time.", MetricType::Gauge, {}};
  for (const WorkerStatus& worker : status.workers) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label.push_back(worker_label(worker));
    metric.gauge.value = worker.answered ? 1 : 0;
  }
  return family;
}

}  // namespace

std::string to_metrics(const Status& status) {
  std::vector<MetricFamily> families = {uptime_family(status), worker_family(status)};
  for (std::size_t i = 0; i < status.counters.size(); ++i) {
    families.push_back(counter_family(status, i));
  }
  for (const auto& [name, total] : status.gauge_totals()) {
    families.push_back(gauge_family(status, name));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace sluice::control
