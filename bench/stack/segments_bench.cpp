// What the stack spends on a segment of an established connection. Segments: bulk on a few warm
// connections, so many segments in a row on each: single small ones, two full ones, or as many as a
// TLS record of 16 KB takes. InARow: full segments that arrive, so many of one connection in a row
// of a burst, where they are taken as one. Scaling: one segment per visit to 1,000 and to 1,000,000
// connections in random order, in one run.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/stack/crowd.hpp"
#include "bench/stack/samples.hpp"
#include "bench/stack/traffic.hpp"

namespace sluice::bench {
namespace {

// Rounds to a sample: about a millisecond.
constexpr std::size_t kSample = 25;

// Of every step, by samples.
struct Steps {
  Samples receive;
  Samples read;
  Samples answer;
  Samples transmit;
  Samples acknowledge;
  Samples timers;
  Samples segment;  // all of it
  base::Duration time;

  void add(const Traffic::Tallies& tallies) {
    receive.add(tallies.receive.nanoseconds_each());
    read.add(tallies.read.nanoseconds_each());
    answer.add(tallies.answer.nanoseconds_each());
    transmit.add(tallies.transmit.nanoseconds_each());
    acknowledge.add(tallies.acknowledge.nanoseconds_each());
    timers.add(tallies.timers.nanoseconds_each());
    segment.add(tallies.nanoseconds_per_segment());
    time = time + tallies.time();
  }
};

void segments(benchmark::State& state) {
  constexpr std::size_t kConnections = 32;
  constexpr std::size_t kSamples = 160;
  const auto text = static_cast<std::size_t>(state.range(0));
  const auto in_a_row = static_cast<std::size_t>(state.range(1));
  Crowd crowd({.connections = kConnections,
               .device_checksums = state.range(2) != 0,
               .device_tso = state.range(3) != 0});
  if (!crowd.establish()) return state.SkipWithError("not all connections opened");
  Traffic traffic(crowd, {.text = text, .per_visit = in_a_row});
  (void)traffic.rounds(kSample);
  Steps steps;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kSamples; ++i) steps.add(traffic.rounds(kSample));
    state.SetIterationTime(seconds(steps.time));
  }
  if (!traffic.undisturbed()) return state.SkipWithError("segments were lost or sent twice");
  state.counters["receive_ns"] = steps.receive.median();
  state.counters["ack_ns"] = steps.acknowledge.median();
  state.counters["receive_and_ack_ns"] = steps.receive.median() + steps.acknowledge.median();
  state.counters["read_ns"] = steps.read.median();
  state.counters["own_acks_ns"] = steps.answer.median();
  state.counters["transmit_ns"] = steps.transmit.median();
}
// Two small segments in a row would be sent as one.
BENCHMARK(segments)
    ->Name("Stack/Segments")
    ->ArgsProduct({{64}, {1}, {0, 1}, {0}})
    ->ArgsProduct({{kFullSegment}, {2, 12}, {0, 1}, {0}})
    ->ArgsProduct({{kFullSegment}, {2, 12}, {1}, {1}})
    ->ArgNames({"bytes", "in_a_row", "device_checksums", "device_tso"})
    ->Iterations(1)
    ->Repetitions(5)
    ->ReportAggregatesOnly()
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void in_a_row(benchmark::State& state) {
  constexpr std::size_t kConnections = 32;
  constexpr std::size_t kSamples = 400;
  Crowd crowd({.connections = kConnections, .device_checksums = true});
  if (!crowd.establish()) return state.SkipWithError("not all connections opened");
  Traffic traffic(crowd,
                  {.per_visit = static_cast<std::size_t>(state.range(0)), .receive_only = true});
  (void)traffic.rounds(kSample);
  Samples receive;
  for (auto _ : state) {
    base::Duration time;
    for (std::size_t i = 0; i < kSamples; ++i) {
      const Traffic::Tallies tallies = traffic.rounds(kSample);
      receive.add(tallies.receive.nanoseconds_each());
      time = time + tallies.time();
    }
    state.SetIterationTime(seconds(time));
  }
  state.counters["receive_ns"] = receive.median();
}
BENCHMARK(in_a_row)
    ->Name("Stack/InARow")
    ->RangeMultiplier(2)
    ->Range(1, base::limits::kBurst)
    ->ArgName("segments")
    ->Iterations(1)
    ->Repetitions(3)
    ->ReportAggregatesOnly()
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

// What each takes, and how many times as much it is with many connections.
void report(benchmark::State& state, const std::string& what, const Samples& few,
            const Samples& many) {
  state.counters[what + "_1k_ns"] = few.median();
  state.counters[what + "_1M_ns"] = many.median();
  state.counters[what + "_ratio"] = many.median() / few.median();
}

// In turns, so that whatever else the machine does disturbs both alike.
void scaling(benchmark::State& state) {
  constexpr std::size_t kFew = 1'000;
  if (million().crowd == nullptr) return state.SkipWithError(million().why);
  Crowd crowd({.connections = kFew, .device_checksums = true});
  if (!crowd.establish()) return state.SkipWithError("not all connections opened");
  Traffic few(crowd, {});
  Traffic many(*million().crowd, {});
  // Whoever is visited for the first time still acknowledges each segment at once.
  (void)few.rounds(2 * few.rounds_per_pass());
  (void)many.rounds(many.rounds_per_pass());
  Steps of_few;
  Steps of_many;
  for (auto _ : state) {
    for (std::size_t round = 0; round < many.rounds_per_pass() / 2; round += kSample) {
      of_few.add(few.rounds(kSample));
      of_many.add(many.rounds(kSample));
    }
    state.SetIterationTime(seconds(of_many.time));
  }
  many.settle();
  if (!few.undisturbed() || !many.undisturbed()) {
    return state.SkipWithError("segments were lost or sent twice");
  }
  report(state, "segment", of_few.segment, of_many.segment);
  report(state, "receive", of_few.receive, of_many.receive);
  report(state, "read", of_few.read, of_many.read);
  report(state, "transmit", of_few.transmit, of_many.transmit);
  report(state, "ack", of_few.acknowledge, of_many.acknowledge);
  state.counters["own_acks_1M_ns"] = of_many.answer.median();
  state.counters["timers_1M_ns"] = of_many.timers.median();
}
BENCHMARK(scaling)
    ->Name("Stack/Scaling")
    ->Iterations(1)
    ->Repetitions(3)
    ->ReportAggregatesOnly()
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench
