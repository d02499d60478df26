// dataplane: workers, memory, limits and ports.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"
#include "control/config/reading.hpp"
#include "control/config/values.hpp"

namespace sluice::control {
namespace {

using base::Duration;
namespace limits = base::limits;

constexpr KnownName kDataplaneKeys[] = {
    {"workers"}, {"ports"}, {"memory"}, {"limits"}, {"idle_sleep"},
};
constexpr KnownName kMemoryKeys[] = {{"packets_per_worker"}, {"huge_pages"}};
constexpr KnownName kLimitKeys[] = {
    {"max_connections"}, {"time_wait"}, {"receive_buffer"}, {"send_buffer"}};

// Fewer packets than this and the receive ring alone could take them all.
constexpr Bounds<std::uint64_t> kPacketBounds = {4096, std::uint64_t{1} << 22};
constexpr Bounds<std::uint64_t> kConnectionBounds = {2, limits::kMaxConnections};
constexpr Bounds<std::uint64_t> kBufferBounds = {std::uint64_t{16} << 10, std::uint64_t{64} << 20};
// RFC 9293 3.6.1: TIME-WAIT lasts two maximum segment lifetimes, four minutes.
constexpr Bounds<Duration> kTimeWaitBounds = {Duration::milliseconds(1), Duration::seconds(240)};
constexpr Bounds<Duration> kIdleSleepBounds = {Duration{}, Duration::milliseconds(10)};

constexpr std::string_view kWorkersExpected =
    "auto, a number of workers, or a list of cores such as [0, 1]";

void add_core(const Node& item, Reading& reading, std::vector<unsigned>& cores) {
  const auto& cpus = reading.options.cpus;
  const std::string* text = item_text(item, "workers", "a core's number", reading.problems);
  if (text == nullptr) return;
  const auto core = parse_count(*text);
  if (core && std::ranges::find(cpus, *core) != cpus.end()) {
    cores.push_back(static_cast<unsigned>(*core));
    return;
  }
  reading.problems.add(item.where,
                       fmt::format("workers: there is no core \"{}\"; expected one of {}", *text,
                                   fmt::join(cpus, ", ")));
}

// As many workers as asked for, each on a core of its own.
void spread_over_cores(const Node& node, Reading& reading, std::vector<unsigned>& cores) {
  const auto& cpus = reading.options.cpus;
  const std::size_t maximum = std::min(cpus.size(), limits::kMaxWorkers);
  const auto count = node.text == "auto" ? maximum : parse_count(node.text);
  if (!count) {
    reading.problems.add(node.where, fmt::format("workers: \"{}\" is not possible; expected {}",
                                                 node.text, kWorkersExpected));
  } else if (*count == 0 || *count > maximum) {
    reading.problems.add(
        node.where,
        fmt::format("workers: {} workers are not possible; expected 1 to {}, or a list of cores in "
                    "which a core may stand several times",
                    node.text, maximum));
  } else {
    cores.assign(cpus.begin(), cpus.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

void read_workers(const Section& section, Reading& reading, std::vector<unsigned>& cores) {
  const Node* node = section.find("workers");
  if (node != nullptr && node->is_sequence()) {
    section.list("workers", limits::kMaxWorkers, kWorkersExpected,
                 [&](const Node& item) { add_core(item, reading, cores); });
    return;
  }
  if (node != nullptr &&
      item_text(*node, "workers", kWorkersExpected, reading.problems) == nullptr) {
    return;
  }
  const Node automatic{.kind = Node::Kind::kScalar, .text = "auto"};
  spread_over_cores(node != nullptr ? *node : automatic, reading, cores);
}

}  // namespace

void read_dataplane(const Node& node, Reading& reading, run::DataplaneSettings& dataplane) {
  const Section section(node, "dataplane", kDataplaneKeys, reading.problems);
  read_workers(section, reading, dataplane.worker_cores);
  section.duration("idle_sleep", kIdleSleepBounds, dataplane.idle_sleep);
  if (const Node* memory = section.find("memory")) {
    const Section keys(*memory, "memory", kMemoryKeys, reading.problems);
    keys.count("packets_per_worker", kPacketBounds, dataplane.memory.packets_per_worker);
    keys.flag("huge_pages", dataplane.memory.huge_pages);
  }
  if (const Node* bounds = section.find("limits")) {
    const Section keys(*bounds, "limits", kLimitKeys, reading.problems);
    keys.count("max_connections", kConnectionBounds, dataplane.max_connections);
    keys.duration("time_wait", kTimeWaitBounds, dataplane.time_wait);
    keys.size("receive_buffer", kBufferBounds, dataplane.receive_buffer);
    keys.size("send_buffer", kBufferBounds, dataplane.send_buffer);
  }
  const std::size_t before = reading.problems.count();
  read_ports(section, reading, dataplane.ports);
  reading.ports_complete = reading.problems.count() == before;
}

}  // namespace sluice::control
