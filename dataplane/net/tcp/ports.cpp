#include "dataplane/net/tcp/ports.hpp"

namespace sluice::net::tcp {
namespace {

constexpr std::uint32_t kPorts = 65'536 - kFirstEphemeralPort;
// Candidates looked at before giving up, which bounds what one open costs: with 64 workers each
// owns one in 64, and there is still one free among the last few percent.
constexpr std::uint32_t kMaxTrials = 8'192;
// How long to look for a port that is not in TIME-WAIT once one is known that may be reused.
constexpr std::uint32_t kPatientTrials = 256;
// RFC 6191 2: our timestamp clock, of milliseconds, has moved on for certain.
constexpr base::Duration kReusableAfter = base::Duration::seconds(1);

bool reusable(const Core& core, const TimeWaitEntry& entry) {
  return entry.timestamps && core.now - entry.entered >= kReusableAfter;
}

}  // namespace

std::optional<base::FourTuple> choose_port(Core& core, const base::IpAddress& source,
                                           const base::SocketAddress& remote) {
  base::FourTuple flow{.local = {.address = source, .port = 0}, .remote = remote};
  const std::uint32_t offset = core.hash.port_offset(flow);
  std::optional<base::FourTuple> in_time_wait;
  for (std::uint32_t trial = 0; trial < kMaxTrials; ++trial) {
    if (in_time_wait && trial >= kPatientTrials) break;
    const std::uint32_t at = (offset + core.port_counter++) % kPorts;
    flow.local.port = static_cast<std::uint16_t>(kFirstEphemeralPort + at);
    if (core.owns_flow && !core.owns_flow(flow)) continue;
    const std::uint32_t hash = core.hash.bucket(flow);
    if (core.find(flow, hash) != nullptr) continue;
    const TimeWaitEntry* entry = core.time_wait.find(flow, hash);
    if (entry == nullptr) return flow;
    if (!in_time_wait && reusable(core, *entry)) in_time_wait = flow;
  }
  if (in_time_wait) {
    core.time_wait.erase(*core.time_wait.find(*in_time_wait, core.hash.bucket(*in_time_wait)));
    core.count(NetCounter::kTcpTimeWaitReused);
  }
  return in_time_wait;
}

}  // namespace sluice::net::tcp
