#include "dataplane/net/multicast_listener.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::net {

using base::Duration;
using base::Instant;

MulticastListener::MulticastListener(const Surroundings& surroundings)
    : around_(surroundings), next_deadline_(Instant::never()) {
  // RFC 3810 6: nothing is said of the group of all nodes. Addresses may share a group.
  for (const Ipv6Prefixes::Prefix& prefix : around_.prefixes.addresses()) {
    const base::Ipv6Address group = wire::solicited_node_multicast(prefix.address);
    if (std::ranges::find(groups_, group) == groups_.end()) groups_.push_back(group);
  }
  if (around_.answers && !groups_.empty()) next_deadline_ = Instant{};
}

// RFC 3810 6.2. All groups are reported whichever was asked for, some time within what the query
// allows, so that not everybody speaks at once.
void MulticastListener::receive(Instant now, const wire::Ipv6Header& ip, bool router_alert,
                                base::Bytes message) {
  const auto query = wire::parse_listener_query(message);
  if (!query || !wire::is_link_local(ip.source) || ip.hop_limit != wire::kListenerHopLimit ||
      !router_alert) {
    around_.counters.add(NetCounter::kMldMalformed);
    return;
  }
  around_.counters.add(NetCounter::kMldQueriesIn);
  const bool ours = wire::is_unspecified(query->group) ||
                    std::ranges::find(groups_, query->group) != groups_.end();
  if (!around_.answers || groups_.empty() || !ours) return;
  // RFC 3810 8.2.1, 9.12: so long nothing but version 1 is spoken. Whoever pretends to be such a
  // router gains nothing: the groups are reported all the same.
  if (query->version == wire::ListenerVersion::k1 && wire::is_unspecified(query->group)) {
    old_querier_until_ = now + kQueryInterval * kRobustness + query->response_delay;
  }
  const auto spread = std::to_integer<std::int64_t>(around_.link.mac().octets.back());
  const Duration delay = std::min(query->response_delay, kMostDelay) * spread / 256;
  next_deadline_ = std::min(next_deadline_, std::max(now + delay, not_before_));
}

void MulticastListener::advance(Instant now) {
  if (now < next_deadline_) return;
  next_deadline_ = Instant::never();
  not_before_ = now + kLeastInterval;
  const bool unsolicited = unsolicited_ < kRobustness;
  if (now < old_querier_until_) {
    report_by_version_1();
  } else {
    report(unsolicited ? wire::ListenerRecordType::kToExclude
                       : wire::ListenerRecordType::kIsExclude);
  }
  if (unsolicited && ++unsolicited_ < kRobustness) next_deadline_ = now + kUnsolicitedInterval;
}

// In as many messages as they need (RFC 3810 5.2.15).
void MulticastListener::report(wire::ListenerRecordType type) {
  for (std::size_t first = 0; first < groups_.size(); first += wire::kMostListenerRecords) {
    const std::size_t count = std::min(groups_.size() - first, wire::kMostListenerRecords);
    const wire::ListenerReport report{
        .source = source(), .type = type, .groups = std::span(groups_).subspan(first, count)};
    send(report, wire::listener_report_size(report), wire::kAllListenerRouters);
  }
}

// Reports of other nodes do not stop ours, as RFC 2710 4 has it for those that share a group: a
// switch in between keeps theirs from us, and needs ours (RFC 4541 3).
void MulticastListener::report_by_version_1() {
  for (const base::Ipv6Address& group : groups_) {
    send(wire::ListenerReportV1{.source = source(), .group = group}, wire::kListenerReportV1Size,
         group);
  }
}

// RFC 3810 5.2.13, RFC 3590 4: our link-local address once it may be used, else none.
base::Ipv6Address MulticastListener::source() const {
  const auto addresses = around_.prefixes.addresses();
  const auto found = std::ranges::find_if(addresses, [](const Ipv6Prefixes::Prefix& prefix) {
    return prefix.state == AddressState::kAssigned && wire::is_link_local(prefix.address);
  });
  return found != addresses.end() ? found->address : base::Ipv6Address{};
}

template <typename Report>
void MulticastListener::send(const Report& report, std::size_t size, const base::Ipv6Address& to) {
  base::PacketPtr packet(around_.pool.allocate());
  if (!packet || packet->tailroom() < size) {
    around_.counters.add(NetCounter::kNdNoPacket);
    return;
  }
  wire::serialize_listener_report(report, packet->append(size));
  around_.counters.add(NetCounter::kMldReportsOut);
  around_.link.send(wire::multicast_mac(to), wire::EtherType::kIpv6, std::move(packet));
}

}  // namespace sluice::net
