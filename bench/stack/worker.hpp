// One worker's loop over a memory link: receive a burst, process it, serve the sessions, transmit.
// Its clock is the time that it has itself spent, as that of a worker which is never idle and
// shares its core with nobody; what the peers cost is off the clock.
#pragma once

#include <functional>

#include "base/counters.hpp"
#include "bench/stack/bed.hpp"
#include "bench/stack/local_packet_pool.hpp"
#include "bench/stack/stopwatch.hpp"
#include "dataplane/nic/memory_device.hpp"

namespace sluice::bench {

class Worker {
 public:
  // `session` is called for each event. The bed outlives the worker.
  using Session = std::function<void(const net::Event&)>;
  Worker(Bed& bed, Session session);

  // The peers' side. Frames that the link has no room for are dropped and counted.
  void arrive(base::PacketPtr frame);
  [[nodiscard]] base::PacketPtr depart();

  // Turns until everything that has arrived is processed.
  void run();

  [[nodiscard]] base::Duration spent() const { return in_stack_ + in_device_; }
  [[nodiscard]] base::Duration spent_in_stack() const { return in_stack_; }
  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  void turn();
  [[nodiscard]] std::size_t receive();
  void transmit();

  static constexpr std::size_t kDepth = 1024;  // frames, of the link

  Bed& bed_;
  Session session_;
  base::Counters<nic::NicCounter> counters_;
  LocalPacketPool peer_pool_;
  nic::MemoryLink link_;
  std::array<base::Packet*, base::limits::kBurst> burst_{};
  std::size_t waiting_ = 0;  // frames on the link, towards the worker
  std::size_t dropped_ = 0;
  base::Duration in_stack_;
  base::Duration in_device_;
};

}  // namespace sluice::bench
