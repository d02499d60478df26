// One end of a bulk transfer in virtual time: a stack whose session writes whatever there is room
// for, or reads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/address.hpp"
#include "base/time.hpp"
#include "bench/stack/local_packet_pool.hpp"
#include "bench/stack/path.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::bench {

class Endpoint {
 public:
  struct Options {
    std::uint8_t host = 1;  // last octet of its addresses
    net::TcpSettings tcp;
    std::size_t packets = 4'096;
    base::Instant start;
  };
  explicit Endpoint(const Options& options);

  [[nodiscard]] static base::Ipv4Address address_of(std::uint8_t host) {
    return base::Ipv4Address::of(198, 18, 0, host);
  }
  // Each returns false when the stack refuses.
  [[nodiscard]] bool listen();
  [[nodiscard]] bool connect(base::Instant now, std::uint8_t to);

  // A burst of what has arrived, and what is due.
  void receive(base::Instant now, Path& incoming);
  // The stack's next one, noted.
  std::optional<net::Event> next_event();
  // As much as there is room for, in pieces of `piece` bytes at least, once the connection is open.
  void write(base::Instant now, std::size_t piece);
  // Everything that has arrived; returns how many bytes that is.
  std::size_t read(base::Instant now, net::ConnectionHandle connection);
  // Flushes, and hands each frame to send(frame).
  template <typename Send>
  void transmit(base::Instant now, const Send& send) {
    stack_.flush(now);
    base::PacketQueue& frames = stack_.outgoing(interface_);
    while (base::PacketPtr frame = frames.pop_front()) send(std::move(frame));
  }

  [[nodiscard]] net::Stack& stack() { return stack_; }
  [[nodiscard]] const net::Stack& stack() const { return stack_; }
  [[nodiscard]] base::PacketPool& pool() { return pool_; }
  // Opened last, either way.
  [[nodiscard]] net::ConnectionHandle connection() const { return connection_; }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  static constexpr std::uint16_t kPort = 5001;

  LocalPacketPool pool_;
  net::Stack stack_;
  net::InterfaceId interface_;
  base::Ipv4Address address_;
  net::ConnectionHandle connection_;
  bool open_ = false;
  bool closed_ = false;  // any of its connections
};

}  // namespace sluice::bench
