// The sans-IO TCP/IP stack of one worker: frames, time and randomness go in, frames and events come
// out. It knows no device, no clock and no thread. The order of calls in a worker's loop is
//
//   receive(now, interface, burst)    process what arrived
//   advance(now)                      fire timers
//   while (event = next_event()) ...  let the sessions react: they read, send, open and close
//   flush(now)                        let every connection with something to say build its segments
//   outgoing(interface)               hand the frames to the device
//
// RFC 791, 792, 826, 4443, 4861, 8200, 9293.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/pool.hpp"
#include "base/result.hpp"
#include "base/static_route.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ip_settings.hpp"

namespace sluice::net {

namespace tcp {
class Connection;
class Engine;
}  // namespace tcp

// Names a TCP connection from connect() or its first event until it is closed, aborted, or its
// kClosed event has been taken; after that it is stale and every call with it does nothing.
using ConnectionHandle = base::Handle<tcp::Connection>;
using ListenerId = std::uint16_t;
using InterfaceId = std::uint8_t;

struct InterfaceSettings {
  base::MacAddress mac;
  // With any of IPv6 the interface has a link-local address, too. Addresses of IPv6 are used a
  // second after the first advance(), unless another node turns out to have them (RFC 4862 5.4).
  std::vector<base::AddressPrefix> addresses;
  std::optional<base::IpAddress> gateway;  // for IPv4
  std::optional<base::Ipv6Address> ipv6_gateway = std::nullopt;
  // Of either family, each by a router on the link; they come before the gateways.
  std::vector<base::StaticRoute> routes{};
  std::optional<std::uint16_t> vlan = std::nullopt;  // every frame is tagged with it (IEEE 802.1Q)
  std::uint16_t mtu = 1500;                          // bytes
  bool device_verifies_checksums = false;
  bool device_computes_checksums = false;
  // Packets of text in a train that the device cuts into segments; 0: it takes no trains, and
  // software cuts them.
  std::uint16_t train_packets = 0;
  // Announces and answers for its addresses: ARP, Neighbour Discovery and echo. One worker's stack
  // does, where several serve an interface.
  bool answers_arp = true;
  // Addresses of IPv4 are announced only when nobody has objected to them for some seconds
  // (RFC 5227); else at once.
  bool probes_ipv4 = false;
};

enum class CongestionControl : std::uint8_t { kCubic, kBbr };

// Explicit congestion notification (RFC 3168): used where a peer asks for it, or asked for, too.
enum class EcnUse : std::uint8_t { kOff, kAnswer, kAsk };

struct TcpSettings {
  std::size_t max_connections = 65536;  // control blocks, TIME-WAIT not counted
  std::size_t max_half_open = 4096;     // SYN-RECEIVED
  std::size_t max_time_wait = 65536;
  // Buffers of a connection: what they begin with and what they grow to, where the path is long and
  // fast and the session keeps up. Received bytes are charged by the true size of their packets,
  // bytes to be sent by their payload.
  std::size_t initial_receive_buffer = 128 * 1024;
  std::size_t receive_buffer = 4 * 1024 * 1024;
  std::size_t initial_send_buffer = 128 * 1024;
  std::size_t send_buffer = 4 * 1024 * 1024;
  // What all connections may hold, by the same measures. 0: as much as the packets make sensible.
  std::size_t receive_memory = 0;
  std::size_t send_memory = 0;
  CongestionControl congestion = CongestionControl::kCubic;
  EcnUse ecn = EcnUse::kAnswer;
  base::Duration rto_minimum = base::Duration::milliseconds(200);
  base::Duration time_wait = base::Duration::seconds(60);
  base::Duration fin_wait_2 = base::Duration::seconds(60);
  base::Duration user_timeout = base::Duration::seconds(120);  // unacknowledged data, then reset
  // What a session has closed is delivered in this time or reset.
  base::Duration orphan_timeout = base::Duration::seconds(900);
  // Accepted connections of which nothing is heard (RFC 9293 3.8.4): how long until the first
  // probe, zero for none ever; from one to the next; and how many go unanswered before the end.
  base::Duration keepalive_idle = base::Duration::seconds(7200);
  base::Duration keepalive_interval = base::Duration::seconds(75);
  std::uint8_t keepalive_probes = 9;
};

struct StackSettings {
  TcpSettings tcp;
  IpSettings ip;
  // Keys what is computed of addresses: sequence numbers (RFC 6528), cookies, places in tables.
  std::array<std::byte, 16> hash_key{};
  // True when this worker owns the flow: active opens choose a source port for which it is. Empty
  // means that it owns every flow.
  std::function<bool(const base::FourTuple&)> owns_flow;
};

// What happened to a connection since its last event; several may come at once.
struct Events {
  bool opened : 1 = false;    // three-way handshake complete, active or passive
  bool readable : 1 = false;  // input() grew or input_finished() became true
  bool writable : 1 = false;  // send_room() is positive again after it was not
  bool closed : 1 = false;    // gone, see reason; the last event
};

enum class CloseReason : std::uint8_t {
  kNone,
  kReset,        // by the peer
  kRefused,      // an active open was answered by a reset
  kTimedOut,     // retransmissions, probes or an active open went unanswered
  kUnreachable,  // no route or no neighbour
  kNoMemory,
};

struct Event {
  ConnectionHandle connection;
  Events what;
  CloseReason reason = CloseReason::kNone;
  bool accepted = false;      // a passive open
  ListenerId listener = 0;    // that it came through
  std::uint64_t context = 0;  // as set by connect() or set_context()
};

enum class ListenError : std::uint8_t { kAddressNotOurs, kAddressInUse, kTooMany };
enum class ConnectError : std::uint8_t { kNoRoute, kNoPort, kTooMany, kAddressNotOurs };

struct ConnectOptions {
  base::IpAddress source;  // one of an interface's addresses
  base::SocketAddress remote;
  base::Duration timeout;  // of the handshake
  std::uint64_t context = 0;
};

struct StackUsage {
  std::size_t connections = 0;  // control blocks in use, half-open ones included
  std::size_t half_open = 0;
  std::size_t closing = 0;  // what was queued before finish() or close() is not all acknowledged
  std::size_t time_wait = 0;
  std::size_t neighbours = 0;
  std::size_t duplicate_addresses = 0;  // ours, not used because other nodes have them
  std::size_t receive_memory = 0;       // held by connections, of TcpSettings::receive_memory
  std::size_t send_memory = 0;
};

class Stack {
 public:
  // Allocates from `pool` for what it sends; the pool outlives the stack.
  Stack(const StackSettings& settings, base::PacketPool& pool, base::Instant start);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  InterfaceId add_interface(const InterfaceSettings& settings);

