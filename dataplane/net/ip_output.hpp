// What a transport sees of the IP layer below it: a route's properties, and a way to send a
// segment. One implementation per address family stands behind it; TCP knows none of them.
#pragma once

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
  void note_interface(std::size_t mtu) {
    mtus_differ_ = mtus_differ_ || (mtu_ != 0 && mtu_ != mtu);
    mtu_ = mtu;
  }
  // False while there is no interface that takes trains: nobody need look for one.
  [[nodiscard]] bool any_trains() const { return any_trains_; }
  void allow_trains() { any_trains_ = true; }
  // Packets of text that a train may have from here to there; 0: no trains.
  [[nodiscard]] virtual std::size_t train_packets(const base::IpAddress& /*source*/,
                                                  const base::IpAddress& /*destination*/) const {
    return 0;
  }
  // True for an address of one of our interfaces.
  [[nodiscard]] virtual bool is_local(const base::IpAddress& address) const = 0;

 private:
  bool any_trains_ = false;
  bool mtus_differ_ = false;
  std::size_t mtu_ = 0;  // of the latest interface; 0: there is none
};

}  // namespace sluice::net
