// Neighbour Discovery on an interface with static addresses (RFC 4861, RFC 4862 5.4): makes sure
// that nobody else has our addresses before they are used, asks for neighbours, learns from what
// they say, and answers for our addresses. Routers' messages are ignored: addresses and routes are
// configured.
#pragma once

#include <optional>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv6_prefixes.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/net/neighbours.hpp"
#include "dataplane/net/tcp/siphash.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"
#include "dataplane/wire/neighbour_discovery.hpp"

namespace sluice::net {

class NeighbourDiscovery final : public NeighbourResolver {
 public:
  // RFC 4862 5.1: one probe, and RETRANS_TIMER for somebody to object.
  static constexpr base::Duration kProbeTime = base::Duration::seconds(1);

  struct Surroundings {
    Link& link;
    Ipv6Prefixes& prefixes;  // the addresses' states change
    Neighbours& neighbours;
    base::PacketPool& pool;       // for solicitations and advertisements
    const tcp::SipKey& hash_key;  // the same for all workers, which know each other's probes by it
    base::Counters<NetCounter>& counters;
    bool answers = true;  // probes and answers for our addresses; without, it only listens
  };
  explicit NeighbourDiscovery(const Surroundings& surroundings);

  // `message` is a whole ICMPv6 message of Neighbour Discovery with a right checksum.
  void receive(base::Instant now, const wire::Ipv6Header& ip,
               const std::optional<wire::Ipv6Fragment>& fragment, base::Bytes message);

  // Begins to use our addresses: the first call probes for them, one kProbeTime later assigns and
  // announces those to which nobody has objected.
  void advance(base::Instant now);
  [[nodiscard]] base::Instant next_deadline() const { return next_deadline_; }

  void ask(const base::IpAddress& neighbour,
           const std::optional<base::MacAddress>& known_at) override;

 private:
  void on_solicitation(base::Instant now, const wire::Ipv6Header& ip,
                       const wire::NeighbourSolicitation& solicitation);
  void on_advertisement(base::Instant now, const wire::NeighbourAdvertisement& advertisement);
  void on_claim(Ipv6Prefixes::Prefix& ours, const std::optional<base::MacAddress>& claimant);
  void learn(base::Instant now, const wire::NeighbourAdvertisement& advertisement,
             const base::MacAddress& known_at);
  void answer(base::Instant now, const wire::Ipv6Header& ip,
              const wire::NeighbourSolicitation& solicitation);
  void probe(const base::Ipv6Address& address);
  [[nodiscard]] wire::DiscoveryNonce nonce_of(const base::Ipv6Address& address) const;
  void announce(const base::Ipv6Address& address);
  // Null, and counted, without a packet for it.
  [[nodiscard]] base::PacketPtr packet_for(const wire::Ipv6Header& ip,
                                           const wire::DiscoveryMessage& message);
  void transmit(const wire::Ipv6Header& ip, const wire::DiscoveryMessage& message,
                const base::MacAddress& destination, NetCounter counter);

  Surroundings around_;
  bool probed_ = false;
  base::Instant next_deadline_;
};

}  // namespace sluice::net
