#include "bench/stack/traffic.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

namespace sluice::bench {

using base::PacketPtr;
using base::PacketQueue;

namespace {

// Time that passes per round. A pass over a million connections takes less than the delay of an
// acknowledgment, so that the number of connections does not change what is done for each segment.
constexpr base::Duration kRound = base::Duration::microseconds(1);

// Connections with segments in flight: what they pin is no longer in the second-level cache when
// it is acknowledged.
constexpr std::size_t kMostInFlight = 4096;

}  // namespace

void Traffic::Tallies::add(const Tallies& other) {
  receive.add(other.receive);
  read.add(other.read);
  answer.add(other.answer);
  transmit.add(other.transmit);
  acknowledge.add(other.acknowledge);
  timers.add(other.timers);
}

double Traffic::Tallies::nanoseconds_per_segment() const {
  return Tally{.time = time(), .count = receive.count + transmit.count}.nanoseconds_each();
}

Traffic::Traffic(Crowd& crowd, const Options& options)
    : crowd_(crowd),
      options_(options),
      order_(crowd.size()),
      visits_(std::min(crowd.size(), base::limits::kBurst / options.per_visit)),
      lag_(std::min(crowd.size() / 4, kMostInFlight) / visits_ * visits_),
      position_(crowd.size()) {
  std::iota(order_.begin(), order_.end(), Peers::Number{0});
  std::ranges::shuffle(order_, std::mt19937_64(1));
}

Traffic::Tallies Traffic::rounds(std::size_t n) {
  Tallies tallies;
  for (std::size_t i = 0; i < n; ++i) tallies.add(round());
  return tallies;
}

Traffic::Tallies Traffic::round() {
  Tallies tallies;
  receive(tallies);
  if (!options_.receive_only) {
    tallies.transmit = transmit();
    const std::size_t per_visit = (options_.per_visit + 1) / 2;
    tallies.acknowledge.add(acknowledge(lag_ * per_visit), tallies.transmit.count);
  }
  Bed& bed = crowd_.bed;
  bed.now = bed.now + kRound;
  const Stopwatch stopwatch;
  bed.stack.advance(bed.now);
  tallies.timers.add(stopwatch.elapsed(), tallies.receive.count + tallies.transmit.count);
  position_ += visits_;
  return tallies;
}

void Traffic::receive(Tallies& tallies) {
  Bed& bed = crowd_.bed;
  Burst burst;
  for (std::size_t i = 0; i < visits_; ++i) {
    const Peers::Number number = at(position_ + i);
    for (std::size_t k = 0; k < options_.per_visit; ++k) {
      burst.push_back(crowd_.peers.speak(bed.now, number, {.text = options_.text}));
    }
  }
  const std::size_t segments = burst.size();
  const Stopwatch receiving;
  bed.receive(burst);
  tallies.receive.add(receiving.elapsed(), segments);
  const Stopwatch reading;
  crowd_.serve_events();
  tallies.read.add(reading.elapsed(), segments);
  const Stopwatch answering;
  bed.stack.flush(bed.now);
  tallies.answer.add(answering.elapsed(), segments);
  hear_burst();
}

// Half the crowd away from where segments arrive, so that neither finds warm what the other used.
Tally Traffic::transmit() {
  Bed& bed = crowd_.bed;
  std::array<PacketQueue, base::limits::kBurst> payload;
  std::array<net::ConnectionHandle, base::limits::kBurst> handles;
  for (std::size_t i = 0; i < visits_; ++i) {
    handles[i] = crowd_.handle(at(position_ + order_.size() / 2 + i));
    for (std::size_t k = 0; k < options_.per_visit; ++k) {
      PacketPtr packet = bed.pool.take();
      std::ranges::fill(packet->append(options_.text), std::byte{'y'});
      payload[i].push_back(std::move(packet));
    }
  }
  Tally tally;
  const Stopwatch stopwatch;
  for (std::size_t i = 0; i < visits_; ++i) bed.stack.look_ahead(handles[i]);  // as the proxy does
  for (std::size_t i = 0; i < visits_; ++i) {
    bed.stack.send(bed.now, handles[i], std::move(payload[i]));
  }
  bed.stack.flush(bed.now);
  tally.add(stopwatch.elapsed(), visits_ * options_.per_visit);
  to_hear_ += tally.count;
  hear_burst();
  return tally;
}

void Traffic::hear_burst() {
  std::optional<Acknowledgment> waits;
  const auto hear_segment = [&](const Acknowledgment& acknowledgment) {
    ++heard_;
    const bool second = waits && waits->number == acknowledgment.number;
    if (waits && !second) acknowledgments_.push_back(*waits);
    waits = acknowledgment;
    if (second) acknowledgments_.push_back(*std::exchange(waits, std::nullopt));
  };
  while (const PacketPtr frame = crowd_.bed.sent()) {
    const auto heard = crowd_.peers.hear(crowd_.bed.now, *frame);
    if (!heard || heard->text % options_.text != 0) continue;
    for (std::size_t left = heard->text; left > 0; left -= options_.text) {
      const auto behind = static_cast<std::uint32_t>(left - options_.text);
      hear_segment({.number = heard->number, .up_to = heard->end - behind});
    }
  }
  if (waits) acknowledgments_.push_back(*waits);
}

base::Duration Traffic::acknowledge(std::size_t keep) {
  Bed& bed = crowd_.bed;
  base::Duration time;
  while (acknowledgments_.size() > keep) {
    Burst burst;
    while (!burst.full() && acknowledgments_.size() > keep) {
      const auto [number, up_to] = acknowledgments_.front();
      acknowledgments_.pop_front();
      burst.push_back(crowd_.peers.speak(bed.now, number, {.up_to = up_to}));
    }
    const Stopwatch stopwatch;
    bed.receive(burst);
    crowd_.serve_events();
    bed.stack.flush(bed.now);
    time = time + stopwatch.elapsed();
  }
  return time;
}

void Traffic::settle() {
  (void)acknowledge(0);
}

bool Traffic::undisturbed() const {
  return heard_ == to_hear_ && crowd_.bed.stack.counters()[net::NetCounter::kTcpRetransmits] == 0 &&
         crowd_.bed.stack.counters()[net::NetCounter::kTcpTailProbes] == 0;
}

}  // namespace sluice::bench
