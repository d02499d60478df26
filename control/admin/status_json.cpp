// Status as JSON, in both directions. The only place that includes the JSON library.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "control/admin/status.hpp"

namespace sluice::control {
namespace {

// Keeps the order of the keys: counters appear as their layers declare them.
using Json = nlohmann::ordered_json;

Json counters_json(const Status& status, const std::vector<std::uint64_t>& values) {
  Json layers = Json::object();
  for (std::size_t i = 0; i < values.size(); ++i) {
    layers[status.counters[i].layer][status.counters[i].name] = values[i];
  }
  return layers;
}

Json gauges_json(const std::vector<std::pair<std::string, std::uint64_t>>& gauges) {
  Json json = Json::object();
  for (const auto& [name, value] : gauges) json[name] = value;
  return json;
}

Json descriptions_json(const Status& status) {
  Json layers = Json::object();
  for (const CounterDescription& counter : status.counters) {
    layers[counter.layer][counter.name] = {{"severity", name_of(counter.severity)},
                                           {"text", counter.text}};
  }
  return layers;
}

Json worker_json(const Status& status, const WorkerStatus& worker) {
  return {{"worker", worker.worker},
          {"core", worker.core},
          {"answered", worker.answered},
          {"counters", counters_json(status, worker.counters)},
          {"gauges", gauges_json(worker.gauges)}};
}

Json listener_json(const ListenerStatus& listener) {
  Json routes = Json::array();
  for (const RouteStatus& route : listener.routes) {
    routes.push_back({{"server_names", route.server_names}, {"backend", route.backend}});
  }
  return {{"name", listener.name}, {"address", listener.address}, {"routes", std::move(routes)}};
}

Json port_json(const PortStatus& port) {
  Json offloads = Json::object();
  for (const OffloadStatus& offload : port.offloads) {
    Json& use = offloads[offload.name] = {{"by", offload.by_device ? "device" : "software"}};
    if (!offload.by_device) use["why"] = offload.why_not;
  }
  return {{"name", port.name},
          {"device", port.device},
          {"addresses", port.addresses},
          {"offloads", std::move(offloads)}};
}

base::Severity severity_of(const std::string& name) {
  if (name == name_of(base::Severity::kWarning)) return base::Severity::kWarning;
  if (name == name_of(base::Severity::kNotice)) return base::Severity::kNotice;
  return base::Severity::kInfo;
}

std::vector<CounterDescription> read_descriptions(const Json& layers) {
  std::vector<CounterDescription> counters;
  for (const auto& [layer, names] : layers.items()) {
    for (const auto& [name, description] : names.items()) {
      counters.push_back({.layer = layer,
                          .name = name,
                          .severity = severity_of(description.at("severity").get<std::string>()),
                          .text = description.at("text").get<std::string>()});
    }
  }
  return counters;
}

WorkerStatus read_worker(const Json& json, const std::vector<CounterDescription>& counters) {
  WorkerStatus worker;
  worker.worker = json.at("worker").get<unsigned>();
  worker.core = json.at("core").get<unsigned>();
  worker.answered = json.at("answered").get<bool>();
  if (worker.answered) {
    for (const CounterDescription& counter : counters) {
      worker.counters.push_back(
          json.at("counters").at(counter.layer).at(counter.name).get<std::uint64_t>());
    }
  }
  for (const auto& [name, value] : json.at("gauges").items()) {
    worker.gauges.emplace_back(name, value.get<std::uint64_t>());
  }
  return worker;
}

ListenerStatus read_listener(const Json& json) {
  ListenerStatus listener;
  json.at("name").get_to(listener.name);
  json.at("address").get_to(listener.address);
  for (const Json& route : json.at("routes")) {
    listener.routes.push_back({route.at("server_names").get<std::vector<std::string>>(),
                               route.at("backend").get<std::string>()});
  }
  return listener;
}

PortStatus read_port(const Json& json) {
  PortStatus port{.name = json.at("name").get<std::string>(),
                  .device = json.at("device").get<std::string>(),
                  .addresses = json.at("addresses").get<std::vector<std::string>>(),
                  .offloads = {}};
  for (const auto& [name, use] : json.at("offloads").items()) {
    port.offloads.push_back({.name = name,
                             .by_device = use.at("by").get<std::string>() == "device",
                             .why_not = use.value("why", std::string())});
  }
  return port;
}

Status read_status(const Json& json) {
  Status status;
  json.at("version").get_to(status.version);
  json.at("state").get_to(status.state);
  json.at("uptime_seconds").get_to(status.uptime_seconds);
  for (const Json& port : json.at("ports")) status.ports.push_back(read_port(port));
  for (const Json& listener : json.at("listeners")) {
    status.listeners.push_back(read_listener(listener));
  }
  for (const Json& backend : json.at("backends")) {
    status.backends.push_back({backend.at("name").get<std::string>(),
                               backend.at("servers").get<std::vector<std::string>>()});
  }
  status.counters = read_descriptions(json.at("descriptions"));
  for (const Json& worker : json.at("workers")) {
    status.workers.push_back(read_worker(worker, status.counters));
  }
  return status;
}

}  // namespace

std::string to_json(const Status& status) {
  Json json = {{"version", status.version},
               {"state", status.state},
               {"uptime_seconds", status.uptime_seconds},
               {"ports", Json::array()},
               {"listeners", Json::array()},
               {"backends", Json::array()},
               {"workers", Json::array()},
               {"totals",
                {{"counters", counters_json(status, status.counter_totals())},
                 {"gauges", gauges_json(status.gauge_totals())}}},
               {"descriptions", descriptions_json(status)}};
  for (const PortStatus& port : status.ports) json["ports"].push_back(port_json(port));
  for (const ListenerStatus& listener : status.listeners) {
    json["listeners"].push_back(listener_json(listener));
  }
  for (const BackendStatus& backend : status.backends) {
    json["backends"].push_back({{"name", backend.name}, {"servers", backend.servers}});
  }
  for (const WorkerStatus& worker : status.workers) {
    json["workers"].push_back(worker_json(status, worker));
  }
  return json.dump(2) + '\n';
}

base::Result<Status, std::string> status_from_json(std::string_view text) {
  // The library speaks in exceptions; none of them leaves this function.
  try {
    return read_status(Json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    return base::Unexpected{fmt::format("not a status: {}", error.what())};
  }
}

std::string check_result_json(const std::vector<std::string>& errors,
                              const std::vector<std::string>& warnings) {
  const Json json = {{"valid", errors.empty()}, {"errors", errors}, {"warnings", warnings}};
  return json.dump(2) + '\n';
}

}  // namespace sluice::control
