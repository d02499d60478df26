// The far ends of a stack's connections, scripted: sixteen bytes for each instead of a second
// stack, so that a million of them cost little beside what is measured. They answer nothing by
// themselves; the benchmark says what each sends next. Frames are right to the last checksum, with
// the options that a common client has: MSS, window scale, SACK-permitted and timestamps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "bench/stack/local_packet_pool.hpp"
#include "dataplane/wire/seq_number.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::bench {

// Both sides of the wire. Peers lie behind the gateway, so that one neighbour serves them all.
inline constexpr base::MacAddress kStackMac{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
inline constexpr base::MacAddress kGatewayMac{{std::byte{2}, {}, {}, {}, {}, std::byte{2}}};
inline constexpr base::Ipv4Address kStackAddress = base::Ipv4Address::of(198, 18, 0, 2);
inline constexpr base::Ipv4Address kGatewayAddress = base::Ipv4Address::of(198, 18, 0, 1);
inline constexpr std::uint16_t kStackPort = 443;

// Payload of a full segment at an MTU of 1500 with timestamps.
inline constexpr std::size_t kFullSegment = 1448;

class Peers {
 public:
  struct Options {
    std::size_t flows = 1;
    // What the device of the stack under test would have found out: checksums are right.
    bool marks_verified = false;
  };
  // Frames come from `pool`.
  Peers(LocalPacketPool& pool, const Options& options);

  // Flows are numbered from 0; a number's address and port are its own, what is remembered of it
  // only among as many as there are flows: number n takes the place of n - flows.
  using Number = std::uint32_t;

  [[nodiscard]] base::PacketPtr syn(base::Instant now, Number number);
  struct Speech {
    std::size_t text = 0;  // bytes
    bool fin = false;
    std::optional<wire::SeqNumber> up_to{};  // acknowledges no more than that
  };
  // Acknowledges all that was heard, unless it is said how much.
  [[nodiscard]] base::PacketPtr speak(base::Instant now, Number number, const Speech& speech);
  // A SYN that nobody stands behind.
  [[nodiscard]] base::PacketPtr spoofed_syn(std::uint64_t random);

  struct Heard {
    Number number = 0;
    wire::TcpFlags flags;
    std::size_t text = 0;  // bytes, new or not
    wire::SeqNumber end;
  };
  // What the stack has sent, a train as one; nothing when it was for none of the peers.
  std::optional<Heard> hear(base::Instant now, const base::Packet& frame);

  // The number of the flow whose far end this is.
  [[nodiscard]] static Number number_of(const base::SocketAddress& peer);

 private:
  struct Flow {
    wire::SeqNumber next;      // to be sent
    wire::SeqNumber expected;  // from the stack
    std::uint32_t clock = 0;   // the stack's timestamps minus milliseconds of time
    bool opened = false;       // the stack's SYN was heard
  };
  static_assert(sizeof(Flow) == 16);

  [[nodiscard]] Flow& flow_of(Number number) { return flows_[number % flows_.size()]; }
  [[nodiscard]] base::PacketPtr frame(base::Ipv4Address source, const wire::TcpHeader& header,
                                      std::size_t text);

  LocalPacketPool& pool_;
  const bool marks_verified_;
  std::vector<Flow> flows_;
};

}  // namespace sluice::bench
