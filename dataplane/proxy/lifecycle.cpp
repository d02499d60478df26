// How a session begins, finds its backend, and ends.
#include <algorithm>

#include "dataplane/proxy/proxy.hpp"

namespace sluice::proxy {
namespace {

using base::Duration;
using base::Instant;

// How long an alert may take to be read before the connection is reset (RFC 9293 3.6.1 would reset
// at once when input arrives after close, and the peer might never see the alert).
constexpr Duration kLingerTime = Duration::seconds(2);

std::uint64_t context_of(SessionHandle handle) {
  return (std::uint64_t{handle.generation} << 32) | handle.index;
}

}  // namespace

void Proxy::accept(Instant now, const net::Event& event) {
  const auto addresses = stack_.addresses(event.connection);
  const auto listener = std::ranges::find(listener_ids_, event.listener);
  if (!addresses || listener == listener_ids_.end()) {
    stack_.abort(now, event.connection);
    return;
  }
  const auto index = static_cast<std::uint32_t>(listener - listener_ids_.begin());
  const SessionHandle handle = sessions_.create(
      tls_, Session::Client{
                .connection = event.connection, .peer = addresses->remote, .listener = index});
  if (!handle) {
    counters_.add(ProxyCounter::kSessionsRefused);
    stack_.abort(now, event.connection);
    return;
  }
  counters_.add(ProxyCounter::kSessionsOpened);
  stack_.set_context(event.connection, context_of(handle));
  Session& session = *sessions_.find(handle);
  session.accepted_at = now;
  touch(now, session);
  timers_.arm(session.timer, now + listeners_[index].handshake_timeout);
  on_client(now, session, event);
}

void Proxy::connect_backend(Instant now, Session& session) {
  const Route& route = routes_.route(session.tls.route());
  session.stage = Stage::kConnecting;
  timers_.arm(session.timer, now + route.idle_timeout);
  ServerGroup& group = groups_[route.backend];
  while (const auto pick = group.pick(now, session.tried)) {
    session.tried |= ServerGroup::Tried{1} << pick->server;
    session.server = static_cast<std::uint16_t>(pick->server);
    counters_.add(ProxyCounter::kBackendSkipped, pick->skipped);
    if (open_backend(now, session, group)) return;
    group.failed(now, pick->server);
  }
  counters_.add(ProxyCounter::kBackendUnavailable);
  fail(now, session, tls::AlertDescription::internal_error);
}

// Tries each of our addresses until one has a free port.
bool Proxy::open_backend(Instant now, Session& session, ServerGroup& group) {
  const Backend& backend = group.settings();
  for (std::size_t i = 0; i < backend.source_addresses.size(); ++i) {
    const auto opened = stack_.connect(now, {.source = group.next_source(),
                                             .remote = backend.servers[session.server],
                                             .timeout = backend.connect_timeout,
                                             .context = context_of(sessions_.handle_of(session))});
    if (opened) {
      session.backend = *opened;
      return true;
    }
    if (opened.error() != net::ConnectError::kNoPort) break;
    counters_.add(ProxyCounter::kBackendNoPort);
  }
  counters_.add(ProxyCounter::kBackendConnectFailures);
  return false;
}

void Proxy::backend_failed(Instant now, Session& session) {
  counters_.add(ProxyCounter::kBackendConnectFailures);
  groups_[routes_.route(session.tls.route()).backend].failed(now, session.server);
  connect_backend(now, session);
}

void Proxy::fail(Instant now, Session& session, tls::AlertDescription alert) {
  begin_records(session);
  session.tls.fail(alert, records_);
  send_records(now, session);
  linger(now, session);
}

// The last record is queued: lets the client read it before the connection goes.
void Proxy::linger(Instant now, Session& session) {
  if (session.backend) {
    stack_.abort(now, session.backend);
    session.backend = {};
  }
  session.stage = Stage::kLingering;
  stack_.finish(now, session.client);
  timers_.arm(session.timer, now + kLingerTime);
  discard_input(now, session);
}

// Ends the session when the client has closed too.
void Proxy::discard_input(Instant now, Session& session) {
  if (base::PacketQueue* input = stack_.input(session.client)) {
    input->clear();
    stack_.consumed(now, session.client);
  }
  if (!stack_.input_finished(session.client)) return;
  stack_.close(now, session.client);
  session.client = {};
  end(now, session);
}

void Proxy::finish_if_done(Instant now, Session& session) {
  if (!session.uplink_done || !session.downlink_done) return;
  stack_.close(now, session.client);
  stack_.close(now, session.backend);
  session.client = session.backend = {};
  end(now, session);
}

void Proxy::close_in_order(Instant now, Session& session) {
  if (session.tls.handshake_done() && session.stage != Stage::kLingering) {
    begin_records(session);
    if (!session.tls.close(records_)) {  // a FIN alone would pass for the end of the stream
      end(now, session);
      return;
    }
    send_records(now, session);
  }
  stack_.close(now, session.client);
  if (session.backend) stack_.close(now, session.backend);
  session.client = session.backend = {};
  end(now, session);
}

void Proxy::close_all(Instant now) {
  sessions_.for_each([&](SessionHandle, Session& session) { close_in_order(now, session); });
}

// What is still open is reset.
void Proxy::end(Instant now, Session& session) {
  if (session.client) stack_.abort(now, session.client);
  if (session.backend) stack_.abort(now, session.backend);
  counters_.add(ProxyCounter::kSessionsClosed);
  sessions_.destroy(sessions_.handle_of(session));
}

}  // namespace sluice::proxy
