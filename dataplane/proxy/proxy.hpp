// The proxy of one worker: every session between a TLS client and its backend. It reacts to the
// stack's events, moves records and plaintext between the two connections, and runs the burst's
// public-key jobs together.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "base/timer_wheel.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/proxy/counters.hpp"
#include "dataplane/proxy/job_batch.hpp"
#include "dataplane/proxy/record_packets.hpp"
#include "dataplane/proxy/route_table.hpp"
#include "dataplane/proxy/server_group.hpp"
#include "dataplane/proxy/session.hpp"
#include "dataplane/proxy/settings.hpp"
#include "tls/server/connection.hpp"

namespace sluice::proxy {

class Proxy {
 public:
  // `stack` and `pool` belong to the same worker and outlive the proxy.
  Proxy(const ProxySettings& settings, net::Stack& stack, base::PacketPool& pool,
        base::Instant start);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Begins to accept. Error: the listener's address, and why.
  struct ListenFailure {
    base::SocketAddress address;
    net::ListenError error;
  };
  base::Result<void, ListenFailure> listen();

  // Handles all pending events, due timers and a batch of jobs. Once per loop iteration, after the
  // stack's receive() and advance() and before its flush().
  void run(base::Instant now);
  // When run() has to be called again although no event is pending.
  [[nodiscard]] base::Instant next_deadline() const;

  // Accepts no more; sessions go on.
  void stop_listening();
  // Ends every session: in order where nothing is cut short (close_notify and FIN to the client,
  // FIN to the backend), with an alert and a reset where something is. They linger until their
  // clients have taken it.
  void close_all(base::Instant now);
  // Resets every session.
  void abort_all(base::Instant now);

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] std::size_t handshakes() const { return tls_.handshakes(); }
  [[nodiscard]] const base::Counters<ProxyCounter>& counters() const { return counters_; }
  [[nodiscard]] const base::Counters<tls::TlsCounter>& tls_counters() { return tls_.counters(); }

 private:
  using Received = tls::ServerConnection::Received;

  // events.cpp: what the stack and the timers reported
  void handle_events(base::Instant now);
  void look_ahead(const net::Event& event);
  void handle(base::Instant now, const net::Event& event);
  void on_client(base::Instant now, Session& session, const net::Event& event);
  void on_backend(base::Instant now, Session& session, const net::Event& event);
  void on_client_closed(base::Instant now, Session& session, net::CloseReason reason);
  void on_backend_closed(base::Instant now, Session& session, net::CloseReason reason);
  void on_timer(base::Instant now, Session& session);
  void touch(base::Instant now, Session& session) { session.last_activity = now; }

  // lifecycle.cpp: how a session begins, finds its backend, and ends
  void accept(base::Instant now, const net::Event& event);
  void connect_backend(base::Instant now, Session& session);
  bool open_backend(base::Instant now, Session& session, ServerGroup& group);
  void backend_failed(base::Instant now, Session& session);
  void fail(base::Instant now, Session& session, tls::AlertDescription alert);
  void linger(base::Instant now, Session& session);
  void linger_on(base::Instant now, Session& session);
  void discard_input(base::Instant now, Session& session);
  void finish_if_done(base::Instant now, Session& session);
  void close_in_order(base::Instant now, Session& session);
  bool waits(net::ConnectionHandle connection);  // input that nobody has read
  void end(base::Instant now, Session& session);

  // uplink.cpp: client records to backend plaintext
  void pump_uplink(base::Instant now, Session& session);
  bool may_open_record(Session& session);
  bool receive_record(base::Instant now, Session& session, std::size_t size);
  bool act_on(base::Instant now, Session& session, Received::Kind kind);
  void forward(base::Instant now, Session& session, std::size_t record_size,
               const Received& received);
  void on_close_notify(base::Instant now, Session& session);
  void on_client_stream_end(base::Instant now, Session& session);
  bool queue_job_if_any(base::Instant now, Session& session);
  void run_jobs(base::Instant now);

  // downlink.cpp: backend plaintext to client records
  void pump_downlink(base::Instant now, Session& session);
  base::Result<void, tls::TlsError> seal_up_to(Session& session, std::size_t room,
                                               base::PacketQueue& input);
  base::Result<void, tls::TlsError> seal_one(Session& session, std::size_t size,
                                             base::PacketQueue& input);
  bool packets_for(const Session& session, std::size_t plaintext) const;
  void finish_downlink(base::Instant now, Session& session);
  void begin_records(const Session& session);
  void send_records(base::Instant now, Session& session);

  // starvation.cpp: sessions that wait for free packets
  void starve(Session& session);
  void retry_starved(base::Instant now);

  net::Stack& stack_;
  base::PacketPool& pool_;
  const std::vector<Listener> listeners_;
  RouteTable routes_;
  std::vector<ServerGroup> groups_;
  base::Counters<ProxyCounter> counters_;
  tls::ServerContext tls_;
  base::TimerWheel timers_;
  base::Pool<Session> sessions_;
  JobBatch jobs_;
  RecordPackets records_;
  base::PacketPtr spare_;  // for a copied piece of plaintext, fetched before a record is opened
  std::vector<base::MutableBytes> record_spans_;
  std::vector<base::Bytes> plaintext_spans_;
  std::vector<SessionHandle> starved_;
  std::vector<SessionHandle> retrying_;
  std::vector<net::ListenerId> listener_ids_;  // by index into listeners_
};

}  // namespace sluice::proxy
