// What the data path knows of a network device: bursts of packets in, bursts of packets out. A
// Device is one receive and transmit queue pair of a port and belongs to one worker, so none of its
// functions is ever called by two threads. DPDK, memory, fault-injecting and capturing devices all
// look like this; the last two wrap another Device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"

namespace sluice::nic {

struct DeviceInfo {
  base::MacAddress mac;
  std::uint16_t mtu = 1500;  // bytes of IP packet in a frame
  // True where the device itself does the work; otherwise the stack does it in software.
  bool verifies_checksums = false;  // fills Packet::Checksum's rx bits
  bool computes_checksums = false;  // obeys Packet::Checksum's tx bits
  // Takes trains of up to so many packets of text and cuts them into segments; 0: none.
  std::uint16_t train_packets = 0;
};

class Device {
 public:
  Device() = default;
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] virtual const DeviceInfo& info() const = 0;

  // Fills the front of `out` with received frames, which the caller owns, and returns how many.
  [[nodiscard]] virtual std::size_t receive(base::Instant now, std::span<base::Packet*> out) = 0;

  // Offers frames for transmission, in order. Takes over the caller's references to the first n and
  // returns n; the rest stay the caller's, to be offered again. Once a frame is taken its bytes may
  // be read by the device until Packet::exclusive() says that nobody else holds it.
  [[nodiscard]] virtual std::size_t transmit(base::Instant now,
                                             std::span<base::Packet* const> frames) = 0;

  // When receive() or transmit() has to be called again although nothing arrives: delayed frames of
  // a fault device. Instant::never() for real devices.
  [[nodiscard]] virtual base::Instant next_deadline() const { return base::Instant::never(); }

  // A file descriptor that is readable while frames wait to be received, so that its worker can
  // sleep until then; negative where the device has to be polled.
  [[nodiscard]] virtual int wake_fd() const { return -1; }
};

}  // namespace sluice::nic
