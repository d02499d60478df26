// Keep-alive (RFC 9293 3.8.4, RFC 1122 4.2.3.6): an accepted connection of which nothing has been
// heard for long is probed, and ends when no probe is answered. Its deadline is not moved by every
// segment: when it comes, it looks how long the silence has really been. It is
// off unless asked for (MUST-25): a server asks for it on what it accepts.
#include "dataplane/net/tcp/timers.hpp"

namespace sluice::net::tcp {

using base::Duration;

bool Timers::keep_alive(Connection& c) {
  const Duration idle = core_.settings.keepalive_idle;
  const Duration interval = core_.settings.keepalive_interval;
  const Duration silence = Duration::milliseconds(milliseconds(core_.now) - c.heard_ms);
  // Heard since the last probe but one, which is as exact as it has to be.
  if (silence < idle + interval) c.keepalive_probes = 0;
  if (silence < idle) {
    c.deadline(Timer::kEnd) = core_.now + (idle - silence);
    return true;
  }
  c.deadline(Timer::kEnd) = core_.now + interval;
  // MUST-26: while data is unacknowledged its own timer asks, and gives up sooner.
  if (!c.all_acknowledged()) return true;
  // MUST-29: no single probe that goes unanswered means anything. All have to be sent, however
  // long the silence was when this was looked at.
  if (c.keepalive_probes >= core_.settings.keepalive_probes) {
    core_.count(NetCounter::kTcpKeepaliveTimeouts);
    (void)emitter_.send_reset(c);
    core_.end(c, CloseReason::kTimedOut);
    return false;
  }
  if (emitter_.send_keepalive(c)) {
    ++c.keepalive_probes;
    core_.count(NetCounter::kTcpKeepaliveProbes);
  }
  return true;
}

}  // namespace sluice::net::tcp
