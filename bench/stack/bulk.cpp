#include "bench/stack/bulk.hpp"

#include <algorithm>
#include <utility>

namespace sluice::bench {

using base::Duration;
using base::Instant;
using base::PacketPtr;

namespace {

constexpr std::uint8_t kSender = 1;
constexpr std::uint8_t kReceiver = 2;

// Room for several times what is in flight on the longest path, so that no buffer is the limit.
constexpr std::size_t kBuffer = std::size_t{32} << 20;
constexpr std::size_t kPackets = 32'768;

// Payload is written in pieces of at least this, not whenever a segment has been acknowledged.
constexpr std::size_t kWrite = std::size_t{64} << 10;

net::TcpSettings settings(const Bulk::Options& options) {
  net::TcpSettings tcp;
  tcp.congestion = options.congestion;
  if (options.marking > 0) tcp.ecn = net::EcnUse::kAsk;
  tcp.max_connections = 4;
  tcp.receive_buffer = kBuffer;
  tcp.send_buffer = kBuffer;
  tcp.initial_receive_buffer = kBuffer;
  tcp.initial_send_buffer = kBuffer;
  return tcp;
}

Endpoint::Options endpoint(std::uint8_t host, const Bulk::Options& options, Instant start) {
  return {.host = host, .tcp = settings(options), .packets = kPackets, .start = start};
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

Bulk::Bulk(const Options& options)
    : sender_(endpoint(kSender, options, now_)),
      receiver_(endpoint(kReceiver, options, now_)),
      there_(path_options(options, options.loss, options.marking, 2 * options.seed),
             receiver_.pool()),
      back_(path_options(options, options.loss_back, 0, 2 * options.seed + 1), sender_.pool()) {}

bool Bulk::open() {
  if (!receiver_.listen() || !sender_.connect(now_, kReceiver)) return false;
  const Instant end = now_ + Duration::seconds(60);
  while (now_ < end && !closed() && !receiver_.connection()) step();
  return static_cast<bool>(receiver_.connection());
}

Bulk::Outcome Bulk::run(Duration time) {
  const Instant begin = now_;
  const std::uint64_t before = received_;
  last_progress_ = now_;
  longest_stall_ = {};
  while (now_ < begin + time && !closed()) step();
  longest_stall_ = std::max(longest_stall_, now_ - last_progress_);
  return {.goodput = 8e9 * static_cast<double>(received_ - before) /
                     static_cast<double>(time.nanoseconds()),
          .longest_stall = longest_stall_,
          .alive = !closed()};
}

// On to the next moment at which something happens.
void Bulk::step() {
  constexpr Duration kLeast = Duration::microseconds(1);
  turn(receiver_, there_, back_);
  turn(sender_, back_, there_);
  const Instant next =
      std::min({there_.next_arrival(), back_.next_arrival(), sender_.stack().next_deadline(),
                receiver_.stack().next_deadline()});
  now_ = std::max(next, now_ + kLeast);
}

void Bulk::turn(Endpoint& host, Path& incoming, Path& outgoing) {
  host.receive(now_, incoming);
  while (host.next_event()) {
  }
  if (&host == &sender_) host.write(now_, kWrite);
  if (&host == &receiver_) note_progress(host.read(now_, host.connection()));
  host.transmit(now_, [&](PacketPtr frame) { outgoing.send(now_, std::move(frame)); });
}

void Bulk::note_progress(std::size_t bytes) {
  if (bytes == 0) return;
  received_ += bytes;
  longest_stall_ = std::max(longest_stall_, now_ - last_progress_);
  last_progress_ = now_;
}

}  // namespace sluice::bench
