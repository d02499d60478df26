// One network interface of a worker's stack: its link, its addresses and its neighbours.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/net/arp.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_subnets.hpp"
#include "dataplane/net/ipv6_prefixes.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/net/multicast_listener.hpp"
#include "dataplane/net/neighbour_discovery.hpp"
#include "dataplane/net/neighbours.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::net {

class Interface {
 public:
  // The others outlive the interface.
  Interface(const InterfaceSettings& settings, const tcp::SipKey& hash_key, base::PacketPool& pool,
            base::Counters<NetCounter>& counters)
      : mtu_(settings.mtu),
        verifies_checksums_(settings.device_verifies_checksums),
        computes_checksums_(settings.device_computes_checksums),
        train_packets_(settings.train_packets > 0 ? settings.train_packets : kCutBySoftware),
        answers_(settings.answers_arp),
        subnets_(settings.addresses, settings.gateway, settings.routes),
        prefixes_(settings.addresses, settings.mac, settings.ipv6_gateway, settings.routes),
        link_(settings.mac, counters, settings.vlan,
              {.cuts_trains = settings.train_packets > 0,
               .computes_checksums = settings.device_computes_checksums}),
        arp_({.link = link_,
              .subnets = subnets_,
              .neighbours = neighbours_,
              .pool = pool,
              .counters = counters,
              .answers = settings.answers_arp,
              .probes = settings.probes_ipv4}),
        listener_({.link = link_,
                   .prefixes = prefixes_,
                   .pool = pool,
                   .counters = counters,
                   .answers = settings.answers_arp}),
        discovery_({.link = link_,
                    .prefixes = prefixes_,
                    .neighbours = neighbours_,
                    .pool = pool,
                    .hash_key = hash_key,
                    .counters = counters,
                    .answers = settings.answers_arp}),
        neighbours_({.link = link_,
                     .ipv4 = arp_,
                     .ipv6 = discovery_,
                     .gateways = gateways_of(settings),
                     .hash_key = hash_key,
                     .counters = counters}) {}
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  [[nodiscard]] std::size_t mtu() const { return mtu_; }
  [[nodiscard]] bool verifies_checksums() const { return verifies_checksums_; }
  [[nodiscard]] bool computes_checksums() const { return computes_checksums_; }
  // Packets of text that a train may have.
  [[nodiscard]] std::size_t train_packets() const { return train_packets_; }
  // True when the payload of an IP packet, or each segment of a train, fits behind such a header.
  [[nodiscard]] bool takes(const base::Packet& payload, std::size_t ip_header_size) const {
    if (!payload.leads_train()) return payload.size() + ip_header_size <= mtu_;
    const base::Packet::Train& train = payload.train();
    return payload.size() + train.segment_size + ip_header_size <= mtu_ &&
           train.packets <= train_packets_ &&
           payload.frame_size() + ip_header_size <= kLongestPacket;
  }
  // For its addresses, to ARP, Neighbour Discovery and echo requests.
  [[nodiscard]] bool answers() const { return answers_; }
  [[nodiscard]] const Ipv4Subnets& subnets() const { return subnets_; }
  [[nodiscard]] const Ipv6Prefixes& prefixes() const { return prefixes_; }
  [[nodiscard]] Link& link() { return link_; }
  [[nodiscard]] const Link& link() const { return link_; }
  [[nodiscard]] Arp& arp() { return arp_; }
  [[nodiscard]] const Arp& arp() const { return arp_; }
  [[nodiscard]] MulticastListener& listener() { return listener_; }
  [[nodiscard]] const MulticastListener& listener() const { return listener_; }
  [[nodiscard]] NeighbourDiscovery& discovery() { return discovery_; }
  [[nodiscard]] const NeighbourDiscovery& discovery() const { return discovery_; }
  [[nodiscard]] Neighbours& neighbours() { return neighbours_; }
  [[nodiscard]] const Neighbours& neighbours() const { return neighbours_; }

  // Not used because other nodes have them.
  [[nodiscard]] std::size_t duplicate_addresses() const {
    const auto ipv4 =
        std::ranges::count(subnets_.addresses(), false, &Ipv4Subnets::Subnet::assigned);
    const auto ipv6 = std::ranges::count(prefixes_.addresses(), AddressState::kDuplicate,
                                         &Ipv6Prefixes::Prefix::state);
    return static_cast<std::size_t>(ipv4 + ipv6);
  }

 private:
  // Those that have places of their own among the neighbours. Each packet looks through them.
  static std::vector<base::IpAddress> gateways_of(const InterfaceSettings& settings) {
    constexpr std::size_t kMost = 8;
    std::vector<base::IpAddress> gateways;
    if (settings.gateway) gateways.push_back(*settings.gateway);
    if (settings.ipv6_gateway) gateways.push_back(*settings.ipv6_gateway);
    for (const base::StaticRoute& route : settings.routes) {
      const bool known = std::ranges::find(gateways, route.via) != gateways.end();
      if (!known && gateways.size() < kMost) gateways.push_back(route.via);
    }
    return gateways;
  }

  // More full segments than an IP packet could hold, from the least MTU of IPv6 on.
  static constexpr std::size_t kCutBySoftware = 64;
  // What the IPv4 header's total length can say.
  static constexpr std::size_t kLongestPacket = 65'535;

  std::size_t mtu_;
  bool verifies_checksums_;
  bool computes_checksums_;
  std::size_t train_packets_;
  bool answers_;
  Ipv4Subnets subnets_;
  Ipv6Prefixes prefixes_;
  Link link_;
  Arp arp_;
  MulticastListener listener_;
  NeighbourDiscovery discovery_;
  Neighbours neighbours_;
};

using Interfaces = std::vector<std::unique_ptr<Interface>>;

}  // namespace sluice::net
