// What the stack and the timers report, and which of a session's directions it moves.
#include <array>

#include "dataplane/proxy/proxy.hpp"

namespace sluice::proxy {
namespace {

// Events that are taken together.
constexpr std::size_t kBatch = 16;

SessionHandle session_of(std::uint64_t context) {
  return {.index = static_cast<std::uint32_t>(context),
          .generation = static_cast<std::uint32_t>(context >> 32)};
}

}  // namespace

// Sessions and connections lie far apart in memory: those of a batch are on their way while the
// first of them is served.
void Proxy::handle_events(base::Instant now) {
  std::array<net::Event, kBatch> batch;
  std::size_t taken = kBatch;
  while (taken == kBatch) {
    for (taken = 0; taken < kBatch; ++taken) {
      const auto event = stack_.next_event();
      if (!event) break;
      batch[taken] = *event;
      sessions_.prefetch(session_of(event->context).index);
    }
    const auto events = std::span(batch).first(taken);
    for (const net::Event& event : events) look_ahead(event);
    for (const net::Event& event : events) handle(now, event);
  }
}

// What one leg brings the other one gets.
void Proxy::look_ahead(const net::Event& event) {
  const Session* session = sessions_.find(session_of(event.context));
  if (session == nullptr) return;
  const auto other = event.connection == session->client ? session->backend : session->client;
  if (other) stack_.look_ahead(other);
}

void Proxy::handle(base::Instant now, const net::Event& event) {
  if (event.accepted && event.what.opened) {
    accept(now, event);
    return;
  }
  Session* session = sessions_.find(session_of(event.context));
  if (session == nullptr) return;
  if (event.connection == session->client) {
    on_client(now, *session, event);
  } else if (event.connection == session->backend) {
    on_backend(now, *session, event);
  }
}

void Proxy::on_client(base::Instant now, Session& session, const net::Event& event) {
  if (event.what.closed) {
    on_client_closed(now, session, event.reason);
    return;
  }
  if (session.stage != Stage::kLingering) touch(now, session);
  const SessionHandle self = sessions_.handle_of(session);
  if (event.what.readable) pump_uplink(now, session);
  if (event.what.writable && sessions_.find(self) != nullptr) pump_downlink(now, session);
}

void Proxy::on_backend(base::Instant now, Session& session, const net::Event& event) {
  if (event.what.closed) {
    on_backend_closed(now, session, event.reason);
    return;
  }
  touch(now, session);
  const SessionHandle self = sessions_.handle_of(session);
  if (event.what.opened) {
    groups_[routes_.route(session.tls.route()).backend].succeeded(session.server);
    counters_.add(ProxyCounter::kBackendConnects);
    session.stage = Stage::kStreaming;
  }
  if (event.what.opened || event.what.writable) pump_uplink(now, session);
  if (event.what.readable && sessions_.find(self) != nullptr) pump_downlink(now, session);
}

void Proxy::on_client_closed(base::Instant now, Session& session, net::CloseReason reason) {
  session.client = {};
  if (session.stage == Stage::kHandshake) {
    counters_.add(ProxyCounter::kClientGoneInHandshake);
  } else if (reason == net::CloseReason::kNone && session.downlink_done) {
    counters_.add(ProxyCounter::kClientFinWithoutCloseNotify);
  } else if (session.stage != Stage::kLingering) {
    counters_.add(reason == net::CloseReason::kReset ? ProxyCounter::kClientResets
                                                     : ProxyCounter::kClientTimeouts);
  }
  end(now, session);
}

void Proxy::on_backend_closed(base::Instant now, Session& session, net::CloseReason reason) {
  session.backend = {};
  if (session.stage == Stage::kConnecting) {
    backend_failed(now, session);
    return;
  }
  // Both halves ended in order, or all that the client had to get is on its way.
  if (reason == net::CloseReason::kNone || session.downlink_done) {
    session.uplink_done = true;
    if (session.downlink_done) {
      finish_if_done(now, session);
    } else {
      finish_downlink(now, session);
    }
    return;
  }
  if (reason == net::CloseReason::kReset) counters_.add(ProxyCounter::kBackendResets);
  // A close_notify would tell the client that the stream is complete (RFC 8446 6.1); it is not.
  fail(now, session, tls::AlertDescription::internal_error);
}

void Proxy::on_timer(base::Instant now, Session& session) {
  switch (session.stage) {
    case Stage::kHandshake:
      counters_.add(ProxyCounter::kHandshakeTimeouts);
      end(now, session);
      return;
    case Stage::kLingering:
      linger_on(now, session);
      return;
    case Stage::kConnecting:
    case Stage::kStreaming:
      break;
  }
  const base::Instant idle_at =
      session.last_activity + routes_.route(session.tls.route()).idle_timeout;
  if (now < idle_at) {
    timers_.arm(session.timer, idle_at);
    return;
  }
  counters_.add(ProxyCounter::kIdleTimeouts);
  close_in_order(now, session);
}

}  // namespace sluice::proxy
