// What a flood of spoofed SYNs leaves to established flows on one saturated worker: goodput with
// 500,000 SYN/s beside goodput without, both in turns in one run. A flow's peer sends two full
// segments, the session sends two back, and so on; the flood keeps pace with the worker's clock.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>

#include "bench/stack/crowd.hpp"
#include "bench/stack/samples.hpp"
#include "bench/stack/worker.hpp"
#include "dataplane/nic/fault_line.hpp"

namespace sluice::bench {
namespace {

using base::PacketPtr;

constexpr std::size_t kFlows = 64;
constexpr std::size_t kRoom = 65'536;  // for the flood's half-open connections, if they get it
constexpr std::size_t kSegmentsEachWay = 2;

class FloodedWorker {
 public:
  explicit FloodedWorker(double syns_per_second)
      : rate_(syns_per_second),
        crowd_({.connections = kFlows, .room = kRoom}),
        worker_(crowd_.bed, [this](const net::Event& event) { serve(event); }) {}

  [[nodiscard]] bool start() {
    if (!crowd_.establish()) return false;
    for (Peers::Number n = 0; n < kFlows; ++n) ask(n);
    return true;
  }
  // Goes on for so much of the worker's time; payload that arrived, in both directions, in bits per
  // second of it.
  [[nodiscard]] double goodput_in(base::Duration time) {
    const base::Duration begin = worker_.spent();
    const std::uint64_t before = bytes_;
    while (worker_.spent() < begin + time) {
      flood();
      worker_.run();
      hear();
    }
    return 8 * static_cast<double>(bytes_ - before) / seconds(worker_.spent() - begin);
  }
  [[nodiscard]] std::uint64_t syns() const { return syns_; }
  [[nodiscard]] std::uint64_t answers() const { return answers_; }
  [[nodiscard]] base::Duration spent() const { return worker_.spent(); }
  [[nodiscard]] const net::Stack& stack() const { return crowd_.bed.stack; }
  [[nodiscard]] std::size_t dropped() const { return worker_.dropped(); }

 private:
  // SYNs that have become due; what the link does not hold, after a turn that took long, is made up
  // for in the next ones.
  void flood() {
    constexpr std::uint64_t kMostAtOnce = 256;
    const auto due = static_cast<std::uint64_t>(rate_ * seconds(worker_.spent()));
    const std::uint64_t end = std::min(due, syns_ + kMostAtOnce);
    for (; syns_ < end; ++syns_) worker_.arrive(crowd_.peers.spoofed_syn(random_.next()));
  }
  void ask(Peers::Number n) {
    for (std::size_t i = 0; i < kSegmentsEachWay; ++i) {
      worker_.arrive(crowd_.peers.speak(crowd_.bed.now, n, {.text = kFullSegment}));
    }
  }
  // The session's side: as many segments back as have arrived.
  void serve(const net::Event& event) {
    if (!event.what.readable) return;
    Bed& bed = crowd_.bed;
    base::PacketQueue* input = bed.stack.input(event.connection);
    if (input == nullptr) return;
    bytes_ += input->bytes();
    base::PacketQueue answer;
    for (std::size_t left = input->bytes(); left >= kFullSegment; left -= kFullSegment) {
      PacketPtr packet(bed.pool.allocate());
      if (!packet) break;
      packet->append(kFullSegment);
      answer.push_back(std::move(packet));
    }
    input->clear();
    bed.stack.consumed(bed.now, event.connection);
    bed.stack.send(bed.now, event.connection, std::move(answer));
  }
  // The peers' side: the next segments once all of the answer is there.
  void hear() {
    while (const PacketPtr frame = worker_.depart()) {
      const auto heard = crowd_.peers.hear(crowd_.bed.now, *frame);
      if (!heard) {
        ++answers_;
        continue;
      }
      bytes_ += heard->text;
      heard_[heard->number] += heard->text;
      if (heard_[heard->number] < kSegmentsEachWay * kFullSegment) continue;
      heard_[heard->number] = 0;
      ask(heard->number);
    }
  }

  const double rate_;
  Crowd crowd_;
  Worker worker_;
  nic::FaultRandom random_{1};
  std::array<std::size_t, kFlows> heard_{};  // bytes of the answer under way
  std::uint64_t bytes_ = 0;
  std::uint64_t syns_ = 0;
  std::uint64_t answers_ = 0;  // frames to addresses that are nobody's
};

void flood(benchmark::State& state) {
  constexpr double kSynsPerSecond = 500'000;
  constexpr base::Duration kTurn = base::Duration::milliseconds(5);
  constexpr int kTurns = 300;  // in all longer than the SYN-ACKs' first retransmission takes
  FloodedWorker calm(0);
  FloodedWorker flooded(kSynsPerSecond);
  if (!calm.start() || !flooded.start()) return state.SkipWithError("not all connections opened");
  Samples kept;
  Samples calm_goodput;
  Samples flooded_goodput;
  for (auto _ : state) {
    for (int i = 0; i < kTurns; ++i) {
      calm_goodput.add(calm.goodput_in(kTurn));
      flooded_goodput.add(flooded.goodput_in(kTurn));
      kept.add(flooded_goodput.last() / calm_goodput.last());
    }
    state.SetIterationTime(seconds(flooded.spent()));
  }
  if (calm.dropped() + flooded.dropped() > 0) return state.SkipWithError("the link was too short");
  state.counters["goodput_kept"] = kept.median();
  state.counters["calm_Gbit_s"] = calm_goodput.median() / 1e9;
  state.counters["flooded_Gbit_s"] = flooded_goodput.median() / 1e9;
  state.counters["ns_per_syn"] = (1 - kept.median()) * 1e9 / kSynsPerSecond;
  state.counters["answered"] =
      static_cast<double>(flooded.answers()) / static_cast<double>(flooded.syns());
  state.counters["half_open"] = static_cast<double>(flooded.stack().usage().half_open);
  state.counters["retransmits"] =
      static_cast<double>(flooded.stack().counters()[net::NetCounter::kTcpRetransmits]);
}
BENCHMARK(flood)
    ->Name("Stack/Flood")
    ->Iterations(1)
    ->Repetitions(3)
    ->ReportAggregatesOnly()
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench
