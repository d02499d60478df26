// ARP on an interface (RFC 826, RFC 1122 2.3.2, RFC 5227): asks for neighbours, learns from what
// they say, and answers for our addresses.
#pragma once

#include <optional>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_subnets.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/net/neighbours.hpp"
#include "dataplane/wire/arp.hpp"

namespace sluice::net {

class Arp final : public NeighbourResolver {
 public:
  struct Surroundings {
    Link& link;
    const Ipv4Subnets& subnets;
    Neighbours& neighbours;
    base::PacketPool& pool;  // for requests and replies
    base::Counters<NetCounter>& counters;
    bool answers = true;  // requests for our addresses
  };
  explicit Arp(const Surroundings& surroundings) : around_(surroundings) {}

  void receive(base::Instant now, const wire::ArpPacket& packet);
  // Tells the link whose our addresses are (RFC 5227 3), if this worker answers for them.
  void announce();

  void ask(const base::IpAddress& neighbour,
           const std::optional<base::MacAddress>& known_at) override;

 private:
  void answer(const wire::ArpPacket& request);
  void transmit(const wire::ArpPacket& packet, const base::MacAddress& destination,
                NetCounter counter);

  Surroundings around_;
};

}  // namespace sluice::net
