// How fast the core was while the other figures were taken: integer work in eight independent
// chains, which wants all of a core's units. Where the core's second thread is busy it takes up to
// twice as long, and all of the stack's figures rise with it.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

namespace sluice::bench {
namespace {

void reference(benchmark::State& state) {
  std::array<std::uint64_t, 8> chains{1, 2, 3, 4, 5, 6, 7, 8};
  for (auto _ : state) {
    for (int round = 0; round < 64; ++round) {
      for (std::uint64_t& chain : chains) chain = (chain ^ (chain >> 29)) + (chain << 7);
    }
    benchmark::DoNotOptimize(chains);
  }
}
BENCHMARK(reference)->Name("Stack/Reference")->Repetitions(3)->ReportAggregatesOnly();

}  // namespace
}  // namespace sluice::bench
