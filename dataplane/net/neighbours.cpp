#include "dataplane/net/neighbours.hpp"

#include <algorithm>
#include <utility>

namespace sluice::net {
namespace {

// Deadlines are rounded up to this, so that however many neighbours are being asked for, the table
// is walked at most ten times a second.
constexpr base::Duration kDeadlineGrid = base::Duration::milliseconds(100);

base::Instant on_grid(base::Instant t) {
  const std::int64_t grid = kDeadlineGrid.nanoseconds();
  return base::Instant::from_nanoseconds((t.nanoseconds() + grid - 1) / grid * grid);
}

}  // namespace

Neighbours::Neighbours(Surroundings surroundings)
    : around_(std::move(surroundings)), entries_(kSets * kWays + around_.gateways.size()) {}

void Neighbours::send(base::Instant now, const base::IpAddress& neighbour, base::PacketPtr packet) {
  Entry* entry = find_or_add(now, neighbour, Cause::kSending);
  if (entry == nullptr) {
    around_.counters.add(NetCounter::kNeighboursFull);
    return;
  }
  if (entry->state != State::kResolving) entry->used = now;
  switch (entry->state) {
    case State::kFree:
      entry->state = State::kResolving;
      request(now, *entry);
      [[fallthrough]];
    case State::kResolving:
      keep_waiting(*entry, std::move(packet));
      return;
    case State::kReachable:
      if (now >= entry->deadline) {
        entry->state = State::kConfirming;
        entry->requests = 0;
        request(now, *entry);
      }
      [[fallthrough]];
    case State::kConfirming:
      transmit(*entry, std::move(packet));
      return;
  }
}

void Neighbours::learn(base::Instant now, const base::IpAddress& neighbour,
                       const base::MacAddress& mac, Belief belief) {
  Entry* entry = find_or_add(now, neighbour, Cause::kHeard);
  if (entry == nullptr) return;
  const bool answered = entry->state == State::kReachable || entry->state == State::kConfirming;
  if (!answered) entry->used = now;
  // RFC 4861 7.2.3: what is heard again changes nothing.
  if (belief == Belief::kHeard && answered && entry->mac == mac) return;
  entry->state = State::kReachable;
  if (entry->mac != mac) ++entry->version;
  entry->mac = mac;
  entry->requests = 0;
  entry->deadline = belief == Belief::kConfirmed ? now + kReachableTime : now;
  send_waiting(*entry);
}

std::optional<Neighbours::Known> Neighbours::known(const base::IpAddress& neighbour) {
  const Entry* entry = find(neighbour);
  if (entry == nullptr) return std::nullopt;
  if (entry->state == State::kResolving) return Known{};
  return Known{.mac = entry->mac};
}

Neighbours::Acquaintance Neighbours::acquaintance(const base::IpAddress& neighbour) {
  Entry* entry = find(neighbour);
  return entry != nullptr ? Acquaintance(*entry) : Acquaintance();
}

void Neighbours::doubt(base::Instant now, const base::IpAddress& neighbour) {
  Entry* entry = find(neighbour);
  if (entry != nullptr && entry->state == State::kReachable) entry->deadline = now;
}

void Neighbours::advance(base::Instant now, base::PacketQueue& undeliverable) {
  if (now < next_deadline_) return;
  next_deadline_ = base::Instant::never();
  for (Entry& entry : entries_) {
    if (entry.state != State::kResolving && entry.state != State::kConfirming) continue;
    if (now < entry.deadline) {
      next_deadline_ = std::min(next_deadline_, entry.deadline);
    } else if (entry.requests < kRequests) {
      request(now, entry);
    } else {
      around_.counters.add(NetCounter::kNeighbourUnresolved);
      waiting_ -= entry.waiting.packets();
      undeliverable.splice_back(std::move(entry.waiting));
      forget(entry);
    }
  }
}

Neighbours::Set Neighbours::set_of(const base::IpAddress& address) {
  const std::size_t index = around_.hash_key.hash<1, 3>(address.ipv6().octets) % kSets;
  return std::span(entries_).subspan(index * kWays).first<kWays>();
}

Neighbours::Entry* Neighbours::gateway_place(const base::IpAddress& address) {
  const auto gateway = std::ranges::find(around_.gateways, address);
  if (gateway == around_.gateways.end()) return nullptr;
  return &entries_[kSets * kWays + static_cast<std::size_t>(gateway - around_.gateways.begin())];
}

Neighbours::Entry* Neighbours::find(const base::IpAddress& address) {
  if (Entry* gateway = gateway_place(address)) {
    return gateway->state != State::kFree ? gateway : nullptr;
  }
  for (Entry& entry : set_of(address)) {
    if (entry.address == address && entry.state != State::kFree) return &entry;
  }
  return nullptr;
}

// The entry, in state kFree when it is new; null when all of its set are in use.
Neighbours::Entry* Neighbours::find_or_add(base::Instant now, const base::IpAddress& address,
                                           Cause cause) {
  if (Entry* known = find(address)) return known;
  Entry* place = gateway_place(address);
  if (place == nullptr) place = place_for(now, address, cause);
  if (place == nullptr) return nullptr;
  if (place->state != State::kFree) {
    around_.counters.add(NetCounter::kNeighboursFull, place->waiting.packets());
    waiting_ -= place->waiting.packets();
    forget(*place);
  }
  place->address = address;
  ++size_;
  return place;
}

// Where a new neighbour goes, at the cost of the one that is missed least. Those that have not
// answered take half of a set at most, the oldest of them making room, and nothing from neighbours
// in use: packets for addresses where nobody is are cheap to provoke.
Neighbours::Entry* Neighbours::place_for(base::Instant now, const base::IpAddress& address,
                                         Cause cause) {
  Entry* free = nullptr;
  Entry* resolving = nullptr;
  Entry* answered = nullptr;
  std::size_t unanswered = 0;
  for (Entry& entry : set_of(address)) {
    if (entry.state == State::kFree) {
      free = &entry;
      continue;
    }
    unanswered += entry.state == State::kResolving ? 1 : 0;
    Entry*& oldest = entry.state == State::kResolving ? resolving : answered;
    if (oldest == nullptr || entry.used < oldest->used) oldest = &entry;
  }
  if (cause == Cause::kSending && unanswered >= kMaxResolving) return resolving;
  if (free != nullptr) return free;
  if (answered != nullptr && now - answered->used >= kInUseTime) return answered;
  if (resolving != nullptr) return resolving;
  return cause == Cause::kHeard ? answered : nullptr;
}

void Neighbours::forget(Entry& entry) {
  const std::uint32_t version = entry.version;
  entry = Entry{};
  entry.version = version + 1;
  --size_;
}

void Neighbours::send_waiting(Entry& entry) {
  while (base::PacketPtr packet = entry.waiting.pop_front()) {
    --waiting_;
    transmit(entry, std::move(packet));
  }
}

// RFC 1122 2.3.2.2: the latest packet is kept, so the oldest one makes room.
void Neighbours::keep_waiting(Entry& entry, base::PacketPtr packet) {
  // What waits for others must not keep anything from waiting for the gateway.
  const bool full =
      waiting_ >= base::limits::kMaxPendingForNeighbours && gateway_place(entry.address) == nullptr;
  if (full || entry.waiting.packets() >= base::limits::kMaxPendingPerNeighbour) {
    around_.counters.add(NetCounter::kNeighbourPendingFull);
    if (entry.waiting.empty()) return;
    (void)entry.waiting.pop_front();
    --waiting_;
  }
  entry.waiting.push_back(std::move(packet));
  ++waiting_;
}

// Everybody is asked while the address is unknown, only the neighbour when it has to be confirmed.
void Neighbours::request(base::Instant now, Entry& entry) {
  ++entry.requests;
  entry.deadline = on_grid(now + kRequestInterval);
  next_deadline_ = std::min(next_deadline_, entry.deadline);
  NeighbourResolver& resolver = entry.address.is_ipv4() ? around_.ipv4 : around_.ipv6;
  resolver.ask(entry.address,
               entry.state == State::kConfirming ? std::optional(entry.mac) : std::nullopt);
}

void Neighbours::transmit(const Entry& entry, base::PacketPtr packet) {
  around_.link.send(entry.mac,
                    entry.address.is_ipv4() ? wire::EtherType::kIpv4 : wire::EtherType::kIpv6,
                    std::move(packet));
}

}  // namespace sluice::net
