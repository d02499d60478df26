// The Ethernet side of an interface: knows the frames that are for its VLAN, puts the link-layer
// header on what is sent and holds the finished frames until the device takes them; trains as the
// segments that they stand for, unless the device cuts them itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::net {

// What the device does of itself to what is sent.
struct SendOffloads {
  bool cuts_trains = false;
  bool computes_checksums = false;
};

class Link {
 public:
  // `counters` outlives the link.
  Link(const base::MacAddress& mac, base::Counters<NetCounter>& counters,
       std::optional<std::uint16_t> vlan = std::nullopt, SendOffloads offloads = {})
      : mac_(mac), vlan_(vlan), offloads_(offloads), counters_(counters) {}

  // Of the VLAN of this interface, or untagged where it is in none. A tag that names no VLAN only
  // carries a priority (IEEE 802.1Q 6.9).
  [[nodiscard]] bool accepts(const std::optional<wire::VlanTag>& tag) const {
    return (tag ? tag->id : 0) == vlan_.value_or(0);
  }

  // Takes the payload, which has header_size() bytes of headroom. What finds the queue full
  // (base::limits::kMaxOutgoingFrames) is counted and released.
  void send(const base::MacAddress& destination, wire::EtherType type, base::PacketPtr payload);
  // The same behind a header that is written already.
  void send(base::Bytes header, base::PacketPtr payload);
  [[nodiscard]] wire::EthernetHeader header_to(const base::MacAddress& destination,
                                               wire::EtherType type) const;

  [[nodiscard]] const base::MacAddress& mac() const { return mac_; }
  // In front of what is sent.
  [[nodiscard]] std::size_t header_size() const {
    return wire::EthernetHeader::kSize + (vlan_ ? wire::EthernetHeader::kTagSize : 0);
  }
  [[nodiscard]] base::PacketQueue& outgoing() { return outgoing_; }

 private:
  void queue(base::PacketPtr frame);
  void queue_cut(base::PacketPtr train);

  base::MacAddress mac_;
  std::optional<std::uint16_t> vlan_;
  SendOffloads offloads_;
  base::Counters<NetCounter>& counters_;
  base::PacketQueue outgoing_;
};

}  // namespace sluice::net
