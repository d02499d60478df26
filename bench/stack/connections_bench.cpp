// Connections opened, asked one request, answered and closed again, per second of one core, over
// the memory link. The argument says who closes first: the client, or the server, which is then
// left with TIME-WAIT. The peers are scripted, so that stack and device alone can be told from what
// the whole takes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>

#include "bench/stack/bed.hpp"
#include "bench/stack/peers.hpp"
#include "bench/stack/samples.hpp"
#include "bench/stack/worker.hpp"

namespace sluice::bench {
namespace {

using base::PacketPtr;

constexpr std::size_t kRequest = 64;    // bytes
constexpr std::size_t kResponse = 128;  // bytes
constexpr Peers::Number kOpenAtOnce = 512;

enum class ClosesFirst { kClient, kServer };

// The server's side: answers what it reads.
class Server {
 public:
  Server(Bed& bed, ClosesFirst closes_first) : bed_(bed), closes_first_(closes_first) {}

  void on_event(const net::Event& event) {
    if (!event.what.readable) return;
    base::PacketQueue* input = bed_.stack.input(event.connection);
    if (input == nullptr) return;
    const bool asked = !input->empty();
    input->clear();
    bed_.stack.consumed(bed_.now, event.connection);
    if (asked) answer(event.connection);
    if (closes_first_ == ClosesFirst::kServer ? asked
                                              : bed_.stack.input_finished(event.connection)) {
      bed_.stack.close(bed_.now, event.connection);
    }
  }

 private:
  void answer(net::ConnectionHandle connection) {
    PacketPtr packet = bed_.pool.take();
    std::ranges::fill(packet->append(kResponse), std::byte{'r'});
    base::PacketQueue response;
    response.push_back(std::move(packet));
    bed_.stack.send(bed_.now, connection, std::move(response));
  }

  Bed& bed_;
  const ClosesFirst closes_first_;
};

// The clients' side: kOpenAtOnce connections at any time, a new one for each that is over.
class Clients {
 public:
  Clients(Bed& bed, ClosesFirst closes_first)
      : bed_(bed), closes_first_(closes_first), peers_(pool_, {.flows = kOpenAtOnce}) {}

  void open_all(Worker& worker) {
    for (Peers::Number n = 0; n < kOpenAtOnce; ++n) worker.arrive(peers_.syn(bed_.now, n));
  }
  // Answers all that has come from the server.
  void react(Worker& worker) {
    while (const PacketPtr frame = worker.depart()) {
      if (const auto heard = peers_.hear(bed_.now, *frame)) react(worker, *heard);
    }
  }
  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  enum class Phase : std::uint8_t { kOpen, kFinSent, kLastAck };

  void react(Worker& worker, const Peers::Heard& heard) {
    const Peers::Number n = heard.number;
    Phase& phase = phases_[n % kOpenAtOnce];
    if (heard.flags.rst) {
      ++failed_;
      return next(worker, n);
    }
    if (heard.flags.syn) {
      worker.arrive(peers_.speak(bed_.now, n, {}));
      worker.arrive(peers_.speak(bed_.now, n, {.text = kRequest}));
      return;
    }
    if (phase == Phase::kLastAck) return next(worker, n);
    if (phase == Phase::kFinSent && heard.flags.fin) {
      worker.arrive(peers_.speak(bed_.now, n, {}));
      return next(worker, n);
    }
    if (phase == Phase::kOpen && ends(heard)) {
      worker.arrive(peers_.speak(bed_.now, n, {.fin = true}));
      phase = heard.flags.fin ? Phase::kLastAck : Phase::kFinSent;
    }
  }
  [[nodiscard]] bool ends(const Peers::Heard& heard) const {
    return heard.flags.fin || (closes_first_ == ClosesFirst::kClient && heard.text > 0);
  }
  void next(Worker& worker, Peers::Number over) {
    ++done_;
    phases_[over % kOpenAtOnce] = Phase::kOpen;
    worker.arrive(peers_.syn(bed_.now, over + kOpenAtOnce));
  }

  Bed& bed_;
  const ClosesFirst closes_first_;
  LocalPacketPool pool_{base::limits::kBurst};
  Peers peers_;
  std::array<Phase, kOpenAtOnce> phases_{};
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
};

void connections(benchmark::State& state, ClosesFirst closes_first) {
  constexpr std::uint64_t kConnections = 100'000;
  constexpr std::uint64_t kSample = 500;  // about two milliseconds
  Bed bed({});
  Server server(bed, closes_first);
  Worker worker(bed, [&server](const net::Event& event) { server.on_event(event); });
  Clients clients(bed, closes_first);
  clients.open_all(worker);
  Samples rate;
  Samples rate_in_stack;
  Samples rate_with_peers;
  const auto run = [&](std::uint64_t connections) {
    const std::uint64_t before = clients.done();
    const base::Duration spent = worker.spent();
    const base::Duration in_stack = worker.spent_in_stack();
    const Stopwatch whole;
    while (clients.done() < before + connections) {
      worker.run();
      clients.react(worker);
    }
    const auto done = static_cast<double>(clients.done() - before);
    rate.add(done / seconds(worker.spent() - spent));
    rate_in_stack.add(done / seconds(worker.spent_in_stack() - in_stack));
    rate_with_peers.add(done / seconds(whole.elapsed()));
  };
  for (auto _ : state) {
    const base::Duration begin = worker.spent();
    while (clients.done() < kConnections) run(kSample);
    state.SetIterationTime(seconds(worker.spent() - begin));
  }
  if (clients.failed() > 0 || worker.dropped() > 0) return state.SkipWithError("not all succeeded");
  state.counters["per_s"] = rate.median();
  state.counters["per_s_stack_only"] = rate_in_stack.median();
  state.counters["per_s_with_peers"] = rate_with_peers.median();
}

void settings(benchmark::internal::Benchmark* benchmark) {
  benchmark->Iterations(1)->Repetitions(5)->ReportAggregatesOnly()->UseManualTime()->Unit(
      benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(connections, client, ClosesFirst::kClient)
    ->Name("Stack/Connections/client_closes_first")
    ->Apply(settings);
BENCHMARK_CAPTURE(connections, server, ClosesFirst::kServer)
    ->Name("Stack/Connections/server_closes_first")
    ->Apply(settings);

}  // namespace
}  // namespace sluice::bench
