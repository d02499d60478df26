// The ARP side of an interface (RFC 826, RFC 1122 2.3.2): whose link-layer address is whose, what
// waits for an answer, and the answers we give. A set-associative table of fixed size: looking up
// touches one set, a full set forgets its least recently used neighbour, and no peer makes it grow.
// Whoever makes us send to addresses where nobody is displaces only others of the kind, and the
// gateway has a place of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/limits.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_subnets.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/net/tcp/siphash.hpp"
#include "dataplane/wire/arp.hpp"

namespace sluice::net {

class Neighbours {
 public:
  // RFC 1122 2.3.2.1: at most one request per second and destination.
  static constexpr base::Duration kRequestInterval = base::Duration::seconds(1);
  static constexpr unsigned kRequests = 3;  // unanswered, then the neighbour is given up
  // How long an address is believed before it is asked for again, in unicast, when it is used.
  static constexpr base::Duration kReachableTime = base::Duration::seconds(60);

  // A neighbour used so lately is not forgotten for one that has not answered yet.
  static constexpr base::Duration kInUseTime = base::Duration::seconds(10);

  struct Surroundings {
    Link& link;
    const Ipv4Subnets& subnets;
    const tcp::SipKey& hash_key;  // nobody outside can aim at one set
    base::PacketPool& pool;       // for requests and replies
    base::Counters<NetCounter>& counters;
    bool answers = true;  // requests for our addresses
  };
  explicit Neighbours(const Surroundings& surroundings);

  // Sends an IPv4 packet to a neighbour on the link, now or when its address is known.
  void send(base::Instant now, base::Ipv4Address neighbour, base::PacketPtr packet);

  void receive(base::Instant now, const wire::ArpPacket& packet);

  // Repeats requests and gives up. Packets that waited in vain are moved to `undeliverable`.
  void advance(base::Instant now, base::PacketQueue& undeliverable);
  [[nodiscard]] base::Instant next_deadline() const { return next_deadline_; }

  // Tells the link whose our addresses are (RFC 5227 3), if this worker answers for them.
  void announce();

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  enum class State : std::uint8_t {
    kFree,
    kResolving,  // never answered; packets wait
    kReachable,
    kConfirming,  // in use while it is asked for again
  };
  struct Entry {
    base::Ipv4Address address;
    base::MacAddress mac;
    State state = State::kFree;
    std::uint8_t requests = 0;  // sent and unanswered
    base::Instant deadline;     // of the next request; kReachable: of belief
    base::Instant used;         // kResolving: when it was first asked for
    base::PacketQueue waiting;
  };
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kMaxResolving = kWays / 2;  // of a set
  static constexpr std::size_t kSets = base::limits::kMaxNeighbours / kWays;
  using Set = std::span<Entry, kWays>;

  // What makes a neighbour known: we want to send to it, or it has spoken to us.
  enum class Cause : std::uint8_t { kSending, kHeard };

  Set set_of(base::Ipv4Address address);
  Entry* find(base::Ipv4Address address);
  Entry* find_or_add(base::Instant now, base::Ipv4Address address, Cause cause);
  Entry* place_for(base::Instant now, base::Ipv4Address address, Cause cause);
  void forget(Entry& entry);
  void learn(base::Instant now, Entry& entry, const base::MacAddress& mac);
  void answer(const wire::ArpPacket& request);
  void keep_waiting(Entry& entry, base::PacketPtr packet);
  void request(base::Instant now, Entry& entry);
  void transmit(const wire::ArpPacket& packet, const base::MacAddress& destination,
                NetCounter counter);

  Surroundings around_;
  std::vector<Entry> entries_;  // the sets, and the gateway's at the end
  std::size_t size_ = 0;
  std::size_t waiting_ = 0;  // packets in all entries
  base::Instant next_deadline_ = base::Instant::never();
};

}  // namespace sluice::net
