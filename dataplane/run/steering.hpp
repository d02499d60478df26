// Which worker a received frame goes to. The owner of a flow is a pure function of its addresses
// and ports (dataplane/wire/flow.hpp), whatever queue the frame came through: a worker keeps what
// is its own, passes on what is another's, and gives every other worker a copy of what all have to
// see.
//
// A device that computes the same function delivers most frames to their owner, and its hash saves
// computing one. The answer to each active open checks that; a device that is wrong too often is
// not believed any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "dataplane/run/counters.hpp"
#include "dataplane/run/exchange.hpp"

namespace sluice::run {

class Steering {
 public:
  // `copies` is the worker's own pool.
  Steering(unsigned worker, Exchange& exchange, base::PacketPool& copies,
           base::Counters<RunCounter>& counters);

  // The one whose stack answers for all: requests for our addresses go there.
  static constexpr unsigned kAnsweringWorker = 0;

  // A port, in the order of their numbers; `hashes` when its device computes wire::flow_hash().
  void add_port(bool hashes, std::span<const base::AddressPrefix> addresses = {});

  // Sends every frame of a burst where it belongs. What stays is moved to the front of `frames`, in
  // order; returns how many that are.
  [[nodiscard]] std::size_t steer(std::uint8_t port, std::span<base::Packet*> frames);

  // Active opens in a row that a device may get wrong before its hash is ignored.
  static constexpr unsigned kMaxMispredictions = 8;

 private:
  struct Port {
    bool trusted = false;
    std::vector<base::Ipv4Address> addresses;  // ours
    unsigned mispredictions = 0;               // since the last right one
  };
  // The frame's worker; kEveryone for all of them.
  static constexpr unsigned kEveryone = ~0U;
  [[nodiscard]] unsigned destination(Port& port, const base::Packet& frame);
  void verify(Port& port, const base::Packet& frame, unsigned owner);
  void forward(std::uint8_t port, unsigned to, base::Packet* frame);
  void copy_to_others(std::uint8_t port, const base::Packet& frame);
  [[nodiscard]] static bool concerns_others(const Port& port, const base::Packet& frame);

  const unsigned worker_;
  Exchange& exchange_;
  base::PacketPool& copies_;
  base::Counters<RunCounter>& counters_;
  std::vector<Port> ports_;
};

}  // namespace sluice::run
