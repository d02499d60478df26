// What it costs to turn opened records into the packets that go on to the backend. Records that end
// inside a packet leave a piece behind that has to be copied; the argument is the record's
// plaintext.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/proxy/plaintext.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t kSegment = 1448;
constexpr std::size_t kHeader = 5;
constexpr std::size_t kTrailer = 17;  // content type and tag
constexpr std::size_t kStream = 256 * 1024;

void fill(base::PacketQueue& queue, base::MemoryPacketPool& pool, std::size_t bytes) {
  while (bytes > 0) {
    base::PacketPtr packet(pool.allocate());
    const std::size_t take = std::min(bytes, kSegment);
    packet->append(take);
    queue.push_back(std::move(packet));
    bytes -= take;
  }
}

// A full receive buffer of records, back to back in full segments.
void TakePlaintext(benchmark::State& state) {
  const auto plaintext = static_cast<std::size_t>(state.range(0));
  const std::size_t record = kHeader + plaintext + kTrailer;
  const std::size_t records = kStream / record;
  base::MemoryPacketPool pool(1024);
  base::PacketPtr spare;
  std::size_t copies = 0;
  for (auto _ : state) {
    state.PauseTiming();
    base::PacketQueue input;
    base::PacketQueue output;
    fill(input, pool, records * record);
    state.ResumeTiming();
    for (std::size_t i = 0; i < records; ++i) {
      if (!spare) spare.reset(pool.allocate());
      const bool copied = take_plaintext(
          input, {.size = record, .plaintext_offset = kHeader, .plaintext_size = plaintext},
          {.spare = spare, .segment_size = kSegment}, output);
      copies += copied ? 1 : 0;
    }
    benchmark::DoNotOptimize(output.bytes());
    state.PauseTiming();
    output.clear();
    input.clear();
    state.ResumeTiming();
  }
  const auto total = static_cast<double>(state.iterations()) * static_cast<double>(records);
  state.SetBytesProcessed(static_cast<std::int64_t>(total * static_cast<double>(plaintext)));
  state.counters["per_record"] =
      benchmark::Counter(total, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["copied_share"] = static_cast<double>(copies) / total;
}
BENCHMARK(TakePlaintext)->Arg(100)->Arg(1400)->Arg(4096)->Arg(16384);

}  // namespace
}  // namespace sluice::proxy