  // --- frames and time ---
  // Takes ownership of the frames.
  void receive(base::Instant now, InterfaceId interface, std::span<base::Packet* const> frames);
  void advance(base::Instant now);
  void flush(base::Instant now);
  // Complete frames in the order to transmit them. The caller takes them out.
  [[nodiscard]] base::PacketQueue& outgoing(InterfaceId interface);
  // When advance() has to be called at the latest; Instant::never() when nothing is waiting.
  [[nodiscard]] base::Instant next_deadline() const;

  // --- opening ---
  base::Result<ListenerId, ListenError> listen(const base::SocketAddress& local);
  void stop_listening(ListenerId listener);
  base::Result<ConnectionHandle, ConnectError> connect(base::Instant now,
                                                       const ConnectOptions& options);

  // --- events ---
  [[nodiscard]] std::optional<Event> next_event();
  // Begins to fetch a connection from memory: worth a call before the first of some others that it
  // will be served after, where there are many.
  void look_ahead(ConnectionHandle connection) const;
  void set_context(ConnectionHandle connection, std::uint64_t context);

  // --- receiving ---
  // Payload in order, not yet taken by the session; packets of it are exclusively owned and may be
  // edited in place. Null when the handle is stale. Headers in front of the payload are dead bytes:
  // they are headroom.
  [[nodiscard]] base::PacketQueue* input(ConnectionHandle connection);
  // To be called after packets or bytes were taken out of input(): opens the window again.
  void consumed(base::Instant now, ConnectionHandle connection);
  // The peer's FIN has arrived and all before it is in input() or taken.
  [[nodiscard]] bool input_finished(ConnectionHandle connection) const;

  // --- sending ---
  // Bytes of payload that the send buffer takes now. send() accepts more, for one record's
  // overshoot.
  [[nodiscard]] std::size_t send_room(ConnectionHandle connection) const;
  // Payload bytes in a full-sized segment, options deducted; what send()'s packets should hold.
  [[nodiscard]] std::size_t segment_size(ConnectionHandle connection) const;
  // Queues payload. Each packet is exclusively owned and has Packet::kHeadroom or, if it was
  // received, its own dead headers' worth of headroom; a packet with less is copied, one with more
  // payload than a segment is split by copying, small ones are coalesced.
  void send(base::Instant now, ConnectionHandle connection, base::PacketQueue&& payload);
  // Bytes sent or queued and not yet acknowledged.
  [[nodiscard]] std::size_t unacknowledged(ConnectionHandle connection) const;

  // --- closing ---
  // FIN after everything queued: the sending half is over, input goes on.
  void finish(base::Instant now, ConnectionHandle connection);
  // The session is done with the connection: what is queued and a FIN are still delivered, further
  // input is refused with a reset (RFC 9293 3.6.1); no more events. Unread input resets at once.
  void close(base::Instant now, ConnectionHandle connection);
  // RST, and gone.
  void abort(base::Instant now, ConnectionHandle connection);
  // RST for every connection, those included that sessions have closed; no events.
  void abort_all(base::Instant now);

  // --- looking ---
  [[nodiscard]] std::optional<base::FourTuple> addresses(ConnectionHandle connection) const;
  [[nodiscard]] const base::Counters<NetCounter>& counters() const;
  [[nodiscard]] StackUsage usage() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::net
