// The window that this side offers (RFC 9293 3.8.6): as much payload as the receive buffer still
// holds when it is charged by true size, never taken back, and never reopened in driblets. The
// buffer grows with the path (receive_tuning.hpp) as long as the worker's memory allows it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/net/tcp/connection.hpp"
#include "dataplane/net/tcp/memory_budget.hpp"

namespace sluice::net::tcp {

class ReceiveWindow {
 public:
  // The least that a session can live on, bytes of true size: a TLS record, which it takes when it
  // is whole, in packets that are half empty.
  static constexpr std::uint32_t kLeastBuffer = 64 * 1024;

  ReceiveWindow(const TcpSettings& settings, const MemoryBudget& memory)
      : first_(static_cast<std::uint32_t>(
            std::min(settings.initial_receive_buffer, settings.receive_buffer))),
        largest_(static_cast<std::uint32_t>(settings.receive_buffer)),
        scale_(scale_for(largest_ / kOverhead)),
        memory_(memory) {}

  // The shift to offer (RFC 7323 2.3): the smallest that can express the largest window.
  [[nodiscard]] std::uint8_t scale() const { return scale_; }
  // The window of a SYN-ACK, while nothing is received.
  [[nodiscard]] std::uint16_t initial() const {
    return static_cast<std::uint16_t>(std::min(first_ / kOverhead, std::uint32_t{0xffff}));
  }
  // Moves the right edge as far as it may go and returns the header's field. A SYN's is never
  // scaled (RFC 7323 2.2).
  [[nodiscard]] std::uint16_t advertise(Connection& c, bool syn) const;
  // The session has taken what it wanted of the input.
  void on_taken(Connection& c, std::uint32_t now_ms) const;
  // True when so much has been read that the peer should be told (RFC 9293 3.8.6.2.2).
  [[nodiscard]] bool update_due(const Connection& c) const;
  // True while a segment out of order may still be stored.
  [[nodiscard]] bool has_room_for(const Connection& c, const base::Packet& packet) const {
    return charged(c) + packet.true_size() <= buffer(c);
  }

 private:
  [[nodiscard]] static std::uint8_t scale_for(std::uint32_t window);
  [[nodiscard]] static std::size_t charged(const Connection& c) {
    return c.inbox == nullptr ? 0 : c.inbox->true_size();
  }
  // What the connection may hold at this moment.
  [[nodiscard]] std::uint32_t buffer(const Connection& c) const;
  // Of that, which is `whole`.
  [[nodiscard]] static std::uint32_t room(const Connection& c, std::uint32_t whole);
  // RFC 9293 3.8.6.2.2: `segments` full ones, or half of what there is.
  [[nodiscard]] static std::uint32_t step(const Connection& c, std::uint32_t whole,
                                          std::uint32_t segments);

  // True size per byte of payload. Full segments need about 1.7; coalescing keeps any others from
  // needing more than about 2.4.
  static constexpr std::uint32_t kOverhead = 2;

  std::uint32_t first_;
  std::uint32_t largest_;
  std::uint8_t scale_;
  const MemoryBudget& memory_;
};

}  // namespace sluice::net::tcp
