// What a worker runs on top of its TCP/IP stack. The proxy is one (proxy_application.hpp); tests
// and tools bring their own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/packet.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/run/mailbox.hpp"

namespace sluice::run {

class Application {
 public:
  Application() = default;
  virtual ~Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Once per turn of the run loop, between the stack's advance() and flush().
  virtual void run(base::Instant now) = 0;
  // When run() has to be called again although nothing arrives.
  [[nodiscard]] virtual base::Instant next_deadline() const { return base::Instant::never(); }

  // Accepts no more; sessions go on.
  virtual void stop_accepting() = 0;
  // Ends every session in order, as far as the peers go along.
  virtual void close_all(base::Instant now) = 0;
  // Ends every session at once.
  virtual void abort_all(base::Instant now) = 0;
  [[nodiscard]] virtual std::size_t sessions() const = 0;

  // Appends the application's counters and gauges.
  virtual void report(WorkerReport& report) = 0;
};

// The parts of a worker that its application works with; they outlive it.
struct WorkerParts {
  unsigned worker = 0;
  net::Stack& stack;
  base::PacketPool& pool;
};

// Makes one worker's application, before the worker runs. Error: one sentence.
using ApplicationFactory = std::function<base::Result<std::unique_ptr<Application>, std::string>(
    const WorkerParts& parts, base::Instant now)>;

// Appends a layer's counters to a report.
template <typename E>
void append_counters(WorkerReport& report, std::string_view layer,
                     const base::Counters<E>& counters) {
  const auto values = counters.values();
  report.counters.push_back({.layer = layer,
                             .infos = base::Counters<E>::infos(),
                             .values = {values.begin(), values.end()}});
}

}  // namespace sluice::run
