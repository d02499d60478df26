#include "bench/stack/bulk.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/limits.hpp"
#include "bench/stack/bed.hpp"

namespace sluice::bench {

using base::Duration;
using base::Instant;
using base::PacketPtr;
using base::PacketQueue;

namespace {

constexpr std::uint16_t kPort = 5001;
constexpr std::uint8_t kSender = 1;
constexpr std::uint8_t kReceiver = 2;

// Room for several times what is in flight on the longest path, so that no buffer is the limit.
constexpr std::size_t kBuffer = std::size_t{32} << 20;
constexpr std::size_t kPackets = 32'768;

// Payload is written in pieces of at least this, not whenever a segment has been acknowledged.
constexpr std::size_t kWrite = std::size_t{64} << 10;

base::Ipv4Address address_of(std::uint8_t last_octet) {
  return base::Ipv4Address::of(198, 18, 0, last_octet);
}

net::StackSettings settings(const Bulk::Options& options) {
  net::StackSettings settings;
  settings.tcp.congestion = options.congestion;
  if (options.marking > 0) settings.tcp.ecn = net::EcnUse::kAsk;
  settings.tcp.max_connections = 4;
  settings.tcp.receive_buffer = kBuffer;
  settings.tcp.send_buffer = kBuffer;
  settings.tcp.initial_receive_buffer = kBuffer;
  settings.tcp.initial_send_buffer = kBuffer;
  settings.hash_key = {std::byte{7}, std::byte{1}};
  return settings;
}

// A queue of one bandwidth-delay product in front of the bottleneck.
Path::Options path_options(const Bulk::Options& options, double loss, double marking,
                           std::uint64_t seed) {
  const std::int64_t product = options.bits_per_second / 8 * options.rtt.microseconds() / 1'000'000;
  return {.bits_per_second = options.bits_per_second,
          .delay = options.rtt / 2,
          .queue = static_cast<std::size_t>(product),
          .loss = loss,
          .marking = marking,
          .seed = seed};
}

}  // namespace

Bulk::Host::Host(std::uint8_t last_octet, const Options& options, Instant start)
    : pool(kPackets),
      stack(settings(options), pool, start),
      interface(
          stack.add_interface({.mac = {{std::byte{2}, {}, {}, {}, {}, std::byte{last_octet}}},
                               .addresses = {{.address = address_of(last_octet), .length = 24}},
                               .gateway = std::nullopt})) {}

Bulk::Bulk(const Options& options)
    : sender_(kSender, options, now_),
      receiver_(kReceiver, options, now_),
      there_(path_options(options, options.loss, options.marking, 2 * options.seed),
             receiver_.pool),
      back_(path_options(options, options.loss_back, 0, 2 * options.seed + 1), sender_.pool) {}

bool Bulk::open() {
  constexpr Duration kPatience = Duration::seconds(60);
  if (!receiver_.stack.listen({.address = address_of(kReceiver), .port = kPort})) return false;
  const auto connection =
      sender_.stack.connect(now_, {.source = address_of(kSender),
                                   .remote = {.address = address_of(kReceiver), .port = kPort},
                                   .timeout = kPatience});
  if (!connection) return false;
  sender_.connection = *connection;
  const Instant end = now_ + kPatience;
  while (now_ < end && !closed_ && !receiver_.connection) step();
  return static_cast<bool>(receiver_.connection);
}

Bulk::Outcome Bulk::run(Duration time) {
  const Instant begin = now_;
  const std::uint64_t before = received_;
  last_progress_ = now_;
  longest_stall_ = {};
  while (now_ < begin + time && !closed_) step();
  longest_stall_ = std::max(longest_stall_, now_ - last_progress_);
  return {.goodput = 8e9 * static_cast<double>(received_ - before) /
                     static_cast<double>(time.nanoseconds()),
          .longest_stall = longest_stall_,
          .alive = !closed_};
}

// On to the next moment at which something happens.
void Bulk::step() {
  constexpr Duration kLeast = Duration::microseconds(1);
  turn(receiver_, there_, back_);
  turn(sender_, back_, there_);
  const Instant next = std::min({there_.next_arrival(), back_.next_arrival(),
                                 sender_.stack.next_deadline(), receiver_.stack.next_deadline()});
  now_ = std::max(next, now_ + kLeast);
}

void Bulk::turn(Host& host, Path& incoming, Path& outgoing) {
  Burst burst;
  while (!burst.full()) {
    PacketPtr frame = incoming.arrived(now_);
    if (!frame) break;
    burst.push_back(std::move(frame));
  }
  host.stack.receive(now_, host.interface, burst.take());
  host.stack.advance(now_);
  while (const auto event = host.stack.next_event()) {
    if (event->what.opened) {
      host.connection = event->connection;
      host.open = true;
    }
    if (event->what.closed) closed_ = true;
  }
  if (&host == &sender_) write();
  if (&host == &receiver_) read();
  host.stack.flush(now_);
  PacketQueue& frames = host.stack.outgoing(host.interface);
  while (PacketPtr frame = frames.pop_front()) outgoing.send(now_, std::move(frame));
}

void Bulk::write() {
  // Before that the peer's MSS is not known, and what is written in advance is in small segments.
  if (!sender_.open) return;
  const std::size_t segment = sender_.stack.segment_size(sender_.connection);
  while (!closed_ && sender_.stack.send_room(sender_.connection) >= kWrite) {
    PacketQueue payload;
    while (payload.bytes() < kWrite && sender_.pool.available() > kPackets / 4) {
      PacketPtr packet(sender_.pool.allocate());
      std::ranges::fill(packet->append(segment), std::byte{'b'});
      payload.push_back(std::move(packet));
    }
    if (payload.empty()) return;
    sender_.stack.send(now_, sender_.connection, std::move(payload));
  }
}

void Bulk::read() {
  PacketQueue* input = receiver_.stack.input(receiver_.connection);
  if (input == nullptr || input->empty()) return;
  received_ += input->bytes();
  input->clear();
  receiver_.stack.consumed(now_, receiver_.connection);
  longest_stall_ = std::max(longest_stall_, now_ - last_progress_);
  last_progress_ = now_;
}

}  // namespace sluice::bench
