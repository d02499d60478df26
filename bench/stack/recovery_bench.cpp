// Bulk goodput on 1 Gbit/s and 20 ms under random loss, simulated in virtual time, beside what RFC
// 9438 5.1 models for CUBIC. What it takes is the simulator's own time and says nothing; goodput is
// virtual and the same in every run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bench/stack/bulk.hpp"
#include "bench/stack/peers.hpp"
#include "bench/stack/samples.hpp"
#include "bench/stack/stopwatch.hpp"

namespace sluice::bench {
namespace {

constexpr std::int64_t kRate = 1'000'000'000;  // bit/s
constexpr base::Duration kRtt = base::Duration::milliseconds(20);
constexpr base::Duration kWarmUp = base::Duration::seconds(2);  // slow start is not the question

// RFC 9438 5.1: the average window in segments of a flow that loses one packet in 1/p. On short
// paths it is the Reno-friendly one (4.3, figure 3 for C and beta as in 5), else figure 6.
double modelled_goodput(double loss) {
  constexpr double kC = 0.4;
  constexpr double kBeta = 0.7;
  const double reno = std::sqrt(3 / (2 * loss));
  const double cubic =
      std::pow(kC * (3 + kBeta) / (4 * (1 - kBeta)), 0.25) * std::pow(seconds(kRtt) / loss, 0.75);
  const double modelled = std::max(reno, cubic) * 8 * kFullSegment / seconds(kRtt);
  return std::min(modelled, static_cast<double>(kRate));
}

struct Case {
  const char* name;
  double loss;
  double loss_back;
  int seeds;
  base::Duration time;
};
constexpr Case kCases[] = {
    {"loss:0", 0, 0, 1, base::Duration::seconds(5)},
    {"loss:1%", 0.01, 0, 9, base::Duration::seconds(100)},
    {"loss:1%_both_ways", 0.01, 0.01, 9, base::Duration::seconds(100)},
    {"loss:10%", 0.1, 0, 9, base::Duration::seconds(100)},
    {"loss:10%_both_ways", 0.1, 0.1, 9, base::Duration::seconds(100)},
};

struct Control {
  const char* name;
  net::CongestionControl congestion;
};
constexpr Control kControls[] = {{"CUBIC", net::CongestionControl::kCubic},
                                 {"BBR", net::CongestionControl::kBbr}};

void recovery(benchmark::State& state, net::CongestionControl congestion, const Case& with) {
  Samples goodputs;
  base::Duration longest_stall;
  for (auto _ : state) {
    for (int seed = 1; seed <= with.seeds; ++seed) {
      Bulk bulk({.bits_per_second = kRate,
                 .rtt = kRtt,
                 .loss = with.loss,
                 .loss_back = with.loss_back,
                 .congestion = congestion,
                 .seed = static_cast<std::uint64_t>(seed)});
      if (!bulk.open()) return state.SkipWithError("the connection did not open");
      (void)bulk.run(kWarmUp);
      const Bulk::Outcome outcome = bulk.run(with.time);
      if (!outcome.alive) return state.SkipWithError("the connection was given up");
      goodputs.add(outcome.goodput);
      longest_stall = std::max(longest_stall, outcome.longest_stall);
    }
  }
  const double median = goodputs.median();
  state.counters["median_Mbit_s"] = median / 1e6;
  state.counters["least_Mbit_s"] = goodputs.least() / 1e6;
  state.counters["of_link"] = median / static_cast<double>(kRate);
  if (with.loss > 0) {
    state.counters["model_Mbit_s"] = modelled_goodput(with.loss) / 1e6;
    state.counters["of_model"] = median / modelled_goodput(with.loss);
  }
  state.counters["longest_stall_s"] = seconds(longest_stall);
}

const bool kRegistered = [] {
  for (const Control& control : kControls) {
    for (const Case& with : kCases) {
      const std::string name = std::string("Stack/Recovery/") + control.name + "/" + with.name;
      benchmark::RegisterBenchmark(
          name.c_str(), [&](benchmark::State& state) { recovery(state, control.congestion, with); })
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

}  // namespace
}  // namespace sluice::bench
