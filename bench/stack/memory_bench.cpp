// What a million established idle connections take: the growth of resident memory while they are
// opened, by their number. The packet pool and the peers were touched before.
#include <benchmark/benchmark.h>

#include "bench/stack/crowd.hpp"
#include "bench/stack/process_memory.hpp"
#include "dataplane/net/tcp/connection.hpp"

namespace sluice::bench {
namespace {

constexpr double kMebibyte = 1024 * 1024;

void memory(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(million().growth);
  if (million().crowd == nullptr) return state.SkipWithError(million().why);
  const auto growth = static_cast<double>(million().growth);
  const Crowd& crowd = *million().crowd;
  state.counters["connections"] = static_cast<double>(crowd.bed.stack.usage().connections);
  state.counters["bytes_each"] = growth / static_cast<double>(crowd.size());
  state.counters["sizeof_connection"] = sizeof(net::tcp::Connection);
  state.counters["grown_MiB"] = growth / kMebibyte;
  state.counters["process_MiB"] = static_cast<double>(resident_memory()) / kMebibyte;
}
BENCHMARK(memory)->Name("Stack/Memory")->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench
