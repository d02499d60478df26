#include "dataplane/net/tcp/core.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace sluice::net::tcp {

using base::Instant;

namespace {

// A packet may have been received by any worker and handed on, so a queue's nodes are not bounded
// by one pool's packets. This is address space, touched only as far as it is used.
std::size_t segment_nodes(const base::PacketPool& packets, const TcpSettings& settings) {
  return packets.capacity() * base::limits::kMaxWorkers + settings.max_connections;
}

// What a queued segment costs at least, however small: so many small ones in flight must not pin
// more packets than full ones would.
constexpr std::size_t kSegmentCharge = 512;

// After that time BBR itself would not believe its oldest measurement, the round-trip time.
constexpr base::Duration kModelLifetime = base::Duration::seconds(10);

// The least that a session can live on: a record, and what it is made of.
constexpr std::size_t kLeastSendBuffer = 32 * 1024;

std::size_t charge_of(const SendQueue& queue) {
  return std::max<std::size_t>(queue.bytes(), queue.segments() * kSegmentCharge);
}

// What packets of the pool are good for, together.
std::size_t packet_memory(base::PacketPool& packets) {
  const base::PacketPtr packet(packets.allocate());
  return packet ? packets.capacity() * packet->true_size() : 0;
}

// Unless it is said, half of the packets for what arrives. Full segments have 1.7 bytes of packet
// for one of payload, so that what is queued takes somewhat less.
std::size_t receive_budget(base::PacketPool& packets, const TcpSettings& settings) {
  return settings.receive_memory > 0 ? settings.receive_memory : packet_memory(packets) / 2;
}
std::size_t send_budget(base::PacketPool& packets, const TcpSettings& settings) {
  return settings.send_memory > 0 ? settings.send_memory : packet_memory(packets) / 4;
}

// Answers are limited from the first one on; a new connection, or one in TIME-WAIT, has had none.
constexpr std::uint32_t kLongAgoMs = 1'000;

// Our FIN, and perhaps text in front of it, has not been acknowledged.
constexpr bool is_closing(State state) {
  return state == State::kFinWait1 || state == State::kClosing || state == State::kLastAck;
}

std::uint32_t room_of_a_packet(base::PacketPool& packets) {
  const base::PacketPtr packet(packets.allocate());
  return packet ? static_cast<std::uint32_t>(packet->tailroom()) : 536;
}

}  // namespace

Core::Core(const TcpSettings& tcp_settings, HashKey hash_key, OwnsFlow owns, IpOutput& ip_output,
           base::PacketPool& pool, base::Counters<NetCounter>& net_counters, Instant start)
    : settings(tcp_settings),
      owns_flow(std::move(owns)),
      ip(ip_output),
      packets(pool),
      counters(net_counters),
      hash(hash_key),
      wheel(start),
      segments(segment_nodes(pool, tcp_settings)),
      connections(tcp_settings.max_connections),
      outboxes(tcp_settings.max_connections),
      inboxes(tcp_settings.max_connections),
      path_searches(tcp_settings.max_connections),
      models(tcp_settings.congestion == CongestionControl::kBbr ? tcp_settings.max_connections : 1),
      flows(tcp_settings.max_connections),
      time_wait(std::max<std::size_t>(tcp_settings.max_time_wait, 1), tcp_settings.time_wait),
      ready(connections),
      output(connections),
      receive_memory(receive_budget(pool, tcp_settings)),
      send_memory(send_budget(pool, tcp_settings)),
      shut_windows(tcp_settings.max_connections),
      now(start),
      payload_room(room_of_a_packet(pool)) {}

Core::~Core() {
  connections.for_each([this](ConnectionHandle, Connection& c) { empty_outbox(c); });
}

Connection* Core::find(ConnectionHandle handle) {
  Connection* c = connections.find(handle);
  return c != nullptr && c->attached ? c : nullptr;
}

Connection* Core::find(const base::FourTuple& flow, std::uint32_t flow_hash) {
  const std::uint32_t index =
      flows.find(flow_hash, [&](std::uint32_t i) { return connections.at(i).flow == flow; });
  return index == FlowTable::kNone ? nullptr : &connections.at(index);
}

