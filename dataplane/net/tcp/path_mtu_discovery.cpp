#include "dataplane/net/tcp/path_mtu_discovery.hpp"

#include <algorithm>
#include <array>

#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

using wire::SeqNumber;

namespace {

constexpr std::uint16_t kTimestampOptionSize = 12;

// Sizes of packets to fall back to where nothing says why full ones do not get through: a plain
// Ethernet, every link of IPv6, room for several tunnels, what every host takes (RFC 1122 3.3.3).
constexpr std::array<std::uint16_t, 4> kFallbacks = {1500, 1280, 1064, 576};

// And to climb to: usual tunnels', PPPoE's and Ethernet's, and what jumbo frames are used with.
constexpr std::array<std::uint16_t, 9> kSteps = {1064, 1280, 1400, 1420, 1460,
                                                 1492, 1500, 4352, 9000};

// What a full segment's packet has in front of its text.
std::uint16_t headers_of(const Connection& c) {
  const std::uint16_t ip = c.flow.remote.address.is_ipv4() ? 20 : 40;
  const std::uint16_t options = c.timestamps ? kTimestampOptionSize : std::uint16_t{0};
  return static_cast<std::uint16_t>(ip + wire::TcpHeader::kMinSize + options);
}

std::uint16_t mss_of(const Connection& c, std::uint16_t mtu) {
  return static_cast<std::uint16_t>(mtu - headers_of(c));
}

std::uint16_t mtu_of(const Connection& c, std::uint16_t mss) {
  return static_cast<std::uint16_t>(mss + headers_of(c));
}

std::uint16_t least_mtu(const Connection& c) {
  return c.flow.remote.address.is_ipv4() ? kLeastPathMtuIpv4 : kLeastPathMtuIpv6;
}

// The next smaller packet that is worth a try; 0 where there is none.
std::uint16_t fallback_below(const Connection& c, std::uint16_t mtu) {
  const auto* found =
      std::ranges::find_if(kFallbacks, [mtu](std::uint16_t size) { return size < mtu; });
  return found != kFallbacks.end() && *found >= least_mtu(c) ? *found : std::uint16_t{0};
}

std::uint16_t step_above(std::uint16_t mtu) {
  const auto* found = std::ranges::upper_bound(kSteps, mtu);
  return found != kSteps.end() ? *found : std::uint16_t{0xffff};
}

}  // namespace

void PathMtuDiscovery::begin(Connection& c) {
  const auto known = cache_.find(core_.now, c.flow.remote.address);
  if (!known || mss_of(c, known->mtu) >= c.snd.mss) return;
  search(c, c.snd.mss, {.next_probe = known->until, .interval = kProbeInterval});
  c.snd.mss = mss_of(c, known->mtu);
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
  const std::uint8_t reports = c->path_search != 0 ? search_of(*c).reports : std::uint8_t{0};
  if (mss_of(*c, mtu) >= c->snd.mss || reports >= kMaxReports) {
    return core_.count(NetCounter::kTcpPathMtuIgnored);
  }
  core_.count(NetCounter::kTcpPathMtuLowered);
  cache_.lower(core_.now, flow.remote.address, mtu);
  lower(*c, mss_of(*c, mtu),
        {.next_probe = core_.now + kProbeInterval,
         .interval = kProbeInterval,
         .reports = static_cast<std::uint8_t>(reports + 1)});
  // RFC 1191 6.4, RFC 8201 5.4: what was too large is sent again at once, in smaller pieces, and
  // the timer starts over. It was not lost to congestion, so the window stays as it is.
  Outbox& outbox = core_.outbox_of(*c);
  const SendQueue& queue = outbox.queue;
  for (SendSegment* s = queue.front(); s != nullptr && s != queue.unsent(); s = s->next) {
    if (s->size > c->snd.mss) outbox.recovery.give_up(*s);
  }
  outbox.pace = core_.now;
  outbox.tail_probe.on_recovery();  // it has not arrived either
  c->deadline(Timer::kRetransmit) = {};
  core_.schedule_output(*c);
}

