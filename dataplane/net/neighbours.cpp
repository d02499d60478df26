#include "dataplane/net/neighbours.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

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

Neighbours::Neighbours(const Surroundings& surroundings)
    : around_(surroundings), entries_(kSets * kWays + 1) {}

void Neighbours::send(base::Instant now, base::Ipv4Address neighbour, base::PacketPtr packet) {
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
      around_.link.send(entry->mac, wire::EtherType::kIpv4, std::move(packet));
      return;
  }
}

// RFC 826, "Packet Reception": who is known already is updated, and who asks for us is learned.
// Nobody else is, so that what a neighbour broadcasts does not fill the table.
void Neighbours::receive(base::Instant now, const wire::ArpPacket& packet) {
  const Ipv4Subnets& subnets = around_.subnets;
  if (subnets.owns(packet.sender)) {
    around_.counters.add(packet.sender_mac == around_.link.mac() ? NetCounter::kArpUnsolicited
                                                                 : NetCounter::kArpConflict);
    return;
  }
  const bool asks_for_us =
      packet.operation == wire::ArpOperation::kRequest && subnets.owns(packet.target);
  if (packet.sender_mac.is_multicast() || packet.sender_mac == base::MacAddress{}) {
    around_.counters.add(NetCounter::kArpMalformed);
    return;
  }
  if (subnets.is_possible_neighbour(packet.sender)) {
    Entry* entry =
        asks_for_us ? find_or_add(now, packet.sender, Cause::kHeard) : find(packet.sender);
    if (entry != nullptr) {
      learn(now, *entry, packet.sender_mac);
    } else if (!asks_for_us) {
      around_.counters.add(NetCounter::kArpUnsolicited);
    }
  }
  if (asks_for_us) answer(packet);
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

void Neighbours::announce() {
  if (!around_.answers) return;
  for (const Ipv4Subnets::Subnet& subnet : around_.subnets.addresses()) {
    transmit({.operation = wire::ArpOperation::kRequest,
              .sender_mac = around_.link.mac(),
              .sender = subnet.address,
              .target_mac = {},
              .target = subnet.address},
             base::MacAddress::broadcast(), NetCounter::kArpRequestsOut);
  }
}

Neighbours::Set Neighbours::set_of(base::Ipv4Address address) {
  std::array<std::byte, 4> bytes;
  base::store_be(bytes.data(), address.value);
  const std::size_t index = around_.hash_key.hash<1, 3>(bytes) % kSets;
  return std::span(entries_).subspan(index * kWays).first<kWays>();
}

Neighbours::Entry* Neighbours::find(base::Ipv4Address address) {
  if (around_.subnets.is_gateway(address)) {
    return entries_.back().state != State::kFree ? &entries_.back() : nullptr;
  }
  for (Entry& entry : set_of(address)) {
    if (entry.address == address && entry.state != State::kFree) return &entry;
  }
  return nullptr;
}

// The entry, in state kFree when it is new; null when all of its set are in use.
Neighbours::Entry* Neighbours::find_or_add(base::Instant now, base::Ipv4Address address,
                                           Cause cause) {
  if (Entry* known = find(address)) return known;
  Entry* place =
      around_.subnets.is_gateway(address) ? &entries_.back() : place_for(now, address, cause);
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
Neighbours::Entry* Neighbours::place_for(base::Instant now, base::Ipv4Address address,
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
  entry = Entry{};
  --size_;
}

void Neighbours::learn(base::Instant now, Entry& entry, const base::MacAddress& mac) {
  around_.counters.add(NetCounter::kArpLearned);
  if (entry.state == State::kFree || entry.state == State::kResolving) entry.used = now;
  entry.state = State::kReachable;
  entry.mac = mac;
  entry.requests = 0;
  entry.deadline = now + kReachableTime;
  while (base::PacketPtr packet = entry.waiting.pop_front()) {
    --waiting_;
    around_.link.send(mac, wire::EtherType::kIpv4, std::move(packet));
  }
}

void Neighbours::answer(const wire::ArpPacket& request) {
  around_.counters.add(NetCounter::kArpRequestsIn);
  if (!around_.answers) return;
  transmit({.operation = wire::ArpOperation::kReply,
            .sender_mac = around_.link.mac(),
            .sender = request.target,
            .target_mac = request.sender_mac,
            .target = request.sender},
           request.sender_mac, NetCounter::kArpRepliesOut);
}

// RFC 1122 2.3.2.2: the latest packet is kept, so the oldest one makes room.
void Neighbours::keep_waiting(Entry& entry, base::PacketPtr packet) {
  // What waits for others must not keep anything from waiting for the gateway.
  const bool full = waiting_ >= base::limits::kMaxPendingForNeighbours &&
                    !around_.subnets.is_gateway(entry.address);
  if (full || entry.waiting.packets() >= base::limits::kMaxPendingPerNeighbour) {
    around_.counters.add(NetCounter::kNeighbourPendingFull);
    if (entry.waiting.empty()) return;
    (void)entry.waiting.pop_front();
    --waiting_;
  }
  entry.waiting.push_back(std::move(packet));
  ++waiting_;
}

// Broadcast while the address is unknown, a unicast poll when it only has to be confirmed.
void Neighbours::request(base::Instant now, Entry& entry) {
  ++entry.requests;
  entry.deadline = on_grid(now + kRequestInterval);
  next_deadline_ = std::min(next_deadline_, entry.deadline);
  const bool confirming = entry.state == State::kConfirming;
  transmit({.operation = wire::ArpOperation::kRequest,
            .sender_mac = around_.link.mac(),
            .sender = around_.subnets.source_towards(entry.address),
            .target_mac = confirming ? entry.mac : base::MacAddress{},
            .target = entry.address},
           confirming ? entry.mac : base::MacAddress::broadcast(), NetCounter::kArpRequestsOut);
}

void Neighbours::transmit(const wire::ArpPacket& packet, const base::MacAddress& destination,
                          NetCounter counter) {
  base::PacketPtr frame(around_.pool.allocate());
  if (!frame) {
    around_.counters.add(NetCounter::kArpNoPacket);
    return;
  }
  wire::serialize_arp(packet, frame->append(wire::ArpPacket::kSize));
  around_.counters.add(counter);
  around_.link.send(destination, wire::EtherType::kArp, std::move(frame));
}

}  // namespace sluice::net