Connection* Core::create(const base::FourTuple& flow, std::uint32_t flow_hash) {
  const ConnectionHandle handle = connections.create();
  if (!handle) {
    count(NetCounter::kTcpConnectionsFull);
    return nullptr;
  }
  if (!flows.insert(flow_hash, handle.index)) {
    connections.destroy(handle);
    count(NetCounter::kTcpConnectionsFull);
    return nullptr;
  }
  Connection& c = connections.at(handle.index);
  c.flow = flow;
  c.flow_hash = flow_hash;
  c.in_table = true;
  c.ts.offset = hash.timestamp_offset(flow);
  c.challenge_ms = milliseconds(now) - kLongAgoMs;
  return &c;
}

void Core::set_state(Connection& c, State state) {
  if (c.state == State::kSynReceived) --half_open_;
  if (state == State::kSynReceived) ++half_open_;
  if (is_closing(c.state)) --closing_;
  if (is_closing(state)) ++closing_;
  c.state = state;
}

void Core::end(Connection& c, CloseReason reason) {
  set_state(c, State::kClosed);
  c.reason = reason;
  if (!c.attached) return release(c);
  if (c.in_table) flows.erase(c.flow_hash, handle_of(c).index);
  c.in_table = false;
  c.deadlines.fill({});
  output.remove(c);
  empty_outbox(c);
  if (c.inbox != nullptr) {
    c.inbox->reassembly.clear();
    if (reason != CloseReason::kNone) c.inbox->text.clear();
    settle(*c.inbox);
    put_inbox_away(c);
  }
  end_if_drained(c);
}

void Core::enter_time_wait(Connection& c) {
  set_state(c, State::kTimeWait);
  if (!c.attached) return release(c);
  c.deadlines.fill({});
  c.deadline(Timer::kEnd) = now + settings.time_wait;
  arm(c);
  end_if_drained(c);
}

void Core::end_if_drained(Connection& c) {
  const bool over = c.state == State::kClosed || c.state == State::kTimeWait;
  if (over && c.input_empty()) post(c, {.closed = true});
}

void Core::release(Connection& c) {
  const ConnectionHandle handle = handle_of(c);
  if (c.state == State::kTimeWait && c.in_table) {
    TimeWaitEntry entry;
    entry.flow = c.flow;
    entry.hash = c.flow_hash;
    entry.snd_nxt = c.snd.nxt;
    entry.rcv_nxt = c.rcv.nxt;
    entry.window = static_cast<std::uint16_t>(std::min(c.rcv.window() >> c.rcv.scale, 0xffffU));
    entry.timestamps = c.timestamps;
    entry.ts_recent = c.ts.recent;
    entry.ts_offset = c.ts.offset;
    entry.answered_ms = milliseconds(now) - kLongAgoMs;
    if (time_wait.insert(entry, now)) count(NetCounter::kTcpTimeWaitRecycled);
  }
  set_state(c, State::kClosed);
  ready.remove(c);
  output.remove(c);
  if (c.in_table) flows.erase(c.flow_hash, handle.index);
  empty_outbox(c);
  if (c.inbox != nullptr) {
    receive_memory.change(c.inbox->charged, 0);
    inboxes.destroy(inboxes.handle_of(*c.inbox));
  }
  if (c.path_search != 0) end_path_search(c);
  connections.destroy(handle);
  count(NetCounter::kTcpConnectionsClosed);
}

Instant Core::end_when_established(const Connection& c) const {
  if (!c.attached) return now + settings.orphan_timeout;
  const bool keepalive = c.passive && settings.keepalive_idle > base::Duration{};
  return keepalive ? now + settings.keepalive_idle : Instant::never();
}

Outbox& Core::outbox_of(Connection& c) {
  if (c.outbox == nullptr) {
    c.outbox = &outboxes.at(outboxes.create().index);
    c.outbox->queue.start(c.snd.nxt);
    c.outbox->congestion = Controller(settings.congestion);
    c.outbox->congestion.start(c.cwnd);
  }
  return *c.outbox;
}

void Core::begin_model_if_due(Connection& c) {
  BbrWindow* window = c.outbox->congestion.bbr();
  if (window == nullptr || window->model() != nullptr) return;
  if (c.outbox->queue.bytes() <= initial_window(c.snd.mss)) return;
  const auto handle = models.create(Bbr::Begin{.now = now,
                                               .window = window->cwnd(),
                                               .mss = c.snd.mss,
                                               .rtt = c.rtt.minimum(),
                                               .seed = c.flow_hash});
  if (!handle) return;
  window->attach(models.at(handle.index));
  forget_stale_model(c);  // from now on its age is looked at
}

