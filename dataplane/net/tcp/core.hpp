// What the parts of one engine share: its surroundings, its tables, and the life of a control block
// from create() to release(). Input, Output and Timers stand on it and not on each other's insides.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/pool.hpp"
#include "base/time.hpp"
#include "base/timer_wheel.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ip_output.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/net/tcp/connection.hpp"
#include "dataplane/net/tcp/connection_list.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/net/tcp/flow_hash.hpp"
#include "dataplane/net/tcp/flow_table.hpp"
#include "dataplane/net/tcp/listeners.hpp"
#include "dataplane/net/tcp/memory_budget.hpp"
#include "dataplane/net/tcp/path_search.hpp"
#include "dataplane/net/tcp/shut_windows.hpp"
#include "dataplane/net/tcp/time_wait.hpp"

namespace sluice::net::tcp {

class Core {
 public:
  Core(const TcpSettings& settings, HashKey hash_key, OwnsFlow owns_flow, IpOutput& ip,
       base::PacketPool& packets, base::Counters<NetCounter>& counters, base::Instant start);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // --- looking up ---
  [[nodiscard]] Connection* find(ConnectionHandle handle);
  [[nodiscard]] Connection* find(const base::FourTuple& flow, std::uint32_t hash);
  [[nodiscard]] ConnectionHandle handle_of(const Connection& c) const {
    return connections.handle_of(c);
  }

  // --- life ---
  // A control block in the demultiplexer, in kClosed; null when there is no room.
  [[nodiscard]] Connection* create(const base::FourTuple& flow, std::uint32_t hash);
  void set_state(Connection& c, State state);
  // The connection is over. A session that holds it learns it from its last event; without one the
  // control block is gone when this returns. All unsent and unread bytes are dropped unless the
  // reason is kNone: then the session may still read.
  void end(Connection& c, CloseReason reason);
  // Both FINs are exchanged and this side closed first (RFC 9293 3.6). As end() for a connection
  // without a session.
  void enter_time_wait(Connection& c);
  // Posts the last event of a connection that is over, once its input has been read.
  void end_if_drained(Connection& c);
  // Frees the control block; what it leaves in TIME-WAIT goes into the table.
  void release(Connection& c);

  // Timer::kEnd from ESTABLISHED on.
  [[nodiscard]] base::Instant end_when_established(const Connection& c) const;

  // The connection's boxes, empty if it had none.
  [[nodiscard]] Outbox& outbox_of(Connection& c);
  [[nodiscard]] Inbox& inbox_of(Connection& c);
  // Takes them back where they are empty and nothing is lost with them.
  void put_outbox_away(Connection& c);
  void put_inbox_away(Connection& c);

  // Segments are as large as both ends take.
  void end_path_search(Connection& c);

  // BBR's model of the path: begun when a connection has more to send than its initial window,
  // forgotten when it has sent nothing for so long that nothing in the model is true any more.
  // Precondition of the first: the connection has an outbox.
  void begin_model_if_due(Connection& c);
  void forget_stale_model(Connection& c);

  // Tells the worker's budget what a box holds by now.
  void settle(Outbox& outbox);
  void settle(Inbox& inbox);

  // Payload that the send buffer still takes. It grows with the congestion window, as long as the
  // worker's memory allows it; a connection with nothing queued always has some.
  [[nodiscard]] std::size_t send_room(const Connection& c) const;
  // Whether it is worth to tell a session that waited for room.
  [[nodiscard]] bool has_worthwhile_send_room(const Connection& c) const;

  // --- to be done ---
  void post(Connection& c, Events events);
  void schedule_output(Connection& c) { output.push_back(c); }
  // Arms the connection's timer for the earliest of its deadlines.
  void arm(Connection& c);

  void count(NetCounter counter, std::uint64_t n = 1) { counters.add(counter, n); }
  [[nodiscard]] std::size_t half_open() const { return half_open_; }
  [[nodiscard]] std::size_t closing() const { return closing_; }
  // Too few packets are left for somebody new, while there are enough for those who are there.
  [[nodiscard]] static bool packets_short(const base::PacketPool& pool) {
    return pool.allocatable() < pool.capacity() / 16 * 3;
  }
  // Too few packets are left to spend any on what may be sent again: the last ones are for what
  // sets packets free, which is passing on what came in, and acknowledgments. Input that would wait
  // behind other input goes without first, all input when they are scarce. `pool` is the one that
  // would be spent from, perhaps that of another worker, which received the segment and handed it
  // on.
  [[nodiscard]] static bool packets_low(const base::PacketPool& pool) {
    return pool.allocatable() < pool.capacity() / 8;
  }
  [[nodiscard]] static bool packets_scarce(const base::PacketPool& pool) {
    return pool.allocatable() < pool.capacity() / 16;
  }

  // --- surroundings ---
  const TcpSettings settings;
  const OwnsFlow owns_flow;
  IpOutput& ip;
  base::PacketPool& packets;
  base::Counters<NetCounter>& counters;
  const FlowHash hash;

  // --- tables ---
  base::TimerWheel wheel;
  SegmentPool segments;
  base::Pool<Connection> connections;
  base::Pool<Outbox> outboxes;  // as many as connections, so that nobody has to go without
  base::Pool<Inbox> inboxes;
  PathSearchPool path_searches;
  base::Pool<Bbr> models;
  FlowTable flows;
  Listeners listeners;
  TimeWaitTable time_wait;
  ConnectionList<&Connection::ready> ready;
  ConnectionList<&Connection::output> output;
  MemoryBudget receive_memory;  // true size of what has arrived
  MemoryBudget send_memory;     // payload
  ShutWindows shut_windows;
  std::uint32_t next_inbox_to_reclaim = 0;
  bool receive_memory_wanted = false;  // text was dropped that should have had some
  base::PacketQueue nothing;           // the input of whoever has none
  base::Instant now;                   // of the call that is being served
  std::uint32_t payload_room = 0;      // bytes that a fresh packet takes
  std::uint32_t port_counter = 0;      // RFC 6056 3.3.3, next_ephemeral

 private:
  void empty_outbox(Connection& c);
  void forget_model(Connection& c);
  [[nodiscard]] std::size_t send_buffer(const Connection& c) const;

  std::size_t half_open_ = 0;
  std::size_t closing_ = 0;
};

// RFC 7323 4.1: our timestamp clock ticks in milliseconds.
[[nodiscard]] inline std::uint32_t milliseconds(base::Instant now) {
  return static_cast<std::uint32_t>(now.milliseconds());
}

}  // namespace sluice::net::tcp
