// A stack under test: it listens, knows its gateway and has a clock of its own. What a session does
// with an event is the benchmark's business.
#pragma once

#include <array>
#include <cstddef>

#include "base/limits.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "bench/stack/local_packet_pool.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::bench {

// Frames on their way into the stack, as a device hands them over.
class Burst {
 public:
  void push_back(base::PacketPtr frame) { frames_[size_++] = frame.release(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool full() const { return size_ == frames_.size(); }
  // The frames become the taker's.
  [[nodiscard]] std::span<base::Packet* const> take() {
    return std::span(frames_).first(std::exchange(size_, 0));
  }

 private:
  std::array<base::Packet*, base::limits::kBurst> frames_{};
  std::size_t size_ = 0;
};

class Bed {
 public:
  struct Options {
    net::TcpSettings tcp;
    std::size_t packets = 16'384;
    bool device_checksums = false;  // else software verifies and computes them
    bool device_tso = false;        // else software cuts trains into segments
  };
  explicit Bed(const Options& options);

  void receive(Burst& burst) { stack.receive(now, interface, burst.take()); }
  [[nodiscard]] base::PacketPtr sent() { return stack.outgoing(interface).pop_front(); }

  base::Instant now = base::Instant::from_nanoseconds(1'000'000'000);
  LocalPacketPool pool;
  net::Stack stack;
  net::InterfaceId interface;

 private:
  void meet_gateway();
};

}  // namespace sluice::bench
