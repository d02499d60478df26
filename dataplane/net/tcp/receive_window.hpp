// The window that this side offers (RFC 9293 3.8.6): as much payload as the receive buffer still
// holds when it is charged by true size, never taken back, and never reopened in driblets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/net/tcp/connection.hpp"

namespace sluice::net::tcp {

class ReceiveWindow {
 public:
  explicit ReceiveWindow(std::size_t buffer) : buffer_(static_cast<std::uint32_t>(buffer)) {}

  // The shift to offer (RFC 7323 2.3): the smallest that can express the whole window.
  [[nodiscard]] std::uint8_t scale() const;
  // The window of a SYN-ACK, while nothing is received.
  [[nodiscard]] std::uint16_t initial() const {
    return static_cast<std::uint16_t>(std::min(whole(), std::uint32_t{0xffff}));
  }
  // Moves the right edge as far as it may go and returns the header's field. A SYN's is never
  // scaled (RFC 7323 2.2).
  [[nodiscard]] std::uint16_t advertise(Connection& c, bool syn) const;
  // True when so much has been read that the peer should be told (RFC 9293 3.8.6.2.2).
  [[nodiscard]] bool update_due(const Connection& c) const;
  // True while a segment out of order may still be stored.
  [[nodiscard]] bool has_room_for(const Connection& c, const base::Packet& packet) const {
    return charged(c) + packet.true_size() <= buffer_;
  }

 private:
  [[nodiscard]] std::size_t charged(const Connection& c) const {
    return c.inbox == nullptr ? 0 : c.inbox->text.true_size() + c.inbox->reassembly.true_size();
  }
  [[nodiscard]] std::uint32_t whole() const { return buffer_ / kOverhead; }
  [[nodiscard]] std::uint32_t room(const Connection& c) const;

  // True size per byte of payload. Full segments need about 1.7; coalescing keeps any others from
  // needing more than about 2.4.
  static constexpr std::uint32_t kOverhead = 2;

  std::uint32_t buffer_;
};

}  // namespace sluice::net::tcp
