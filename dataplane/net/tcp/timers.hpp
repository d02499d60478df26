// What happens when a connection's timer fires: retransmission (RFC 6298), probes, delayed
// acknowledgments, resumed output, and the limits on how long a state may last.
#pragma once

#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/emitter.hpp"
#include "dataplane/net/tcp/output.hpp"
#include "dataplane/net/tcp/path_mtu_discovery.hpp"

namespace sluice::net::tcp {

class Timers {
 public:
  Timers(Core& core, Emitter& emitter, Output& output, PathMtuDiscovery& path_mtu)
      : core_(core), emitter_(emitter), output_(output), path_mtu_(path_mtu) {}

  // The connection may be gone afterwards.
  void fire(Connection& c);

 private:
  // Each returns false when the connection is over.
  bool end_of_state(Connection& c);
  bool retransmit(Connection& c);
  void retransmit_syn(Connection& c);
  void retransmission_timeout(Connection& c);
  void look_for_losses(Connection& c);
  bool keep_alive(Connection& c);  // keepalive.cpp
  void give_up(Connection& c);
  [[nodiscard]] bool is_hopeless(const Connection& c) const;
  [[nodiscard]] bool take_if_due(Connection& c, Timer timer) const;

  Core& core_;
  Emitter& emitter_;
  Output& output_;
  PathMtuDiscovery& path_mtu_;
};

}  // namespace sluice::net::tcp
