// ARP on an interface (RFC 826, RFC 1122 2.3.2, RFC 5227): asks for neighbours, learns from what
// they say, answers for our addresses, and makes sure that nobody else has them.
#pragma once

#include <optional>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_claims.hpp"
#include "dataplane/net/ipv4_subnets.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/net/neighbours.hpp"
#include "dataplane/wire/arp.hpp"

namespace sluice::net {

class Arp final : public NeighbourResolver {
 public:
  struct Surroundings {
    Link& link;
    Ipv4Subnets& subnets;  // whether their addresses are used changes
    Neighbours& neighbours;
    base::PacketPool& pool;  // for requests and replies
    base::Counters<NetCounter>& counters;
    bool answers = true;  // probes and answers for our addresses; without, it only listens
    bool probes = false;  // before it announces them
  };
  explicit Arp(const Surroundings& surroundings)
      : around_(surroundings),
        claims_(surroundings.subnets, surroundings.link.mac(), surroundings.probes) {}

  void receive(base::Instant now, const wire::ArpPacket& packet);
  // Tells the link whose our addresses are (RFC 5227 3), if this worker answers for them and need
  // not probe for them first.
  void announce();
  // Probes and announces.
  void advance(base::Instant now);
  [[nodiscard]] base::Instant next_deadline() const { return claims_.next_deadline(); }

  void ask(const base::IpAddress& neighbour,
           const std::optional<base::MacAddress>& known_at) override;

 private:
  void on_conflict(base::Instant now, base::Ipv4Address ours);
  void answer(const wire::ArpPacket& request);
  void announce(base::Ipv4Address ours);
  void probe(base::Ipv4Address ours);
  void transmit(const wire::ArpPacket& packet, const base::MacAddress& destination,
                NetCounter counter);

  Surroundings around_;
  Ipv4Claims claims_;
};

}  // namespace sluice::net
