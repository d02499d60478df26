// How a session begins, finds its backend, and ends.
#include <algorithm>

#include "dataplane/proxy/proxy.hpp"

namespace sluice::proxy {
namespace {

using base::Duration;
using base::Instant;

// How long a client may take to close once everything has been delivered to it.
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

// The last record is queued: lets the client take everything before the connection goes. Were it
// closed now, unread or further input would reset it, and a reset discards what is on its way
// (RFC 1122 4.2.2.13, RFC 9293 3.6.1).
void Proxy::linger(Instant now, Session& session) {
  if (session.backend) {
    stack_.abort(now, session.backend);
    session.backend = {};
  }
  session.stage = Stage::kLingering;
  stack_.finish(now, session.client);
  session.undelivered = static_cast<std::uint32_t>(stack_.unacknowledged(session.client));
  touch(now, session);
  timers_.arm(session.timer, now + kLingerTime);
  discard_input(now, session);
}

// A client that takes what is on its way to it gets the time it needs.
void Proxy::linger_on(Instant now, Session& session) {
  const auto undelivered = static_cast<std::uint32_t>(stack_.unacknowledged(session.client));
  if (undelivered < session.undelivered) touch(now, session);
  session.undelivered = undelivered;
  const bool delivers = undelivered > 0 && session.downlink_done;
  const Duration patience =
      delivers ? routes_.route(session.tls.route()).idle_timeout : kLingerTime;
  if (now < session.last_activity + patience) {
    timers_.arm(session.timer, now + kLingerTime);
    return;
  }
  if (undelivered == 0 && session.downlink_done) {
    stack_.close(now, session.client);
    session.client = {};
  }
  end(now, session);
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
  stack_.close(now, session.backend);
  session.backend = {};
  linger(now, session);
}

// close_notify says that the stream is complete (RFC 8446 6.1), a FIN to the backend that the
// client's is: neither is said while bytes are waiting that will not come any more.
void Proxy::close_in_order(Instant now, Session& session) {
  if (session.stage == Stage::kLingering) return;
  if (session.stage == Stage::kStreaming) {
    if (!session.downlink_done && waits(session.backend)) {
      fail(now, session, tls::AlertDescription::internal_error);
      return;
    }
    if (!waits(session.client)) {
      stack_.close(now, session.backend);
      session.backend = {};
    }
  }
  if (session.tls.handshake_done()) {
    begin_records(session);
    if (!session.tls.close(records_)) {  // a FIN alone would pass for the end of the stream
      end(now, session);
      return;
    }
    send_records(now, session);
    session.downlink_done = true;
  }
  linger(now, session);
}

bool Proxy::waits(net::ConnectionHandle connection) {
  const base::PacketQueue* input = stack_.input(connection);
  return input != nullptr && !input->empty();
}

void Proxy::close_all(Instant now) {
  sessions_.for_each([&](SessionHandle, Session& session) { close_in_order(now, session); });
}

void Proxy::abort_all(Instant now) {
  sessions_.for_each([&](SessionHandle, Session& session) { end(now, session); });
}

// What is still open is reset.
void Proxy::end(Instant now, Session& session) {
  if (session.client) stack_.abort(now, session.client);
  if (session.backend) stack_.abort(now, session.backend);
  counters_.add(ProxyCounter::kSessionsClosed);
  sessions_.destroy(sessions_.handle_of(session));
}

}  // namespace sluice::proxy
