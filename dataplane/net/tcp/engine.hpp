// TCP (RFC 9293) for one worker, sans-IO: segments, time and the sessions' calls go in, segments
// and events come out. The engine knows IP only as IpOutput below it; net::Stack (stack.hpp) is its
// only caller and documents the calls that sessions make, which have the same names here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ip_output.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/net/tcp/memory_budget.hpp"
#include "dataplane/wire/plain_segment.hpp"

namespace sluice::net::tcp {

using HashKey = std::span<const std::byte, 16>;
using OwnsFlow = std::function<bool(const base::FourTuple&)>;

// A router's report that a segment was larger than what comes next on its way.
struct TooBig {
  std::uint32_t sequence = 0;  // in the segment's header
  std::uint32_t mtu = 0;       // of what comes next, bytes of IP packet
};

class Engine {
 public:
  // `ip`, `packets` and `counters` outlive the engine. An empty `owns_flow` owns every flow.
  Engine(const TcpSettings& settings, HashKey hash_key, OwnsFlow owns_flow, IpOutput& ip,
         base::PacketPool& packets, base::Counters<NetCounter>& counters, base::Instant start);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // --- segments and time ---
  // The packet's bytes are the segment, from the TCP header to the end of the IP payload; its
  // checksum has been verified.
  void receive(base::Instant now, const base::IpAddress& source, const base::IpAddress& destination,
               base::PacketPtr segment);
  // The same in three steps, so that memory may be fetched in between: the flow's hash, by which
  // the demultiplexer knows it, then the place of what is found there, then the segment itself.
  [[nodiscard]] std::uint32_t look_for(const base::FourTuple& flow) const;
  [[nodiscard]] std::uint32_t look_closer(std::uint32_t hash) const;
  void receive(base::Instant now, const base::FourTuple& flow, std::uint32_t hash,
               base::PacketPtr segment);
  // Begins to fetch what an acknowledgment for the connection at this place takes off its queue.
  // Each is found by the one before, which had better have arrived.
  enum class Queued : std::uint8_t { kOutbox, kFirstSegment, kFirstPacket };
  void look_at_queue(std::uint32_t place, Queued what) const;
  // The third step for plain segments that continue each other, in their frames. Takes the first of
  // them, as many as may be taken as one, and returns their number; 0, and nothing is done, where
  // receive() has to see the first one.
  [[nodiscard]] std::size_t receive_plain(base::Instant now, std::uint32_t place,
                                          std::span<const wire::PlainSegment> run,
                                          std::span<base::Packet* const> frames);
  // True while SYNs are shed; shed() is what becomes of one then.
  [[nodiscard]] bool sheds_syns(base::Instant now) const;
  void shed(base::PacketPtr syn);
  // An ICMP error (or a neighbour that does not answer) for a segment that this host sent: its flow
  // as this host sees it and the sequence number in its header.
  void unreachable(base::Instant now, const base::FourTuple& flow, std::uint32_t sequence);
  // The same for a segment that was too big.
  void too_big(base::Instant now, const base::FourTuple& flow, const TooBig& report);
  void advance(base::Instant now);
  void flush(base::Instant now);
  [[nodiscard]] base::Instant next_deadline() const;

  // --- opening ---
  base::Result<ListenerId, ListenError> listen(const base::SocketAddress& local);
  void stop_listening(ListenerId listener);
  base::Result<ConnectionHandle, ConnectError> connect(base::Instant now,
                                                       const ConnectOptions& options);

  // --- events ---
  [[nodiscard]] std::optional<Event> next_event();
  void look_ahead(ConnectionHandle connection) const;
  void set_context(ConnectionHandle connection, std::uint64_t context);

  // --- receiving ---
  [[nodiscard]] base::PacketQueue* input(ConnectionHandle connection);
  void consumed(base::Instant now, ConnectionHandle connection);
  [[nodiscard]] bool input_finished(ConnectionHandle connection) const;

  // --- sending ---
  [[nodiscard]] std::size_t send_room(ConnectionHandle connection) const;
  [[nodiscard]] std::size_t segment_size(ConnectionHandle connection) const;
  void send(base::Instant now, ConnectionHandle connection, base::PacketQueue&& payload);
  [[nodiscard]] std::size_t unacknowledged(ConnectionHandle connection) const;

  // --- closing ---
  void finish(base::Instant now, ConnectionHandle connection);
  void close(base::Instant now, ConnectionHandle connection);
  void abort(base::Instant now, ConnectionHandle connection);
  void abort_all(base::Instant now);

  // --- looking ---
  [[nodiscard]] std::optional<base::FourTuple> addresses(ConnectionHandle connection) const;
  [[nodiscard]] std::size_t connections() const;  // control blocks in use, half-open ones included
  [[nodiscard]] std::size_t half_open() const;
  [[nodiscard]] std::size_t closing() const;
  [[nodiscard]] std::size_t time_wait() const;
  [[nodiscard]] const MemoryBudget& receive_memory() const;
  [[nodiscard]] const MemoryBudget& send_memory() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::net::tcp
