#include "tests/dataplane/run/relay_application.hpp"

#include <utility>

#include "dataplane/wire/flow.hpp"

namespace sluice::test {

run::ApplicationFactory RelayApplication::factory(const Options& options) {
  return [options](const run::WorkerParts& parts,
                   base::Instant) -> base::Result<std::unique_ptr<run::Application>, std::string> {
    auto relay = std::make_unique<RelayApplication>(options, parts);
    if (!relay->listen()) return base::Unexpected{std::string("cannot listen")};
    return std::unique_ptr<run::Application>(std::move(relay));
  };
}

RelayApplication::RelayApplication(const Options& options, const run::WorkerParts& parts)
    : options_(options), parts_(parts) {}

bool RelayApplication::listen() {
  const auto listening = parts_.stack.listen(options_.listen);
  if (listening) listener_ = *listening;
  return listening.has_value();
}

void RelayApplication::run(base::Instant now) {
  while (const auto event = parts_.stack.next_event()) handle(now, *event);
}

void RelayApplication::handle(base::Instant now, const net::Event& event) {
  if (event.accepted && event.what.opened) {
    if (!event.what.closed) accept(now, event);
    return;
  }
  Session& session = sessions_[event.context / 2];
  const auto side = static_cast<Side>(event.context % 2);
  Leg& leg = session.legs[side];
  if (!session.live || leg.connection != event.connection) return;
  if (event.what.closed) {
    leg.gone = true;
    end(now, session);
    return;
  }
  if (event.what.opened) {
    leg.opened = true;
    ++connected_;
    note_owner(event.connection);
  }
  relay(now, session, kClient);
  relay(now, session, kBackend);
  end_if_done(now, session);
}

void RelayApplication::accept(base::Instant now, const net::Event& event) {
  ++accepted_;
  note_owner(event.connection);
  const std::size_t index = sessions_.size();
  Session& session = sessions_.emplace_back();
  session.live = true;
  ++live_;
  session.legs[kClient] = {.connection = event.connection, .opened = true};
  parts_.stack.set_context(event.connection, index * 2 + kClient);
  const auto backend = parts_.stack.connect(now, {.source = options_.source,
                                                  .remote = options_.backend,
                                                  .timeout = base::Duration::seconds(3),
                                                  .context = index * 2 + kBackend});
  if (!backend) {
    session.legs[kBackend].gone = true;
    end(now, session);
    return;
  }
  session.legs[kBackend].connection = *backend;
}

void RelayApplication::relay(base::Instant now, Session& session, Side from) {
  net::Stack& stack = parts_.stack;
  Leg& source = session.legs[from];
  Leg& sink = session.legs[from == kClient ? kBackend : kClient];
  base::PacketQueue* input = stack.input(source.connection);
  if (input == nullptr || !sink.opened) return;
  bool moved = false;
  while (!input->empty() && stack.send_room(sink.connection) > 0) {
    base::PacketQueue piece;
    piece.push_back(input->pop_front());
    stack.send(now, sink.connection, std::move(piece));
    moved = true;
  }
  if (moved) stack.consumed(now, source.connection);
  if (input->empty() && stack.input_finished(source.connection) && !sink.finished) {
    stack.finish(now, sink.connection);
    sink.finished = true;
  }
}

// Both directions have seen their end.
void RelayApplication::end_if_done(base::Instant now, Session& session) {
  if (session.legs[kClient].finished && session.legs[kBackend].finished) end(now, session);
}

void RelayApplication::end(base::Instant now, Session& session) {
  if (!std::exchange(session.live, false)) return;
  --live_;
  for (const Leg& leg : session.legs) {
    if (!leg.gone) parts_.stack.close(now, leg.connection);
  }
}

void RelayApplication::note_owner(net::ConnectionHandle connection) {
  const auto addresses = parts_.stack.addresses(connection);
  const auto flow = addresses ? wire::flow_of(*addresses) : std::nullopt;
  if (!flow || wire::flow_owner(*flow, options_.workers) != parts_.worker) ++misowned_;
}

void RelayApplication::stop_accepting() {
  parts_.stack.stop_listening(listener_);
}

void RelayApplication::close_all(base::Instant now) {
  for (Session& session : sessions_) end(now, session);
}

void RelayApplication::report(run::WorkerReport& report) {
  report.gauges.push_back({.name = "accepted", .value = accepted_});
  report.gauges.push_back({.name = "connected", .value = connected_});
  report.gauges.push_back({.name = "misowned", .value = misowned_});
}

}  // namespace sluice::test
