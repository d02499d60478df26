#include "dataplane/net/tcp/path_mtu_discovery.hpp"

#include <algorithm>

#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

using wire::SeqNumber;

namespace {

constexpr std::uint16_t kTimestampOptionSize = 12;

// What a full segment's packet has in front of its text.
std::uint16_t headers_of(const Connection& c) {
  const std::uint16_t ip = c.flow.remote.address.is_ipv4() ? 20 : 40;
  const std::uint16_t options = c.timestamps ? kTimestampOptionSize : std::uint16_t{0};
  return static_cast<std::uint16_t>(ip + wire::TcpHeader::kMinSize + options);
}

std::uint16_t mss_of(const Connection& c, std::uint16_t mtu) {
  return static_cast<std::uint16_t>(mtu - headers_of(c));
}

std::uint16_t least_mtu(const Connection& c) {
  return c.flow.remote.address.is_ipv4() ? kLeastPathMtuIpv4 : kLeastPathMtuIpv6;
}

}  // namespace

void PathMtuDiscovery::begin(Connection& c) {
  const auto known = cache_.find(core_.now, c.flow.remote.address);
  if (known) c.snd.mss = std::min(c.snd.mss, mss_of(c, *known));
}

void PathMtuDiscovery::too_big(const base::FourTuple& flow, const TooBig& report) {
  Connection* c = core_.find(flow, core_.hash.bucket(flow));
  // RFC 5927 7.2. A handshake has nothing that could be too big.
  const SeqNumber sequence(report.sequence);
  if (c == nullptr || !c->synchronized() || sequence < c->snd.una || sequence >= c->snd.nxt) {
    return core_.count(NetCounter::kTcpPathMtuIgnored);
  }
  const auto mtu =
      static_cast<std::uint16_t>(std::clamp<std::uint32_t>(report.mtu, least_mtu(*c), 0xffff));
  if (mss_of(*c, mtu) >= c->snd.mss) return core_.count(NetCounter::kTcpPathMtuIgnored);
  core_.count(NetCounter::kTcpPathMtuLowered);
  cache_.lower(core_.now, flow.remote.address, mtu);
  lower(*c, mss_of(*c, mtu));
}

// RFC 1191 6.4, RFC 8201 5.4: what was too large is sent again at once, in smaller pieces, and the
// timer starts over. It was not lost to congestion, so the window stays as it is.
void PathMtuDiscovery::lower(Connection& c, std::uint16_t mss) {
  c.snd.mss = mss;
  Outbox& outbox = core_.outbox_of(c);
  SendQueue& queue = outbox.queue;
  for (SendSegment* s = queue.front(); s != nullptr && s != queue.unsent(); s = s->next) {
    if (s->size > mss) outbox.recovery.give_up(*s);
  }
  outbox.pace = core_.now;
  outbox.tail_probe.on_recovery();  // it has not arrived either
  c.deadline(Timer::kRetransmit) = {};
  core_.schedule_output(c);
}

}  // namespace sluice::net::tcp
