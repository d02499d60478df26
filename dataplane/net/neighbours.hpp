// Whose link-layer address is whose on an interface, for both families, and what waits for an
// answer (RFC 1122 2.3.2, RFC 4861 7.2 and 7.3): a set-associative table of fixed size. Looking up
// touches one set, a full set forgets its least recently used neighbour, and no peer makes it grow.
// Whoever makes us send to addresses where nobody is displaces only others of the kind, and
// gateways have places of their own. How neighbours are asked is their family's resolver's to know.
#pragma once

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
#include "dataplane/net/link.hpp"
#include "dataplane/net/tcp/siphash.hpp"

namespace sluice::net {

// Asks the link for neighbours of one family.
class NeighbourResolver {
 public:
  virtual ~NeighbourResolver() = default;
  // Asks everybody; or, where the neighbour only has to confirm `known_at`, nobody else.
  virtual void ask(const base::IpAddress& neighbour,
                   const std::optional<base::MacAddress>& known_at) = 0;
};

class Neighbours {
 public:
  // RFC 1122 2.3.2.1: at most one request per second and destination. RFC 4861 10, RETRANS_TIMER.
  static constexpr base::Duration kRequestInterval = base::Duration::seconds(1);
  // Unanswered, then the neighbour is given up. RFC 4861 10, MAX_MULTICAST_SOLICIT and
  // MAX_UNICAST_SOLICIT.
  static constexpr unsigned kRequests = 3;
  // How long an address is believed before it is asked for again, in unicast, when it is used.
  static constexpr base::Duration kReachableTime = base::Duration::seconds(60);

  // A neighbour used so lately is not forgotten for one that has not answered yet.
  static constexpr base::Duration kInUseTime = base::Duration::seconds(10);

  struct Surroundings {
    Link& link;
    NeighbourResolver& ipv4;
    NeighbourResolver& ipv6;
    std::vector<base::IpAddress> gateways;
    const tcp::SipKey& hash_key;  // nobody outside can aim at one set
    base::Counters<NetCounter>& counters;
  };
  explicit Neighbours(Surroundings surroundings);

  // Sends a packet of the address's family to a neighbour on the link, now or when it has answered.
  void send(base::Instant now, const base::IpAddress& neighbour, base::PacketPtr packet);

  // A neighbour that has answered, for senders that keep it.
  class Acquaintance;
  // Holds for nobody where the neighbour is not known.
  [[nodiscard]] Acquaintance acquaintance(const base::IpAddress& neighbour);

  // What a neighbour has said of itself. A neighbour that is confirmed is believed for
  // kReachableTime, one that is only heard until it is used: then it is asked.
  enum class Belief : std::uint8_t { kConfirmed, kHeard };
  // Nothing happens where all of its set are in use.
  void learn(base::Instant now, const base::IpAddress& neighbour, const base::MacAddress& mac,
             Belief belief);
  // What is known of an address: its link-layer address, once it has answered.
  struct Known {
    std::optional<base::MacAddress> mac;
  };
  [[nodiscard]] std::optional<Known> known(const base::IpAddress& neighbour);
  // To be asked again before it is used any longer.
  void doubt(base::Instant now, const base::IpAddress& neighbour);

  // Repeats requests and gives up. Packets that waited in vain are moved to `undeliverable`.
  void advance(base::Instant now, base::PacketQueue& undeliverable);
  [[nodiscard]] base::Instant next_deadline() const { return next_deadline_; }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  enum class State : std::uint8_t {
    kFree,
    kResolving,  // never answered; packets wait
    kReachable,
    kConfirming,  // in use while it is asked for again
  };
  struct Entry {
    base::IpAddress address;
    base::MacAddress mac;
    State state = State::kFree;
    std::uint8_t requests = 0;  // sent and unanswered
    std::uint32_t version = 0;  // another one for each neighbour, and each address of its, here
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

  Set set_of(const base::IpAddress& address);
  // A gateway's own place; null for everybody else.
  Entry* gateway_place(const base::IpAddress& address);
  Entry* find(const base::IpAddress& address);
  Entry* find_or_add(base::Instant now, const base::IpAddress& address, Cause cause);
  Entry* place_for(base::Instant now, const base::IpAddress& address, Cause cause);
  void forget(Entry& entry);
  void send_waiting(Entry& entry);
  void keep_waiting(Entry& entry, base::PacketPtr packet);
  void request(base::Instant now, Entry& entry);
  void transmit(const Entry& entry, base::PacketPtr packet);

  Surroundings around_;
  std::vector<Entry> entries_;  // the sets, and the gateways' at the end
  std::size_t size_ = 0;
  std::size_t waiting_ = 0;  // packets in all entries
  base::Instant next_deadline_ = base::Instant::never();
};

class Neighbours::Acquaintance {
 public:
  Acquaintance() = default;
  // False when the neighbour is forgotten, has moved, or has to be asked again. Else it is in use.
  [[nodiscard]] bool holds(base::Instant now) const {
    if (entry_ == nullptr || entry_->version != version_) return false;
    if (entry_->state != State::kReachable || now >= entry_->deadline) return false;
    entry_->used = now;
    return true;
  }
  // Precondition: it holds.
  [[nodiscard]] const base::MacAddress& mac() const { return entry_->mac; }

 private:
  friend class Neighbours;
  explicit Acquaintance(Entry& entry) : entry_(&entry), version_(entry.version) {}

  Entry* entry_ = nullptr;
  std::uint32_t version_ = 0;
};

}  // namespace sluice::net
