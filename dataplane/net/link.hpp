// The Ethernet side of an interface: puts the link-layer header on what is sent and holds the
// finished frames until the device takes them.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::net {

class Link {
 public:
  // `counters` outlives the link.
  Link(const base::MacAddress& mac, base::Counters<NetCounter>& counters)
      : mac_(mac), counters_(counters) {}

  // Takes the payload, which has headroom for an Ethernet header. What finds the queue full
  // (base::limits::kMaxOutgoingFrames) is counted and released.
  void send(const base::MacAddress& destination, wire::EtherType type, base::PacketPtr payload);

  [[nodiscard]] const base::MacAddress& mac() const { return mac_; }
  [[nodiscard]] base::PacketQueue& outgoing() { return outgoing_; }

 private:
  base::MacAddress mac_;
  base::Counters<NetCounter>& counters_;
  base::PacketQueue outgoing_;
};

}  // namespace sluice::net
