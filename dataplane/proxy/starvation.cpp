// Sessions that found the packet pool empty line up here and are tried again once per iteration.
#include <utility>

#include "dataplane/proxy/proxy.hpp"

namespace sluice::proxy {

void Proxy::starve(Session& session) {
  if (session.starved) return;
  session.starved = true;
  counters_.add(ProxyCounter::kStarvedOfPackets);
  starved_.push_back(sessions_.handle_of(session));
}

void Proxy::retry_starved(base::Instant now) {
  if (starved_.empty() || pool_.allocatable() == 0) return;
  std::swap(starved_, retrying_);
  for (const SessionHandle handle : retrying_) {
    Session* session = sessions_.find(handle);
    if (session == nullptr) continue;
    session->starved = false;
    pump_downlink(now, *session);
    if (Session* alive = sessions_.find(handle)) pump_uplink(now, *alive);
  }
  retrying_.clear();
}

}  // namespace sluice::proxy
