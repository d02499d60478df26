// One worker: a core's run loop. It takes bursts from its queues, lets its stack and application
// run on them to completion, transmits once, and backs off when there is nothing to do. Everything
// it touches is its own, but for the exchange with the other workers and its mailbox.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.hpp"
#include "base/limits.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/device.hpp"
#include "dataplane/run/application.hpp"
#include "dataplane/run/clock.hpp"
#include "dataplane/run/counters.hpp"
#include "dataplane/run/exchange.hpp"
#include "dataplane/run/idle.hpp"
#include "dataplane/run/mailbox.hpp"
#include "dataplane/run/sleeper.hpp"
#include "dataplane/run/steering.hpp"

namespace sluice::run {

class Worker {
 public:
  struct Options {
    unsigned worker = 0;
    unsigned core = 0;
    base::Duration idle_sleep;
    // How long sessions may take to end in order once the worker has been told to stop.
    base::Duration stop_patience = base::Duration::seconds(1);
    net::StackSettings stack;
  };
  // What it is given outlives it.
  Worker(const Options& options, const TscClock& clock, base::PacketPool& pool, Exchange& exchange,
         Mailbox& mailbox);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // --- before it runs ---
  struct PortQueue {
    net::InterfaceSettings interface;
    std::unique_ptr<nic::Device> device;  // null where the port has fewer queues than workers
    unsigned transmitter = 0;             // the worker whose queue transmits for this one then
    bool hashes = false;                  // the device computes wire::flow_hash()
  };
  // Every worker has every port, in the same order.
  void add_port(PortQueue queue);
  // For the devices of add_port().
  [[nodiscard]] base::Counters<nic::NicCounter>& nic_counters() { return nic_counters_; }
  base::Result<void, std::string> start_application(const ApplicationFactory& factory);

  // --- on its own thread ---
  // Until a kLeave has come through the mailbox.
  void run();

 private:
  struct Port {
    net::InterfaceId interface;
    std::unique_ptr<nic::Device> device;
    unsigned transmitter;
  };

  void turn();
  void watch_pace(base::Instant now);

  // Each says whether there was something to do.
  bool receive(base::Instant now);
  bool take_parcels(base::Instant now);
  bool transmit(base::Instant now);
  bool transmit_own(base::Instant now, Port& port, base::PacketQueue& frames);
  bool hand_over(std::uint8_t number, Port& port, base::PacketQueue& frames);
  void shed(base::PacketQueue& frames, RunCounter counter);

  // worker_control.cpp: the mailbox, stopping and sleeping
  bool take_commands(base::Instant now);
  void obey(base::Instant now, const Command& command);
  void reply(const Command& command);
  void fill(WorkerReport& report);
  void end_what_is_due(base::Instant now);
  void answer(std::optional<Command>& command);
  [[nodiscard]] bool all_delivered() const;
  [[nodiscard]] bool all_transmitted();
  [[nodiscard]] base::Instant next_deadline() const;
  void rest(base::Instant now, bool busy);

  const unsigned worker_;
  const unsigned core_;
  const TscClock& clock_;
  base::PacketPool& pool_;
  Exchange& exchange_;
  Mailbox& mailbox_;
  base::Counters<RunCounter> counters_;
  base::Counters<nic::NicCounter> nic_counters_;
  Steering steering_;
  net::Stack stack_;
  std::vector<Port> ports_;
  std::unique_ptr<Application> application_;
  const base::Duration idle_sleep_;
  const base::Duration stop_patience_;
  IdleBackoff idle_;
  Sleeper sleeper_;
  std::array<base::Packet*, base::limits::kBurst> burst_{};
  base::Instant turn_began_ = base::Instant::never();  // never: there was a sleep since

  std::optional<Command> draining_;
  std::optional<Command> stopping_;
  std::optional<Reply> unsent_reply_;
  base::Instant stop_deadline_;
  std::optional<base::Instant> leave_deadline_;
  bool left_ = false;
};

}  // namespace sluice::run
