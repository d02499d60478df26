#include "dataplane/net/tcp/engine.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/emitter.hpp"
#include "dataplane/net/tcp/input.hpp"
#include "dataplane/net/tcp/output.hpp"
#include "dataplane/net/tcp/path_mtu_discovery.hpp"
#include "dataplane/net/tcp/ports.hpp"
#include "dataplane/net/tcp/reclaim.hpp"
#include "dataplane/net/tcp/timers.hpp"

namespace sluice::net::tcp {

using base::Instant;
using base::PacketPtr;
using base::PacketQueue;

struct Engine::Parts {
  Parts(const TcpSettings& settings, HashKey hash_key, OwnsFlow owns_flow, IpOutput& ip,
        base::PacketPool& packets, base::Counters<NetCounter>& counters, Instant start)
      : core(settings, hash_key, std::move(owns_flow), ip, packets, counters, start),
        emitter(core),
        path_mtu(core, hash_key),
        output(core, emitter, path_mtu),
        input(core, emitter, path_mtu, hash_key),
        timers(core, emitter, output, path_mtu) {}

  void finish(Connection& c);
  void abort(Connection& c);

  Core core;
  Emitter emitter;
  PathMtuDiscovery path_mtu;
  Output output;
  Input input;
  Timers timers;
};

Engine::Engine(const TcpSettings& settings, HashKey hash_key, OwnsFlow owns_flow, IpOutput& ip,
               base::PacketPool& packets, base::Counters<NetCounter>& counters, Instant start)
    : parts_(std::make_unique<Parts>(settings, hash_key, std::move(owns_flow), ip, packets,
                                     counters, start)) {}

Engine::~Engine() = default;

// --- segments and time ---

void Engine::receive(Instant now, const base::IpAddress& source, const base::IpAddress& destination,
                     PacketPtr segment) {
  parts_->core.now = now;
  parts_->input.receive(source, destination, std::move(segment));
}

std::uint32_t Engine::look_for(const base::FourTuple& flow) const {
  const std::uint32_t hash = parts_->core.hash.bucket(flow);
  parts_->core.flows.prefetch(hash);
  return hash;
}

// Which connection it is the demultiplexer believes; the segment's flow is compared when its turn
// comes, as segments before it may have changed everything.
std::uint32_t Engine::look_closer(std::uint32_t hash) const {
  const Core& core = parts_->core;
  const std::uint32_t index = core.flows.find(hash, [](std::uint32_t) { return true; });
  if (index != FlowTable::kNone) {
    core.connections.prefetch(index);
  } else {
    core.time_wait.prefetch(hash);
  }
  return index;
}

void Engine::look_at_queue(std::uint32_t place, Queued what) const {
  const Connection* c = parts_->core.connections.in_use(place);
  if (c == nullptr || c->outbox == nullptr) return;
  if (what == Queued::kOutbox) return base::Pool<Outbox>::prefetch(*c->outbox);
  const SendSegment* first = c->outbox->queue.front();
  if (what == Queued::kFirstSegment) return __builtin_prefetch(first);
  if (first != nullptr && first->packet != nullptr) first->packet->prefetch();
}

void Engine::receive(Instant now, const base::FourTuple& flow, std::uint32_t hash,
                     PacketPtr segment) {
  parts_->core.now = now;
  parts_->input.receive(flow, hash, std::move(segment));
}

std::size_t Engine::receive_plain(Instant now, std::uint32_t place,
                                  std::span<const wire::PlainSegment> run,
                                  std::span<base::Packet* const> frames) {
  Core& core = parts_->core;
  core.now = now;
  Connection* c = core.connections.in_use(place);
  return c != nullptr ? parts_->input.take_plain(run, *c, frames) : 0;
}

bool Engine::sheds_syns(Instant now) const {
  parts_->core.now = now;
  return parts_->input.sheds_syns();
}

void Engine::shed(PacketPtr /*syn*/) {
  parts_->core.count(NetCounter::kTcpSegmentsIn);
  parts_->core.count(NetCounter::kTcpSynCookiesWithheld);
}

void Engine::unreachable(Instant now, const base::FourTuple& flow, std::uint32_t sequence) {
  parts_->core.now = now;
  parts_->input.unreachable(flow, wire::SeqNumber(sequence));
}

void Engine::too_big(Instant now, const base::FourTuple& flow, const TooBig& report) {
  parts_->core.now = now;
  parts_->path_mtu.too_big(flow, report);
}

void Engine::advance(Instant now) {
  Core& core = parts_->core;
  core.now = now;
  core.wheel.advance(
      now, [this](base::TimerNode& node) { parts_->timers.fire(static_cast<Connection&>(node)); });
  core.time_wait.expire(now);
  if (core.send_memory.is_exhausted()) reset_shut_windows(core, parts_->emitter);
  if (std::exchange(core.receive_memory_wanted, false)) reset_unread(core, parts_->emitter);
}

void Engine::flush(Instant now) {
  parts_->core.now = now;
  while (Connection* c = parts_->core.output.pop_front()) parts_->output.run(*c);
}

Instant Engine::next_deadline() const {
  return std::min(parts_->core.wheel.next_deadline(), parts_->core.time_wait.next_deadline());
}

// --- opening ---

base::Result<ListenerId, ListenError> Engine::listen(const base::SocketAddress& local) {
  const bool any = local.address == unspecified(local.address.family());
  if (!any && !parts_->core.ip.is_local(local.address)) {
    return base::Unexpected{ListenError::kAddressNotOurs};
  }
  return parts_->core.listeners.add(local);
}

void Engine::stop_listening(ListenerId listener) {
  Core& core = parts_->core;
  core.listeners.remove(listener);
  core.connections.for_each([&](ConnectionHandle, Connection& c) {
    if (c.state == State::kSynReceived && c.passive && c.listener == listener) parts_->abort(c);
  });
}

base::Result<ConnectionHandle, ConnectError> Engine::connect(Instant now,
                                                             const ConnectOptions& options) {
  Core& core = parts_->core;
  core.now = now;
  if (!core.ip.is_local(options.source)) return base::Unexpected{ConnectError::kAddressNotOurs};
  if (!core.ip.path_mtu(options.remote.address)) return base::Unexpected{ConnectError::kNoRoute};
  const auto flow = choose_port(core, options.source, options.remote);
  if (!flow) {
    core.count(NetCounter::kTcpNoPort);
    return base::Unexpected{ConnectError::kNoPort};
  }
  Connection* created = core.create(*flow, core.hash.bucket(*flow));
  if (created == nullptr) return base::Unexpected{ConnectError::kTooMany};
  Connection& c = *created;
  c.attached = true;
  c.context = options.context;
  // Offered; the SYN-ACK says what becomes of it.
  c.timestamps = c.sack = c.scaling = true;
  c.rcv.scale = parts_->emitter.window().scale();
  c.snd.una = core.hash.initial_sequence(c.flow, now);
  c.snd.nxt = c.snd.una + 1;
  core.set_state(c, State::kSynSent);
  c.progress = now;
  c.deadline(Timer::kEnd) = now + options.timeout;
  const bool sent = parts_->emitter.send_syn(c);
  c.deadline(Timer::kRetransmit) =
      now + (sent ? c.rtt.rto(core.settings.rto_minimum) : kSynPacketRetry);
  core.arm(c);
  return core.handle_of(c);
}

// --- events ---

std::optional<Event> Engine::next_event() {
  Core& core = parts_->core;
  Connection* c = core.ready.pop_front();
  if (c == nullptr) return std::nullopt;
  Event event{.connection = core.handle_of(*c),
              .what = std::exchange(c->events, {}),
              .reason = c->reason,
              .accepted = c->passive,
              .listener = c->listener,
              .context = c->context};
  if (event.what.closed) core.release(*c);
  return event;
}

void Engine::look_ahead(ConnectionHandle connection) const {
  parts_->core.connections.prefetch(connection.index);
}

void Engine::set_context(ConnectionHandle connection, std::uint64_t context) {
  if (Connection* c = parts_->core.find(connection)) c->context = context;
}

// --- receiving ---

PacketQueue* Engine::input(ConnectionHandle connection) {
  Core& core = parts_->core;
  Connection* c = core.find(connection);
  if (c == nullptr) return nullptr;
  return c->inbox != nullptr ? &c->inbox->text : &core.nothing;
}

void Engine::consumed(Instant now, ConnectionHandle connection) {
  Core& core = parts_->core;
  core.now = now;
  Connection* c = core.find(connection);
  if (c == nullptr) return;
  if (c->inbox != nullptr) {
    core.settle(*c->inbox);
    c->inbox->unread_ms = milliseconds(now);
  }
  if (c->synchronized() && !c->input_finished) {
    parts_->emitter.window().on_taken(*c, milliseconds(now));
  }
  core.put_inbox_away(*c);
  core.end_if_drained(*c);
  // After the peer's FIN there is nothing left to open the window for.
  if (!c->synchronized() || c->input_finished) return;
  if (parts_->emitter.window().update_due(*c)) {
    c->ack_now = true;
    core.schedule_output(*c);
  }
}

bool Engine::input_finished(ConnectionHandle connection) const {
  const Connection* c = parts_->core.find(connection);
  return c != nullptr && c->input_finished;
}

// --- sending ---

std::size_t Engine::send_room(ConnectionHandle connection) const {
  Connection* c = parts_->core.find(connection);
  if (c == nullptr) return 0;
  const std::size_t room = parts_->core.send_room(*c);
  // Whoever hears that there is none hears when there is. The buffer may have shrunk.
  if (room == 0) c->writable_wanted = true;
  return room;
}

std::size_t Engine::segment_size(ConnectionHandle connection) const {
  const Connection* c = parts_->core.find(connection);
  return c != nullptr ? parts_->path_mtu.segment_size(*c) : 0;
}

void Engine::send(Instant now, ConnectionHandle connection, PacketQueue&& payload) {
  Core& core = parts_->core;
  core.now = now;
  PacketQueue queue = std::move(payload);  // what is not taken dies with it
  Connection* c = core.find(connection);
  if (c == nullptr || c->state == State::kClosed || c->fin_queued) return;
  SendQueue& unsent = core.outbox_of(*c).queue;
  while (PacketPtr packet = queue.pop_front()) {
    if (packet->empty()) continue;
    if (unsent.push(core.segments, std::move(packet), c->snd.mss)) continue;
    (void)parts_->emitter.send_reset(*c);
    return core.end(*c, CloseReason::kNoMemory);
  }
  core.settle(*c->outbox);
  if (core.send_room(*c) == 0) c->writable_wanted = true;  // until the event is posted
  core.schedule_output(*c);
}

std::size_t Engine::unacknowledged(ConnectionHandle connection) const {
  const Connection* c = parts_->core.find(connection);
  return c != nullptr && c->outbox != nullptr ? c->outbox->queue.bytes() : 0;
}

// --- closing ---

// RFC 9293 3.10.4.
void Engine::Parts::finish(Connection& c) {
  const bool open = c.state == State::kSynSent || c.state == State::kSynReceived ||
                    c.state == State::kEstablished || c.state == State::kCloseWait;
  if (!open || c.fin_queued) return;
  if (!core.outbox_of(c).queue.push_fin(core.segments)) {
    (void)emitter.send_reset(c);
    return core.end(c, CloseReason::kNoMemory);
  }
  c.fin_queued = true;
  if (c.state == State::kEstablished) core.set_state(c, State::kFinWait1);
  if (c.state == State::kCloseWait) core.set_state(c, State::kLastAck);
  core.schedule_output(c);
}

// RFC 9293 3.10.5.
void Engine::Parts::abort(Connection& c) {
  const bool peer_knows =
      c.state == State::kSynReceived || (c.synchronized() && c.state != State::kTimeWait);
  if (peer_knows) (void)emitter.send_reset(c);
  c.attached = false;
  core.set_state(c, State::kClosed);
  core.release(c);
}

void Engine::finish(Instant now, ConnectionHandle connection) {
  parts_->core.now = now;
  if (Connection* c = parts_->core.find(connection)) parts_->finish(*c);
}

void Engine::close(Instant now, ConnectionHandle connection) {
  Core& core = parts_->core;
  core.now = now;
  Connection* c = core.find(connection);
  if (c == nullptr) return;
  // RFC 1122 4.2.2.13: what the peer has sent and nobody has read must not look delivered.
  if (!c->input_empty() || c->state == State::kSynSent) return parts_->abort(*c);
  parts_->finish(*c);
  c->attached = false;
  c->events = {};
  core.ready.remove(*c);
  if (c->state == State::kClosed || c->state == State::kTimeWait) return core.release(*c);
  c->progress = now;
  if (c->state == State::kFinWait2) {
    c->deadline(Timer::kEnd) = now + core.settings.fin_wait_2;
  } else if (c->synchronized()) {
    c->deadline(Timer::kEnd) = now + core.settings.orphan_timeout;
  }
  core.arm(*c);
}

void Engine::abort(Instant now, ConnectionHandle connection) {
  parts_->core.now = now;
  if (Connection* c = parts_->core.find(connection)) parts_->abort(*c);
}

void Engine::abort_all(Instant now) {
  parts_->core.now = now;
  parts_->core.connections.for_each([this](ConnectionHandle, Connection& c) { parts_->abort(c); });
}

// --- looking ---

std::optional<base::FourTuple> Engine::addresses(ConnectionHandle connection) const {
  const Connection* c = parts_->core.find(connection);
  if (c == nullptr) return std::nullopt;
  return c->flow;
}

std::size_t Engine::connections() const {
  return parts_->core.connections.size();
}
std::size_t Engine::half_open() const {
  return parts_->core.half_open();
}
std::size_t Engine::closing() const {
  return parts_->core.closing();
}
const MemoryBudget& Engine::receive_memory() const {
  return parts_->core.receive_memory;
}
const MemoryBudget& Engine::send_memory() const {
  return parts_->core.send_memory;
}
std::size_t Engine::time_wait() const {
  return parts_->core.time_wait.size();
}

}  // namespace sluice::net::tcp
