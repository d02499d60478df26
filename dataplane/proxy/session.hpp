// One proxied connection: the client's TCP connection, its TLS state, and the backend's connection.
#pragma once

#include <cstdint>

#include "base/pool.hpp"
#include "base/time.hpp"
#include "base/timer_wheel.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/proxy/server_group.hpp"
#include "tls/server/connection.hpp"

namespace sluice::proxy {

enum class Stage : std::uint8_t {
  kHandshake,   // no backend yet
  kConnecting,  // handshake done, backend being opened
  kStreaming,   // both legs open; each direction may be finished on its own
  kLingering,   // the last record is on its way; input is thrown away until the client closes
};

struct Session;

// The session's one timer: handshake, idle or lingering time, by stage.
struct SessionTimer : base::TimerNode {
  explicit SessionTimer(Session& s) : session(s) {}
  Session& session;
};

struct Session {
  struct Client {
    net::ConnectionHandle connection;
    base::SocketAddress peer;
    std::uint32_t listener;  // index
  };
  Session(tls::ServerContext& tls_context, const Client& accepted)
      : client(accepted.connection),
        timer(*this),
        tls(tls_context, accepted.peer, accepted.listener) {}

  net::ConnectionHandle client;
  net::ConnectionHandle backend;  // null until one is being opened, and after it has closed
  SessionTimer timer;
  base::Instant accepted_at;
  base::Instant last_activity;
  ServerGroup::Tried tried = 0;
  std::uint32_t undelivered = 0;  // bytes on their way to a lingering client, when last looked at
  std::uint16_t server = 0;
  Stage stage = Stage::kHandshake;
  bool uplink_done : 1 = false;    // the client's close_notify was carried to the backend as a FIN
  bool downlink_done : 1 = false;  // close_notify was sent to the client, after all of its data
  bool job_queued : 1 = false;
  bool starved : 1 = false;  // waits in the queue of those that need packets
  tls::ServerConnection tls;
};

using SessionHandle = base::Handle<Session>;

}  // namespace sluice::proxy
