// Two stacks joined by a link in memory, in virtual time: nothing sleeps, nothing depends on the
// machine. Time stands still while frames fly and jumps to the next deadline when none do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/counters.hpp"
#include "base/memory_packet_pool.hpp"
#include "base/time.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/nic/counters.hpp"
#include "dataplane/nic/fault_device.hpp"
#include "dataplane/nic/memory_device.hpp"

namespace sluice::test {

// One worker: a stack, its packets and its device.
class SimulatedHost {
 public:
  using OnEvent = std::function<void(SimulatedHost&, const net::Event&)>;

  struct Options {
    base::MacAddress mac;
    base::IpAddress address;  // in 198.18.0.0/24 or 2001:db8::/64
    net::TcpSettings tcp;
    std::size_t packets = 4096;
    std::uint16_t train_packets = 0;  // its device cuts trains of up to so many into segments
  };
  explicit SimulatedHost(const Options& options);

  // One turn of a worker's loop. True when a frame moved or an event was delivered.
  bool turn(base::Instant now);

  void attach(nic::Device& device) { device_ = &device; }
  [[nodiscard]] nic::MemoryDevice::End end() {
    return {.mac = options_.mac, .pool = pool_, .counters = nic_counters_};
  }
  [[nodiscard]] const base::IpAddress& address() const { return options_.address; }
  [[nodiscard]] net::Stack& stack() { return stack_; }
  [[nodiscard]] base::MemoryPacketPool& pool() { return pool_; }
  [[nodiscard]] base::Counters<nic::NicCounter>& nic_counters() { return nic_counters_; }
  [[nodiscard]] base::Instant next_deadline() const;

  OnEvent on_event;

 private:
  bool receive(base::Instant now);
  bool transmit(base::Instant now);

  Options options_;
  base::MemoryPacketPool pool_;
  base::Counters<nic::NicCounter> nic_counters_;
  net::Stack stack_;
  net::InterfaceId interface_;
  nic::Device* device_ = nullptr;
};

class SimulatedNetwork {
 public:
  struct Options {
    net::TcpSettings tcp;  // of both hosts
    base::AddressFamily family = base::AddressFamily::kIpv4;
    std::uint16_t mtu = 1500;
    std::size_t depth = 1024;                                // of the link, frames per direction
    std::optional<nic::FaultDevice::Options> client_faults;  // on the client's device
    std::size_t packets = 4096;                              // of each host
    std::uint16_t train_packets = 0;  // both hosts' devices cut trains of up to so many
  };
  explicit SimulatedNetwork(const Options& options);
  ~SimulatedNetwork();

  // Goes on until `done`, for at most this much virtual time; returns whether it is done.
  bool run_until(const std::function<bool()>& done,
                 base::Duration limit = base::Duration::seconds(60));
  void run_for(base::Duration time) {
    run_until([] { return false; }, time);
  }

  [[nodiscard]] base::Instant now() const { return now_; }
  [[nodiscard]] SimulatedHost& client() { return client_; }
  [[nodiscard]] SimulatedHost& server() { return server_; }

 private:
  base::Instant now_ = base::Instant::from_nanoseconds(1'000'000'000);
  SimulatedHost client_;
  SimulatedHost server_;
  nic::MemoryLink link_;
  std::unique_ptr<nic::Device> client_device_;
  std::unique_ptr<nic::Device> server_device_;
};

}  // namespace sluice::test
