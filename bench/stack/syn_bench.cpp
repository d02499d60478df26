// What a SYN costs that nobody stands behind, from the link to the link, when there are many: a SYN
// cookie is sent and nothing of it is kept. In the stack alone, and with the device around it.
#include <benchmark/benchmark.h>

#include "bench/stack/bed.hpp"
#include "bench/stack/peers.hpp"
#include "bench/stack/samples.hpp"
#include "bench/stack/worker.hpp"
#include "dataplane/nic/fault_line.hpp"

namespace sluice::bench {
namespace {

class Flood {
 public:
  // As many at once as one turn of a worker takes, and some more.
  static constexpr std::size_t kAtOnce = 256;

  Flood() : worker_(bed_, [](const net::Event&) {}) {}

  void send() {
    for (std::size_t i = 0; i < kAtOnce; ++i) worker_.arrive(peers_.spoofed_syn(random_.next()));
    worker_.run();
    while (worker_.depart()) ++answers_;
  }
  // Until all are answered with cookies.
  void fill_half_open() {
    for (std::size_t i = 0; i < net::TcpSettings{}.max_half_open; i += kAtOnce) send();
    answers_ = 0;
  }
  [[nodiscard]] const Worker& worker() const { return worker_; }
  [[nodiscard]] std::uint64_t answers() const { return answers_; }

 private:
  Bed bed_{{}};
  LocalPacketPool pool_{base::limits::kBurst};
  Peers peers_{pool_, {}};
  Worker worker_;
  nic::FaultRandom random_{1};
  std::uint64_t answers_ = 0;
};

double nanoseconds_each(base::Duration time) {
  return static_cast<double>(time.nanoseconds()) / static_cast<double>(Flood::kAtOnce);
}

void syn(benchmark::State& state) {
  constexpr std::size_t kSamples = 2'000;
  Flood flood;
  flood.fill_half_open();
  Samples in_stack;
  Samples with_device;
  for (auto _ : state) {
    const base::Duration begin = flood.worker().spent();
    for (std::size_t i = 0; i < kSamples; ++i) {
      const base::Duration spent = flood.worker().spent();
      const base::Duration spent_in_stack = flood.worker().spent_in_stack();
      flood.send();
      with_device.add(nanoseconds_each(flood.worker().spent() - spent));
      in_stack.add(nanoseconds_each(flood.worker().spent_in_stack() - spent_in_stack));
    }
    state.SetIterationTime(seconds(flood.worker().spent() - begin));
  }
  if (flood.answers() < kSamples * Flood::kAtOnce) return state.SkipWithError("not all answered");
  state.counters["ns_per_syn"] = with_device.median();
  state.counters["ns_in_stack"] = in_stack.median();
}
BENCHMARK(syn)
    ->Name("Stack/Syn")
    ->Iterations(1)
    ->Repetitions(5)
    ->ReportAggregatesOnly()
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench
