// dataplane.tcp: what decides how fast TCP sends, how long it waits for peers that are silent, and
// what all connections of a worker may hold.
#include <fmt/format.h>

#include "control/config/reading.hpp"
#include "control/config/values.hpp"

namespace sluice::control {
namespace {

using base::Duration;

constexpr KnownName kTcpKeys[] = {
    {"congestion"}, {"keepalive"}, {"user_timeout"}, {"orphan_timeout"}, {"memory"},
};
constexpr KnownName kCongestions[] = {{"cubic"}, {"bbr"}};
constexpr KnownName kKeepaliveKeys[] = {{"idle"}, {"interval"}, {"probes"}};
constexpr KnownName kMemoryKeys[] = {{"receive"}, {"send"}};

constexpr Duration kLongest = Duration::seconds(24 * 3600);
constexpr Bounds<Duration> kTimeoutBounds = {Duration::seconds(1), kLongest};
constexpr Bounds<Duration> kIdleBounds = {Duration{}, kLongest};
constexpr Bounds<Duration> kIntervalBounds = {Duration::seconds(1), Duration::seconds(3600)};
constexpr Bounds<std::uint64_t> kProbeBounds = {1, 100};
constexpr Bounds<std::uint64_t> kMemoryBounds = {std::uint64_t{1} << 20, std::uint64_t{1} << 40};

void read_keepalive(const Node& node, Reading& reading, run::TcpSettings& tcp) {
  const Section keys(node, "keepalive", kKeepaliveKeys, reading.problems);
  Duration idle = tcp.keepalive_idle;
  keys.duration("idle", kIdleBounds, idle);
  if (idle > Duration{} && idle < Duration::seconds(1)) {
    reading.problems.add(
        keys.find("idle")->where,
        fmt::format("idle: {} is too short; expected at least 1s, or 0 for no keep-alive",
                    format_duration(idle)));
  }
  tcp.keepalive_idle = idle;
  keys.duration("interval", kIntervalBounds, tcp.keepalive_interval);
  keys.count("probes", kProbeBounds, tcp.keepalive_probes);
}

// A connection must be able to have its buffer.
void check_memory(const Section& keys, std::string_view key, std::size_t memory,
                  std::string_view buffer_key, std::size_t buffer, Problems& problems) {
  const Node* node = keys.find(key);
  if (node == nullptr || memory == 0 || memory >= buffer) return;
  problems.add(node->where, fmt::format("{}: {} is less than the {} of one connection; expected at "
                                        "least {}",
                                        key, format_size(memory), buffer_key, format_size(buffer)));
}

}  // namespace

void read_tcp(const Section& dataplane, Reading& reading, run::DataplaneSettings& settings) {
  const Node* node = dataplane.find("tcp");
  if (node == nullptr) return;
  const Section section(*node, "tcp", kTcpKeys, reading.problems);
  run::TcpSettings& tcp = settings.tcp;
  if (const Node* congestion = section.find("congestion")) {
    const auto choice = read_choice(*congestion, "congestion", kCongestions, reading.problems);
    if (choice == 1) tcp.congestion = run::CongestionControl::kBbr;
  }
  if (const Node* keepalive = section.find("keepalive")) read_keepalive(*keepalive, reading, tcp);
  section.duration("user_timeout", kTimeoutBounds, tcp.user_timeout);
  section.duration("orphan_timeout", kTimeoutBounds, tcp.orphan_timeout);
  if (const Node* memory = section.find("memory")) {
    const Section keys(*memory, "memory", kMemoryKeys, reading.problems);
    keys.size("receive", kMemoryBounds, tcp.receive_memory);
    keys.size("send", kMemoryBounds, tcp.send_memory);
    check_memory(keys, "receive", tcp.receive_memory, "limits.receive_buffer",
                 settings.receive_buffer, reading.problems);
    check_memory(keys, "send", tcp.send_memory, "limits.send_buffer", settings.send_buffer,
                 reading.problems);
  }
}

}  // namespace sluice::control
