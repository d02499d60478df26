// Tells the routers and switches of a link which IPv6 groups an interface listens to (RFC 3810), so
// that a switch that looks (RFC 4541) lets solicitations for our addresses through: the groups are
// reported at the start and whenever somebody asks. Version 2 is spoken, and version 1 (RFC 2710)
// while a router asks by it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv6_prefixes.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/multicast_listener.hpp"

namespace sluice::net {

class MulticastListener {
 public:
  // RFC 3810 9.1, 9.11: the first reports, one after the other, in case one is lost.
  static constexpr unsigned kRobustness = 2;
  static constexpr base::Duration kUnsolicitedInterval = base::Duration::seconds(1);
  // However often somebody asks.
  static constexpr base::Duration kLeastInterval = base::Duration::seconds(1);
  static constexpr base::Duration kMostDelay = base::Duration::seconds(10);
  // RFC 3810 9.2, which a query of version 1 does not name: what routers leave between two.
  static constexpr base::Duration kQueryInterval = base::Duration::seconds(125);

  struct Surroundings {
    Link& link;
    const Ipv6Prefixes& prefixes;
    base::PacketPool& pool;
    base::Counters<NetCounter>& counters;
    bool answers = true;  // without, it is silent
  };
  explicit MulticastListener(const Surroundings& surroundings);

  // `message` is a whole query with a right checksum.
  void receive(base::Instant now, const wire::Ipv6Header& ip, bool router_alert,
               base::Bytes message);

  // Before the first probe for an address goes out (RFC 4862 5.4.2).
  void advance(base::Instant now);
  [[nodiscard]] base::Instant next_deadline() const { return next_deadline_; }

 private:
  void report(wire::ListenerRecordType type);
  void report_by_version_1();
  [[nodiscard]] base::Ipv6Address source() const;
  template <typename Report>
  void send(const Report& report, std::size_t size, const base::Ipv6Address& to);

  Surroundings around_;
  std::vector<base::Ipv6Address> groups_;
  unsigned unsolicited_ = 0;  // sent
  base::Instant next_deadline_;
  base::Instant not_before_;
  base::Instant old_querier_until_;  // version 1 is spoken before
};

}  // namespace sluice::net