void Core::forget_stale_model(Connection& c) {
  if (c.outbox == nullptr || c.outbox->congestion.model() == nullptr) return;
  const bool idle = c.outbox->queue.empty();
  const Instant stale = (idle ? c.progress : now) + kModelLifetime;
  if (stale > now) return c.deadline(Timer::kResume).bring_forward_to(stale);
  forget_model(c);
  put_outbox_away(c);
}

void Core::forget_model(Connection& c) {
  Controller& congestion = c.outbox->congestion;
  if (congestion.model() == nullptr) return;
  models.destroy(models.handle_of(*congestion.bbr()->detach(initial_window(c.snd.mss))));
}

Inbox& Core::inbox_of(Connection& c) {
  if (c.inbox == nullptr) {
    c.inbox = &inboxes.at(inboxes.create().index);
    c.inbox->connection = handle_of(c).index;
  }
  return *c.inbox;
}

void Core::put_outbox_away(Connection& c) {
  if (c.outbox == nullptr || !c.outbox->queue.empty()) return;
  if (!c.outbox->recovery.is_unmarked() || !c.outbox->congestion.is_unmarked()) return;
  c.cwnd = c.outbox->congestion.cwnd();
  settle(*c.outbox);
  outboxes.destroy(outboxes.handle_of(*c.outbox));
  c.outbox = nullptr;
}

void Core::put_inbox_away(Connection& c) {
  if (c.inbox == nullptr || !c.inbox->text.empty() || !c.inbox->reassembly.empty()) return;
  settle(*c.inbox);
  inboxes.destroy(inboxes.handle_of(*c.inbox));
  c.inbox = nullptr;
}

// Of a connection that sends no more.
void Core::empty_outbox(Connection& c) {
  if (c.outbox == nullptr) return;
  forget_model(c);
  c.outbox->queue.clear(segments);
  settle(*c.outbox);
  outboxes.destroy(outboxes.handle_of(*c.outbox));
  c.outbox = nullptr;
}

void Core::end_path_search(Connection& c) {
  path_searches.destroy(path_searches.handle_of(path_searches.at(c.path_search - 1)));
  c.path_search = 0;
}

void Core::settle(Outbox& outbox) {
  const auto charge = static_cast<std::uint32_t>(charge_of(outbox.queue));
  send_memory.change(std::exchange(outbox.charged, charge), charge);
}

void Core::settle(Inbox& inbox) {
  const auto charge = static_cast<std::uint32_t>(inbox.true_size());
  receive_memory.change(std::exchange(inbox.charged, charge), charge);
}

std::size_t Core::send_buffer(const Connection& c) const {
  const std::size_t first = std::min(settings.initial_send_buffer, settings.send_buffer);
  if (send_memory.is_short()) return std::min(first, kLeastSendBuffer);
  if (send_memory.is_tight()) return first;
  // A window in flight, and another one that is ready when it is acknowledged.
  const std::uint32_t cwnd = c.outbox != nullptr ? c.outbox->congestion.cwnd() : c.cwnd;
  return std::clamp(std::size_t{cwnd} * 2, first, settings.send_buffer);
}

std::size_t Core::send_room(const Connection& c) const {
  const std::size_t charge = c.outbox != nullptr ? charge_of(c.outbox->queue) : 0;
  if (charge > 0 && send_memory.is_exhausted()) return 0;
  const std::size_t buffer = send_buffer(c);
  return buffer - std::min(buffer, charge);
}

bool Core::has_worthwhile_send_room(const Connection& c) const {
  const std::size_t room = send_room(c);
  const bool empty = c.outbox == nullptr || c.outbox->queue.bytes() == 0;
  return room > 0 && (empty || room >= send_buffer(c) / 4);
}

void Core::post(Connection& c, Events events) {
  if (!c.attached) return;
  c.events.opened |= events.opened;
  c.events.readable |= events.readable;
  c.events.writable |= events.writable;
  c.events.closed |= events.closed;
  ready.push_back(c);
}

// The timer may stay armed for an earlier moment that has become pointless; it then fires once,
// finds nothing due and is armed anew. Deadlines mostly move away, so this saves nearly all work.
void Core::arm(Connection& c) {
  std::int32_t ticks = Deadline::kNone;
  for (const Deadline& deadline : c.deadlines) ticks = std::min(ticks, deadline.ticks_ahead(now));
  if (ticks == Deadline::kNone) return;
  const Instant at = Deadline::in_ticks(now, ticks);
  if (!c.armed() || c.TimerNode::deadline() > at) wheel.arm(c, at);
}

}  // namespace sluice::net::tcp