// RFC 4821 7.7, RFC 2923 2.1: each second timeout of a segment, be it full or not, makes them all
// smaller than it was. Nothing is certain of the path, so the next connection begins as ever.
void PathMtuDiscovery::on_timeout(Connection& c) {
  const unsigned timeouts = c.rtt.back_offs();
  if (c.all_acknowledged() || timeouts == 0 || timeouts % kSuspiciousTimeouts != 0) return;
  const std::uint32_t size = std::min<std::uint32_t>(c.outbox->queue.front()->size, c.snd.mss);
  const std::uint16_t mtu = fallback_below(c, mtu_of(c, static_cast<std::uint16_t>(size)));
  if (mtu == 0) return;
  core_.count(NetCounter::kTcpBlackHoles);
  lower(c, mss_of(c, mtu),
        {.next_probe = core_.now + kFirstProbe, .interval = kFirstProbe, .suspected = true});
}

void PathMtuDiscovery::lower(Connection& c, std::uint16_t mss, const PathSearch& how) {
  search(c, c.path_search != 0 ? search_of(c).most : c.snd.mss, how);
  c.snd.mss = mss;
}

// Where there is no room for it, segments stay as small as they are.
void PathMtuDiscovery::search(Connection& c, std::uint16_t most, const PathSearch& how) {
  if (c.path_search == 0) {
    const auto handle = core_.path_searches.create();
    if (!handle) return;
    c.path_search = handle.index + 1;
  }
  PathSearch& search = search_of(c);
  search = how;
  search.most = most;
}

PathSearch& PathMtuDiscovery::search_of(const Connection& c) const {
  return core_.path_searches.at(c.path_search - 1);
}

// RFC 4821 7.4: one probe at a time, while nothing is known to be lost.
std::uint16_t PathMtuDiscovery::probe_size(const Connection& c) const {
  const PathSearch& search = search_of(c);
  const bool calm = c.rtt.back_offs() == 0 &&
                    (c.outbox == nullptr || c.outbox->recovery.phase() == Recovery::Phase::kOpen);
  if (!calm || search.probe != 0 || core_.now < search.next_probe) return c.snd.mss;
  const std::uint16_t mss = mss_of(c, step_above(mtu_of(c, c.snd.mss)));
  return std::min(mss, search.most);
}

// A probe that nothing follows would be found lost by a timeout only.
std::uint16_t PathMtuDiscovery::next_size(const Connection& c, const SendSegment& next) const {
  return next.next != nullptr ? probe_size(c) : c.snd.mss;
}

void PathMtuDiscovery::on_sent(Connection& c, SendSegment& segment) {
  PathSearch& search = search_of(c);
  if (segment.size <= c.snd.mss || search.probe != 0) return;
  search.probe = static_cast<std::uint16_t>(segment.size);
  search.probe_end = segment.end();
  segment.path_probe = true;
  core_.count(NetCounter::kTcpPathMtuProbes);
}

// What a probe shows after a suspicion is worth remembering: smaller segments have got through, and
// twice a larger one has not.
void PathMtuDiscovery::on_lost(Connection& c, const SendSegment& segment) {
  PathSearch& search = search_of(c);
  if (search.probe == 0 || segment.end() != search.probe_end) return;
  search.probe = 0;
  if (search.suspected && search.interval > kFirstProbe) {
    cache_.lower(core_.now, c.flow.remote.address, mtu_of(c, c.snd.mss));
  }
  search.interval = std::min(search.interval * 2, kProbeInterval);
  search.next_probe = core_.now + search.interval;
}

void PathMtuDiscovery::on_acknowledged(Connection& c) {
  PathSearch& search = search_of(c);
  if (search.probe == 0 || c.snd.una < search.probe_end) return;
  core_.count(NetCounter::kTcpPathMtuRaised);
  c.snd.mss = search.probe;
  cache_.raise(core_.now, c.flow.remote.address, mtu_of(c, c.snd.mss));
  search.probe = 0;
  search.reports = 0;
  search.next_probe = core_.now;
  if (c.snd.mss >= search.most) core_.end_path_search(c);
}

}  // namespace sluice::net::tcp
