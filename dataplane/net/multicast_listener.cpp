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
  const auto spread = std::to_integer<std::int64_t>(around_.link.mac().octets.back());
  const Duration delay = std::min(query->response_delay, kMostDelay) * spread / 256;
  next_deadline_ = std::min(next_deadline_, std::max(now + delay, not_before_));
}

void MulticastListener::advance(Instant now) {
  if (now < next_deadline_) return;
  next_deadline_ = Instant::never();
  not_before_ = now + kLeastInterval;
  if (unsolicited_ == kRobustness) return report(wire::ListenerRecordType::kIsExclude);
  report(wire::ListenerRecordType::kToExclude);
  if (++unsolicited_ < kRobustness) next_deadline_ = now + kUnsolicitedInterval;
}

// In as many messages as they need (RFC 3810 5.2.15).
void MulticastListener::report(wire::ListenerRecordType type) {
  for (std::size_t first = 0; first < groups_.size(); first += wire::kMostListenerRecords) {
    const std::size_t count = std::min(groups_.size() - first, wire::kMostListenerRecords);
    send(std::span(groups_).subspan(first, count), type);
  }
}

// RFC 3810 5.2.13: from our link-local address once it may be used, else from none.
void MulticastListener::send(std::span<const base::Ipv6Address> groups,
                             wire::ListenerRecordType type) {
  const auto addresses = around_.prefixes.addresses();
  const auto from = std::ranges::find_if(addresses, [](const Ipv6Prefixes::Prefix& prefix) {
    return prefix.state == AddressState::kAssigned && wire::is_link_local(prefix.address);
  });
  const wire::ListenerReport report{
      .source = from != addresses.end() ? from->address : base::Ipv6Address{},
      .type = type,
      .groups = groups};
  const std::size_t size = wire::listener_report_size(report);
  base::PacketPtr packet(around_.pool.allocate());
  if (!packet || packet->tailroom() < size) {
    around_.counters.add(NetCounter::kNdNoPacket);
    return;
  }
  wire::serialize_listener_report(report, packet->append(size));
  around_.counters.add(NetCounter::kMldReportsOut);
  around_.link.send(wire::multicast_mac(wire::kAllListenerRouters), wire::EtherType::kIpv6,
                    std::move(packet));
}

}  // namespace sluice::net
