// What a transport sees of the IP layer below it: a route's properties, and a way to send a
// segment. One implementation per address family stands behind it; TCP knows none of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"

namespace sluice::net {

// Names the way that a packet took, for whoever sends there again (ways_out.hpp). It is good for
// one pair of addresses; by default it names none.
struct WayOut {
  std::uint32_t place = 0;
  std::uint32_t version = 0;
};

class IpOutput {
 public:
  // The most that IP and the link put in front of a segment: IPv6, Ethernet and a VLAN tag.
  static constexpr std::size_t kMostHeaders = 40 + 18;

  virtual ~IpOutput() = default;

  // Sends a TCP segment that begins at the packet's first byte and has headroom for IP and Ethernet
  // in front, or a train of such segments behind their header, where trains go; with the ECN field
  // of the packet's traffic class. Fills in the TCP checksum (or asks the device to), prepends the
  // headers, resolves the next hop, and queues the frame. Takes over this reference to the packet;
  // what cannot be sent is counted and released. `way` is the name of the way that the last segment
  // from there to there took; this one goes along it where it still holds, and leaves its own.
  virtual void send_tcp(WayOut& way, base::Instant now, const base::IpAddress& source,
                        const base::IpAddress& destination, base::PacketPtr segment) = 0;

  // The largest IP packet towards the destination; nothing when there is no route.
  [[nodiscard]] virtual std::optional<std::size_t> path_mtu(
      const base::IpAddress& destination) const = 0;
  // The same where it is one and the same for all interfaces, wherever a packet goes; else nothing.
  // Each handshake wants to know.
  [[nodiscard]] std::optional<std::size_t> mtu_everywhere() const {
    return mtu_ != 0 && !mtus_differ_ ? std::optional(mtu_) : std::nullopt;
  }
  void note_mtu(std::size_t mtu) {
    mtus_differ_ = mtus_differ_ || (mtu_ != 0 && mtu_ != mtu);
    mtu_ = mtu;
  }
  // Packets of text that a train may have, whichever interface it takes; 0: no trains.
  [[nodiscard]] std::size_t train_packets() const { return train_packets_; }
  void allow_trains(std::size_t packets) {
    train_packets_ = train_packets_ == 0 ? packets : std::min(train_packets_, packets);
  }
  // True for an address of one of our interfaces.
  [[nodiscard]] virtual bool is_local(const base::IpAddress& address) const = 0;

 private:
  bool mtus_differ_ = false;
  std::size_t train_packets_ = 0;
  std::size_t mtu_ = 0;  // of the latest interface; 0: there is none
};

}  // namespace sluice::net
