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
    {"workers"}, {"ports"}, {"memory"}, {"limits"}, {"tcp"}, {"idle_sleep"},
};
constexpr KnownName kMemoryKeys[] = {{"packets_per_worker"}, {"huge_pages"}};
constexpr KnownName kLimitKeys[] = {
    {"max_connections"}, {"time_wait"}, {"receive_buffer"}, {"send_buffer"}};

// Fewer packets than this and the receive ring alone could take them all.
constexpr Bounds<std::uint64_t> kPacketBounds = {4096, std::uint64_t{1} << 22};
constexpr Bounds<std::uint64_t> kConnectionBounds = {2, limits::kMaxConnections};
constexpr std::uint64_t kMaxBuffer = std::uint64_t{64} << 20;
constexpr Bounds<std::uint64_t> kSendBufferBounds = {std::uint64_t{16} << 10, kMaxBuffer};
// A record is decrypted when it is whole, so all of it has to find room at once: in packets that
// are half empty at worst, with one more of them and a segment's step of the window to spare.
constexpr Bounds<std::uint64_t> kReceiveBufferBounds = {std::uint64_t{64} << 10, kMaxBuffer};
// With jumbo frames every packet is large, whatever the peers send.
constexpr std::uint64_t kMinJumboReceiveBuffer = std::uint64_t{128} << 10;
constexpr std::uint16_t kStandardMtu = 1500;
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

// After the workers, each of which may keep some of every other one's packets.
void read_memory(const Section& section, Reading& reading, run::DataplaneSettings& dataplane) {
  const Node* node = section.find("memory");
  if (node == nullptr) return;
  const Section keys(*node, "memory", kMemoryKeys, reading.problems);
  std::size_t& packets = dataplane.memory.packets_per_worker;
  keys.count("packets_per_worker", kPacketBounds, packets);
  keys.flag("huge_pages", dataplane.memory.huge_pages);
  const std::size_t workers = dataplane.worker_cores.size();
  const std::size_t least = limits::kLeastPackets + workers * limits::kHoardedPackets;
  if (packets >= least) return;
  reading.problems.add(
      keys.find("packets_per_worker")->where,
      fmt::format("packets_per_worker: {} are too few for {} workers; expected at least {}",
                  packets, workers, least));
}

// Returns where the receive buffer stands, for check_receive_buffer(), which needs the ports.
std::optional<Location> read_limits(const Section& section, Reading& reading,
                                    run::DataplaneSettings& dataplane) {
  const Node* node = section.find("limits");
  if (node == nullptr) return std::nullopt;
  const Section keys(*node, "limits", kLimitKeys, reading.problems);
  keys.count("max_connections", kConnectionBounds, dataplane.max_connections);
  keys.duration("time_wait", kTimeWaitBounds, dataplane.time_wait);
  keys.size("receive_buffer", kReceiveBufferBounds, dataplane.receive_buffer);
  keys.size("send_buffer", kSendBufferBounds, dataplane.send_buffer);
  const Node* receive_buffer = keys.find("receive_buffer");
  if (receive_buffer == nullptr) return std::nullopt;
  return receive_buffer->where;
}

void check_receive_buffer(const Location& where, Reading& reading,
                          const run::DataplaneSettings& dataplane) {
  const bool jumbo = std::ranges::any_of(
      dataplane.ports, [](const run::PortSettings& port) { return port.mtu > kStandardMtu; });
  if (!jumbo || dataplane.receive_buffer >= kMinJumboReceiveBuffer) return;
  reading.problems.add(
      where, fmt::format("receive_buffer: {} is too little where a port's mtu is above {}; "
                         "expected at least {}",
                         format_size(dataplane.receive_buffer), kStandardMtu,
                         format_size(kMinJumboReceiveBuffer)));
}

}  // namespace

void read_dataplane(const Node& node, Reading& reading, run::DataplaneSettings& dataplane) {
  const Section section(node, "dataplane", kDataplaneKeys, reading.problems);
  read_workers(section, reading, dataplane.worker_cores);
  section.duration("idle_sleep", kIdleSleepBounds, dataplane.idle_sleep);
  read_memory(section, reading, dataplane);
  const auto receive_buffer_at = read_limits(section, reading, dataplane);
  read_tcp(section, reading, dataplane);
  const std::size_t before = reading.problems.count();
  read_ports(section, reading, dataplane.ports);
  reading.ports_complete = reading.problems.count() == before;
  if (receive_buffer_at) check_receive_buffer(*receive_buffer_at, reading, dataplane);
}

}  // namespace sluice::control
