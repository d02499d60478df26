#include "bench/stack/crowd.hpp"

#include <algorithm>

#include "bench/stack/process_memory.hpp"

namespace sluice::bench {

using base::Duration;

namespace {

constexpr Duration kTurn = Duration::microseconds(1);

net::TcpSettings settings_for(std::size_t connections) {
  net::TcpSettings settings;
  settings.max_connections = std::max<std::size_t>(connections, base::limits::kBurst);
  return settings;
}

}  // namespace

Crowd::Crowd(const Options& options)
    : bed({.tcp = settings_for(options.connections + options.room),
           .packets = options.packets,
           .device_checksums = options.device_checksums,
           .device_tso = options.device_tso}),
      peers(bed.pool, {.flows = options.connections, .marks_verified = options.device_checksums}),
      handles_(options.connections) {}

bool Crowd::establish() {
  Burst burst;
  for (Peers::Number first = 0; first < size(); first += base::limits::kBurst) {
    const auto end = static_cast<Peers::Number>(
        std::min<std::size_t>(size(), std::size_t{first} + base::limits::kBurst));
    for (Peers::Number n = first; n < end; ++n) burst.push_back(peers.syn(bed.now, n));
    bed.receive(burst);
    bed.stack.flush(bed.now);
    hear_all();
    bed.now = bed.now + kTurn;
    for (Peers::Number n = first; n < end; ++n) burst.push_back(peers.speak(bed.now, n, {}));
    bed.receive(burst);
    bed.stack.advance(bed.now);
    serve_events();
    bed.stack.flush(bed.now);
    hear_all();
  }
  return opened_ == size();
}

void Crowd::serve_events() {
  while (const auto event = bed.stack.next_event()) on_event(*event);
}

void Crowd::on_event(const net::Event& event) {
  if (event.what.opened) {
    const auto addresses = bed.stack.addresses(event.connection);
    handles_[Peers::number_of(addresses->remote)] = event.connection;
    ++opened_;
  }
  if (!event.what.readable) return;
  if (base::PacketQueue* input = bed.stack.input(event.connection)) {
    input->clear();
    bed.stack.consumed(bed.now, event.connection);
  }
}

void Crowd::hear_all() {
  while (const base::PacketPtr frame = bed.sent()) (void)peers.hear(bed.now, *frame);
}

Million& million() {
  static Million the = [] {
    constexpr std::size_t kConnections = 1'000'000;
    constexpr std::size_t kNeeded = std::size_t{2} << 30;
    Million made;
    if (available_memory() < kNeeded) {
      made.why = "a million connections want 2 GiB of free memory";
      return made;
    }
    made.crowd = std::make_unique<Crowd>(
        Crowd::Options{.connections = kConnections, .device_checksums = true});
    const std::size_t before = resident_memory();
    if (!made.crowd->establish()) {
      made.why = "the stack did not open a million connections";
      made.crowd.reset();
      return made;
    }
    made.growth = resident_memory() - before;
    return made;
  }();
  return the;
}

}  // namespace sluice::bench
