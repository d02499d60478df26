#include "dataplane/run/proxy_application.hpp"

#include <utility>

#include "dataplane/proxy/proxy.hpp"
#include "dataplane/run/routing.hpp"

namespace sluice::run {
namespace {

class ProxyApplication final : public Application {
 public:
  ProxyApplication(const proxy::ProxySettings& settings, const WorkerParts& parts,
                   base::Instant now)
      : proxy_(settings, parts.stack, parts.pool, now) {}

  auto listen() { return proxy_.listen(); }

  void run(base::Instant now) override { proxy_.run(now); }
  [[nodiscard]] base::Instant next_deadline() const override { return proxy_.next_deadline(); }
  void stop_accepting() override { proxy_.stop_listening(); }
  void close_all(base::Instant now) override { proxy_.close_all(now); }
  void abort_all(base::Instant now) override { proxy_.abort_all(now); }
  [[nodiscard]] std::size_t sessions() const override { return proxy_.sessions(); }
  void report(WorkerReport& report) override {
    append_counters(report, "tls", proxy_.tls_counters());
    append_counters(report, "proxy", proxy_.counters());
    report.gauges.push_back({.name = "sessions", .value = proxy_.sessions()});
    report.gauges.push_back({.name = "handshakes", .value = proxy_.handshakes()});
  }

 private:
  proxy::Proxy proxy_;
};

std::string describe(const proxy::Proxy::ListenFailure& failure) {
  const std::string address = failure.address.to_string();
  switch (failure.error) {
    case net::ListenError::kAddressNotOurs:
      return "cannot listen on " + address + ": no port has this address";
    case net::ListenError::kAddressInUse:
      return "cannot listen on " + address + ": another listener has it";
    case net::ListenError::kTooMany:
      break;
  }
  return "cannot listen on " + address + ": there are too many listeners";
}

}  // namespace

ApplicationFactory proxy_factory(const DataplaneSettings& dataplane,
                                 std::shared_ptr<const Snapshot> snapshot) {
  return [dataplane, snapshot = std::move(snapshot)](
             const WorkerParts& parts,
             base::Instant now) -> base::Result<std::unique_ptr<Application>, std::string> {
    auto application =
        std::make_unique<ProxyApplication>(proxy_settings(dataplane, *snapshot), parts, now);
    if (auto listening = application->listen(); !listening) {
      return base::Unexpected{describe(listening.error())};
    }
    return std::unique_ptr<Application>(std::move(application));
  };
}

}  // namespace sluice::run
