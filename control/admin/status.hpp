// What `GET /status` says: the daemon as plain values, and as the JSON that carries them to
// sluicectl.
//
//   {"version", "state", "uptime_seconds", "ports": [...], "listeners": [...], "backends": [...],
//    "workers": [{"worker", "core", "answered", "counters": {LAYER: {NAME: n}}, "gauges": {NAME:
//    n}}], "totals": {"counters": {LAYER: {NAME: n}}, "gauges": {NAME: n}}, "descriptions": {LAYER:
//    {NAME: {"severity", "text"}}}}
//
// Each port has its "name", "device", "addresses" and "offloads": {NAME: {"by": "device"}} or
// {NAME:
// {"by": "software", "why": TEXT}}.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counters.hpp"
#include "base/result.hpp"

namespace sluice::control {

// Work that a device may take off the processor.
struct OffloadStatus {
  std::string name;
  bool by_device = false;
  std::string why_not;  // empty where the device does it
};

struct PortStatus {
  std::string name;
  std::string device;
  std::vector<std::string> addresses;
  std::vector<OffloadStatus> offloads;
};

struct RouteStatus {
  std::vector<std::string> server_names;  // empty: all
  std::string backend;
};

struct ListenerStatus {
  std::string name;
  std::string address;
  std::vector<RouteStatus> routes;
};

struct BackendStatus {
  std::string name;
  std::vector<std::string> servers;
};

struct CounterDescription {
  std::string layer;
  std::string name;
  base::Severity severity = base::Severity::kInfo;
  std::string text;
};

struct WorkerStatus {
  unsigned worker = 0;
  unsigned core = 0;
  bool answered = false;
  std::vector<std::uint64_t> counters;  // parallel to Status::counters; empty unless answered
  std::vector<std::pair<std::string, std::uint64_t>> gauges;
};

struct Status {
  std::string version;
  std::string state;  // "serving" or "draining"
  std::uint64_t uptime_seconds = 0;
  std::vector<PortStatus> ports;
  std::vector<ListenerStatus> listeners;
  std::vector<BackendStatus> backends;
  std::vector<CounterDescription> counters;
  std::vector<WorkerStatus> workers;

  // Sums over the workers that answered.
  [[nodiscard]] std::vector<std::uint64_t> counter_totals() const;
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> gauge_totals() const;
};

[[nodiscard]] std::string_view name_of(base::Severity severity);

[[nodiscard]] std::string to_json(const Status& status);
// The error says what is wrong with the text.
[[nodiscard]] base::Result<Status, std::string> status_from_json(std::string_view text);

// What `sluicectl check --json` says: {"valid", "errors": [...], "warnings": [...]}.
[[nodiscard]] std::string check_result_json(const std::vector<std::string>& errors,
                                            const std::vector<std::string>& warnings);

// The Prometheus text exposition format: sluice_LAYER_NAME_total{worker="0"} for counters,
// sluice_NAME{worker="0"} for gauges, sluice_worker_up for who answered.
[[nodiscard]] std::string to_metrics(const Status& status);

}  // namespace sluice::control
