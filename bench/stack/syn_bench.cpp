// What a SYN costs that nobody stands behind, from the link to the link, when there are many: where
// a SYN cookie is sent and nothing of it is kept, and where the cookies of the moment are used up.
// In the stack alone, and with the device around it.
#include <benchmark/benchmark.h>

#include "bench/stack/bed.hpp"
#include "bench/stack/peers.hpp"
#include "bench/stack/samples.hpp"
#include "bench/stack/worker.hpp"
#include "dataplane/net/tcp/syn_cookies.hpp"
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
  void pass(base::Duration time) { bed_.now = bed_.now + time; }
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

void syn(benchmark::State& state, bool answered) {
  constexpr std::size_t kSamples = 2'000;
  // In which so many cookies are left again.
  constexpr base::Duration kTurn =
      base::Duration::seconds(1) * Flood::kAtOnce / net::tcp::kSynCookieAnswers.per_second;
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
      if (answered) flood.pass(kTurn);
      with_device.add(nanoseconds_each(flood.worker().spent() - spent));
      in_stack.add(nanoseconds_each(flood.worker().spent_in_stack() - spent_in_stack));
    }
    state.SetIterationTime(seconds(flood.worker().spent() - begin));
  }
  const bool all = flood.answers() >= kSamples * Flood::kAtOnce;
  if (all != answered) return state.SkipWithError("cookies were not rationed as they should be");
  state.counters["ns_per_syn"] = with_device.median();
  state.counters["ns_in_stack"] = in_stack.median();
}
void settings(benchmark::internal::Benchmark* benchmark) {
  benchmark->Iterations(1)->Repetitions(5)->ReportAggregatesOnly()->UseManualTime()->Unit(
      benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(syn, answered, true)->Name("Stack/Syn/answered")->Apply(settings);
BENCHMARK_CAPTURE(syn, withheld, false)->Name("Stack/Syn/withheld")->Apply(settings);

}  // namespace
}  // namespace sluice::bench
