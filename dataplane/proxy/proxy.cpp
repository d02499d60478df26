#include "dataplane/proxy/proxy.hpp"

#include <utility>

#include "base/limits.hpp"

namespace sluice::proxy {

Proxy::Proxy(const ProxySettings& settings, net::Stack& stack, base::PacketPool& pool,
             base::Instant start)
    : stack_(stack),
      pool_(pool),
      listeners_(settings.listeners),
      routes_(settings.listeners),
      groups_(settings.backends.begin(), settings.backends.end()),
      tls_({.max_handshakes = settings.max_handshakes}, routes_),
      timers_(start),
      sessions_(settings.max_sessions),
      jobs_(settings.max_handshakes),
      records_(pool) {
  record_spans_.reserve(base::limits::kMaxRecordSpans);
  plaintext_spans_.reserve(base::limits::kMaxRecordSpans);
  starved_.reserve(settings.max_sessions);
  retrying_.reserve(settings.max_sessions);
}

Proxy::~Proxy() = default;

base::Result<void, Proxy::ListenFailure> Proxy::listen() {
  for (const Listener& listener : listeners_) {
    const auto id = stack_.listen(listener.address);
    if (!id) {
      return base::Unexpected{ListenFailure{.address = listener.address, .error = id.error()}};
    }
    listener_ids_.push_back(*id);
  }
  return {};
}

void Proxy::stop_listening() {
  for (const net::ListenerId id : std::exchange(listener_ids_, {})) stack_.stop_listening(id);
}

void Proxy::run(base::Instant now) {
  handle_events(now);
  timers_.advance(
      now, [&](base::TimerNode& node) { on_timer(now, static_cast<SessionTimer&>(node).session); });
  retry_starved(now);
  run_jobs(now);
}

base::Instant Proxy::next_deadline() const {
  if (!jobs_.empty() || !starved_.empty()) return base::Instant();
  return timers_.next_deadline();
}

}  // namespace sluice::proxy
